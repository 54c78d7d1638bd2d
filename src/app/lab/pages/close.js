// The bench "Close": ten ways for a connection to end, each on a connection of its own. Beside the bytes of both sides
// stands what the page is told of it.
import { announce, button, clear, el, many, peerText, question, visible } from './dom.js';
import { FrameView } from './frame.js';
import { listenIn } from './keys.js';
import { wireRow } from './wire.js';

const PATIENCE = 10; // seconds; a browser too waits some for the answer to its Close
const LONGEST_REASON = 123; // bytes: a control frame holds 125, and the code takes two (§5.5)

// `act` ends an open connection; `why` is said of what came of it. What the server is not to send it writes as it stands.
const raw = (hex) => ({ c }) => lab.session.ask('raw', { c, hex });
const CAUSES = [
  {
    id: '1000', text: 'The page closes with 1000', call: 'socket.close(1000)', questions: [45, 46],
    act: ({ socket }) => socket.close(1000),
    why: ({ endedBy }) => `Each side sent a Close, and the code came back: a clean end. TCP is for the server to end first, so that its port keeps waiting, and not the page’s (§7.1.1)${endedBy === 'server' ? ': so it did' : ''}.`,
  },
  {
    id: '4000', text: 'The page closes with 4000 and a reason', call: 'socket.close(4000, "tea is ready")', questions: [59],
    act: ({ socket }) => socket.close(4000, 'tea is ready'),
    why: ({ back }) => `4000 to 4999 mean what page and server agree on (§7.4.2). The reason follows the two bytes of the code, as UTF-8. plainws answers with the same code, as is usual (§5.5.1)${back}.`,
  },
  {
    id: 'no-code', text: 'The page closes without a code', call: 'socket.close()', questions: [44],
    act: ({ socket }) => socket.close(),
    why: () => 'The Close is empty, both ways. 1005 stands for “there was no code”: the page is told so, and nobody ever sends it (§7.4.1).',
  },
  {
    id: '1001', text: 'The server closes with 1001', call: 'Close 1001 “plainws goes away”', questions: [45],
    act: ({ c }) => lab.session.ask('close', { c, code: 1001, reason: 'plainws goes away' }),
    why: () => 'No page may send 1001, but it is told it, and the reason with it: the browser answered the Close, so the end is clean.',
  },
  {
    id: 'server-no-code', text: 'The server closes without a code', call: 'an empty Close', questions: [44],
    act: ({ c }) => lab.session.ask('close', { c, code: null, reason: '' }),
    why: () => 'Again 1005: whichever side sends it, an empty Close says nothing but that it is one.',
  },
  {
    id: 'cut', text: 'TCP is cut', call: 'no Close', questions: [43, 56, 57],
    act: ({ c }) => lab.session.ask('cut', { c }),
    why: () => 'TCP ended before any Close came. 1006 is the browser’s own word for that; nobody sent it (§7.1.5).',
  },
  {
    id: '1006', text: 'The server puts 1006 on the wire', call: '88 02 03 ee', questions: [43], rule: 'close-code-invalid',
    act: raw('880203ee'),
    why: (seen) => `1006 may not be sent (§7.4.1)${told(seen)}. The page is told 1006 because the connection failed, not because that code stood on the wire.`,
  },
  {
    id: 'masked', text: 'The server sends a masked frame', call: '81 85 37 fa 21 3d 7f 9f 4d 51 58', questions: [19, 56], rule: 'mask-present',
    act: raw('818537fa213d7f9f4d5158'),
    why: (seen) => `A server must not mask (§5.1)${told(seen)}. The page is told 1006 and no reason: a page is not to find out what answers at an address.`,
  },
  {
    id: 'not-utf8', text: 'The server sends text that is not UTF-8', call: '81 02 c3 28', questions: [56], rule: 'text-not-utf8',
    act: raw('8102c328'),
    why: (seen) => `Text is UTF-8 (§8.1)${told(seen, 1007)}. The page is told neither that nor in which message.`,
  },
  {
    id: 'refused', text: 'No WebSocket at this path', call: 'new WebSocket("…/lab/nothing")', questions: [58, 56], path: 'lab/nothing',
    why: ({ status }) => `The answer was ${status ?? 'a refusal'}, where 101 would switch the protocol, so there never was a WebSocket. The console says so; the page is told 1006, as when a cable is pulled out.`,
  },
];
const OWN = { id: 'own', text: 'Your own', questions: [59], why: ({ back }) => `plainws answers with the same code, as is usual (§5.5.1)${back}.` };

// What the browser told the server when it left, which may be more than it tells the page.
function told({ said }, due) {
  if (!said) return ', and this browser left without a word';
  const text = `, and this browser says why it leaves: Close ${said.code ?? 'without a code'}${said.reason ? ` “${said.reason}”` : ''}`;
  return due && said.code !== due ? `${text}, where ${due} would be the code (§7.4.1)` : text;
}

let lab, view, ask, status;
const runs = new Map(); // the latest try of each cause, by its id
const places = new Map(); // where the page shows it
let isLooking = false; // at a frame of the table
let queue = Promise.resolve(); // one at a time: a session has room for few connections
let visit = 0; // counts up when the bench is left, which ends what was queued

function build(root, given) {
  lab = given;
  const frame = new FrameView({ live: true });
  listenIn(frame);
  view = el('div', { class: 'close-view' }, button('Hide', hide, { class: 'quiet' }), frame.element);
  status = el('p', { class: 'muted' });
  ask = question(lab, {
    id: 'close',
    ask: 'Ten ways to end. Which of them does the page learn as 1006?',
    choices: ['the one that sends 1006', 'the cut, and that one', 'five of them'],
    right: 2,
    then: '',
    hint: 'Run all ten.',
  });
  const columns = ['Cause', 'On the wire', 'CloseEvent', 'TCP ended by'];
  root.append(
    ask,
    el('h1', { text: 'Close' }),
    el('div', { class: 'close-do' }, button('Run all ten', runAll, { class: 'strong' }), status),
    el('table', { class: 'close-table', role: 'table', 'aria-label': 'Ways to end' },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' },
        ...columns.map((text) => el('th', { scope: 'col', role: 'columnheader', text })))),
      ...[...CAUSES, OWN].map(group)),
    ownCode(),
  );
  lab.session.on('record', (record) => {
    for (const run of runs.values()) if (record.c && record.c === run.c) take(run, record);
  });
  lab.selection.on(placeView);
}

// One cause: its row, then what was seen of it in a sentence, with room for the frame view.
function group(cause) {
  const cell = (kind) => el('td', { role: 'cell', class: kind });
  const place = { wire: cell('close-wire rows'), event: cell('close-event'), tcp: cell('close-tcp') };
  place.call = el('code', { text: cause.call });
  place.button = cause === OWN ? el('strong', { text: cause.text })
    : button(cause.text, () => start(cause), { class: 'close-run' });
  place.said = el('p', {});
  place.after = el('td', { role: 'cell', class: 'close-after', colspan: 4 }, place.said);
  place.row = el('tr', { role: 'row', hidden: true }, place.after);
  place.body = el('tbody', { role: 'rowgroup', id: `close-${cause.id}`, hidden: cause === OWN },
    el('tr', { role: 'row' }, el('th', { scope: 'row', role: 'rowheader', class: 'close-cause' }, place.button, place.call), place.wire, place.event, place.tcp),
    place.row);
  places.set(cause.id, place);
  return place.body;
}

// Tries a cause once those before it are done; `act` says how to end the connection.
function start(cause, act = cause.act) {
  const now = visit;
  if (lab.session.state !== 'open') { // what was seen before stays
    announce(status.textContent = 'There is no session with the server: connect again first.');
    return queue;
  }
  if (['waiting', 'running'].includes(runs.get(cause.id)?.stage)) return queue;
  const run = { cause, act, stage: 'waiting', c: null, heads: [], frames: [], end: null, event: null, error: null };
  runs.set(cause.id, run);
  draw(run);
  queue = queue.then(() => (now === visit ? tryOut(run) : forget(run)));
  return queue;
}

function forget(run) {
  runs.delete(run.cause.id);
  draw(run);
}

async function runAll() {
  await Promise.all(CAUSES.map((cause) => start(cause)));
}

// The question is settled once every cause has been seen.
function settle() {
  const ended = CAUSES.map(({ id }) => runs.get(id)).filter((run) => run?.event);
  const lost = ended.filter((run) => run.event.code === 1006);
  status.textContent = `${ended.length} of ${CAUSES.length} tried, ${lost.length} of them 1006`;
  if (ended.length === CAUSES.length) ask.settle(`${lost.length} of ${ended.length}: whatever is not a Close, sent and answered, is one 1006 without a reason.`);
}

async function tryOut(run) {
  run.stage = 'running';
  draw(run);
  try {
    await within(PATIENCE, end(run), 'The connection did not end in ten seconds.');
  } catch (error) {
    run.error = error;
  }
  run.stage = 'done';
  draw(run);
  announce(run.error ? run.error.message : `${summary(run.event)} ${why(run)}`);
  settle();
}

async function end(run) {
  const connection = lab.session.open(run.cause.path ?? 'lab/echo');
  run.c = connection.c;
  const tcpEnded = new Promise((resolve) => { run.resolve = resolve; });
  if (run.act) {
    await Promise.race([connection.opened, connection.closed.then(() => {
      throw new Error('The server took no further connection. It taps four of a session at a time: end one of the others.');
    })]);
    try {
      await run.act(connection);
    } catch (error) {
      connection.socket.close();
      run.c = null;
      throw error;
    }
  } else {
    connection.opened.catch(() => {});
  }
  const { code, reason, wasClean } = await connection.closed;
  run.event = { code, reason, wasClean };
  draw(run);
  await Promise.race([tcpEnded, delay(3)]);
}

const delay = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
const within = (seconds, promise, words) => Promise.race([promise, delay(seconds).then(() => { throw new Error(words); })]);

// A record of the connection of a try.
function take(run, record) {
  if (record.type === 'head') run.heads.push(record);
  else if (record.type === 'frame') run.frames.push(record);
  else if (record.type === 'end') {
    run.end = record;
    run.resolve?.();
  } else return;
  draw(run);
}

// What is said of a try: from the browser's last Close, and from who ended TCP.
function why(run) {
  if (!run.event) return '';
  const close = run.frames.findLast(({ sender, frame }) => sender === 'client' && frame.opcode_name === 'close')?.frame;
  const said = close && { code: close['payload.close.status_code'], reason: close['payload.close.reason'] };
  const back = run.event.reason ? '' : ', but with no reason, so none is in the event';
  return run.cause.why({ said, back, endedBy: run.end?.ended_by, status: run.end?.status });
}

const summary = ({ code, reason, wasClean }) => `The page is told ${code}, ${reason ? `“${reason}”` : 'no reason'}, ${wasClean ? '' : 'not '}clean.`;

const ENDED_BY = { client: 'this browser', server: 'plainws', cut: 'plainws, by cutting it' };

// Shows what is known of a try so far. Rows of the wire stay where they are while more come, so that none loses the focus.
function draw(run) {
  const { body, wire, event, tcp, row, said } = places.get(run.cause.id);
  const isKnown = runs.get(run.cause.id) === run;
  body.hidden = run.cause === OWN && !isKnown;
  body.className = isKnown ? `close-${run.stage}` : '';
  drawWire(run, wire);
  clear(event);
  clear(tcp);
  if (isKnown && run.stage !== 'done') event.append(el('span', { class: 'muted', text: run.stage === 'waiting' ? 'waiting' : 'trying' }));
  if (run.event) {
    clear(event);
    event.append(
      field('code', String(run.event.code), 'field-code close-code'), field('reason', JSON.stringify(run.event.reason), 'field-payload'),
      field('wasClean', `${run.event.wasClean ? '✓' : '✗'} ${run.event.wasClean}`, run.event.wasClean ? 'legal' : 'field-broken'));
    tcp.append(ENDED_BY[run.end?.ended_by] ?? (run.stage === 'done' ? 'not known' : ''));
  }
  row.hidden = run.stage !== 'done';
  if (!row.hidden) say(run, said);
}

const field = (name, value, kind) => el('div', {}, el('code', { class: 'muted', text: name }), ' ', peerText(value, { class: `peer ${kind}` }));

function drawWire(run, cell) {
  const shown = run.frames.length || !run.heads.some(({ kind }) => kind === 'refusal') ? run.frames : run.heads;
  if (cell.run !== run) clear(cell);
  cell.run = run;
  cell.querySelector('.muted')?.remove();
  for (const record of shown.slice(cell.children.length)) {
    const row = wireRow(record, { onpress: () => look(true) });
    row.record = record;
    cell.append(row);
  }
  if (run.event && !shown.length) cell.append(el('span', { class: 'muted', text: 'no frame from either side' }));
}

function say(run, node) {
  clear(node);
  if (run.error) {
    const isThrown = run.error instanceof DOMException; // by the browser, which then sends nothing
    node.append(el('strong', { class: 'field-broken', text: isThrown ? 'The browser throws, and nothing is sent. ' : 'Not tried. ' }),
      isThrown ? el('code', { text: `${run.error.name}: ${run.error.message}` }) : run.error.message);
    return;
  }
  const links = run.cause.questions.map((n) => el('a', { href: `#questions/${n}`, text: `question ${n}` }));
  if (run.cause.rule) links.push(el('a', { href: `#break/${run.cause.rule}/server`, text: `break ${run.cause.rule}` }));
  node.append(why(run), ' ', el('span', { class: 'close-links' }, ...links));
}

// A frame pressed in the table is shown under the try that it belongs to, and those that are selected next as well.
function look(isWanted) {
  isLooking = isWanted;
  placeView();
  if (isWanted) announce(lab.wire.words());
}

function placeView() {
  const chosen = lab.selection.value?.record;
  for (const row of document.querySelectorAll('.close-wire .row')) {
    if (row.record === chosen) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  }
  const run = chosen && [...runs.values()].find((run) => run.c && run.c === chosen.c);
  isLooking &&= Boolean(run);
  if (!isLooking) return view.remove();
  const { after } = places.get(run.cause.id);
  if (after.contains(view)) return;
  const focused = document.activeElement;
  after.append(view);
  if (view.contains(focused)) focused.focus();
}

function hide() {
  const row = document.querySelector('.close-wire .row[aria-current]');
  look(false);
  row?.focus();
}

// A field for any other code and reason.
function ownCode() {
  const code = el('input', { inputmode: 'numeric', autocomplete: 'off', size: 6, value: '1001', maxlength: 20 });
  const reason = el('input', { autocomplete: 'off', maxlength: 1000 });
  const count = el('span', {});
  const recount = () => {
    const bytes = new TextEncoder().encode(reason.value).length;
    count.textContent = `${bytes} of ${LONGEST_REASON} bytes`;
    count.className = bytes > LONGEST_REASON ? 'field-broken' : 'muted';
  };
  const tryIt = () => {
    const given = code.value.trim();
    const number = /^\d+$/.test(given) ? Number(given) : given; // anything else goes to the browser as it is
    const values = given === '' && reason.value === '' ? [] : given === '' ? [undefined, reason.value] : reason.value === '' ? [number] : [number, reason.value];
    const { call } = places.get('own');
    call.textContent = visible(`socket.close(${values.map((value) => JSON.stringify(value) ?? 'undefined').join(', ')})`);
    start(OWN, ({ socket }) => socket.close(...values));
  };
  const preset = (text, codeValue, reasonValue = '') => button(text, () => {
    code.value = codeValue;
    reason.value = reasonValue;
    recount();
    tryIt();
  }, { class: 'quiet' });
  reason.addEventListener('input', recount);
  recount();
  return el('section', { class: 'close-own', 'aria-labelledby': 'close-own-title' },
    el('h2', { id: 'close-own-title', text: 'Codes that a page may send' }),
    el('p', { text: 'A page may send 1000 and 3000 to 4999, and a reason of at most 123 bytes. For all else the browser throws, and nothing is sent.' }),
    el('form', { onsubmit: (event) => { event.preventDefault(); tryIt(); } },
      el('label', {}, 'Code', code), el('label', { class: 'wide' }, el('span', {}, 'Reason ', count), reason),
      el('button', { type: 'submit', text: 'Close with it' })),
    el('p', { class: 'close-presets' }, 'Try: ', preset('1001', '1001'), preset('1005', '1005'), preset('1006', '1006'), preset('2999', '2999'), preset('3000', '3000'),
      preset('4999', '4999'), preset('5000', '5000'), preset('124 bytes', '1000', 'é'.repeat(62)), preset('a reason alone', '', 'why')),
  );
}

// `#close/CAUSE` goes to that cause, for the reader to try; `#close/own` to the field for any other code.
function show(cause) {
  const place = places.get(cause);
  const target = cause === 'own' ? document.querySelector('.close-own input') : place?.button;
  if (cause && !target) announce(status.textContent = `There is no cause “${cause}” here.`);
  target?.scrollIntoView({ block: 'center' });
  target?.focus({ preventScroll: true });
}

export const bench = { id: 'close', title: 'Close', build, show, leave() { visit += 1; } };
