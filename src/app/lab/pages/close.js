// The bench "Close": ten ways for a connection to end, each on a connection of its own. Beside the bytes of both sides
// stands what the page is told of it.
import { CAUSES, OWN } from './causes.js';
import { announce, button, clear, delay, el, markCurrent, peerText, question, visible, within } from './dom.js';
import { FrameView } from './frame.js';
import { listenIn } from './keys.js';
import { wireRow } from './row.js';

const PATIENCE = 10_000; // ms; a browser too waits some for the answer to its Close
const LONGEST_REASON = 123; // bytes: a control frame holds 125, and the code takes two (§5.5)

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
    ask: 'Ten ways to end a connection. Of how many is the page told no more than the code 1006?',
    choices: ['one', 'two', 'five'],
    right: 2,
    then: '',
    hint: 'Run all ten.',
  });
  const columns = ['Cause', 'On the wire', 'CloseEvent', 'TCP ended by'];
  root.append(
    ask,
    el('h1', { text: 'Close' }),
    el('div', { class: 'close-do' }, button('Run all ten', () => CAUSES.forEach((cause) => start(cause)), { class: 'strong' }), status),
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
    return;
  }
  if (['waiting', 'running'].includes(runs.get(cause.id)?.stage)) return;
  const run = { cause, act, stage: 'waiting', c: null, heads: [], frames: [], end: null, event: null, error: null };
  runs.set(cause.id, run);
  placeView();
  draw(run);
  queue = queue.then(() => (now === visit ? tryOut(run) : forget(run)));
}

function forget(run) {
  runs.delete(run.cause.id);
  draw(run);
}

// The question is settled once every cause has been seen.
function settle() {
  const ended = CAUSES.map(({ id }) => runs.get(id)).filter((run) => run?.event);
  const lost = ended.filter((run) => run.event.code === 1006);
  status.textContent = ended.length ? `${ended.length} of ${CAUSES.length} tried, ${lost.length} of them 1006` : '';
  if (ended.length < CAUSES.length) return;
  const isAsExpected = lost.length === 5;
  ask.settle(`${lost.length} of ${ended.length}: whatever did not end by a Close that was sent and answered is 1006 to the page, without a reason.`,
    isAsExpected ? 2 : null);
}

async function tryOut(run) {
  run.stage = 'running';
  draw(run);
  try {
    await within(PATIENCE, end(run), 'The connection did not end in ten seconds.');
  } catch (error) {
    run.error = error;
    run.socket?.close(); // a place is free again
  }
  run.stage = 'done';
  draw(run);
  announce(run.error ? run.error.message : `${summary(run.event)} ${why(run)}`);
  settle();
}

async function end(run) {
  const connection = lab.session.open(run.cause.path ?? 'lab/echo');
  run.c = connection.c;
  run.socket = connection.socket;
  const tcpEnded = new Promise((resolve) => { run.resolve = resolve; });
  if (run.act) {
    await connection.opened;
    try {
      await run.act(connection, lab.session);
    } catch (error) {
      run.c = null; // how it ends now is no matter
      throw error;
    }
  }
  const { code, reason, wasClean } = await connection.closed;
  run.event = { code, reason, wasClean };
  draw(run);
  await Promise.race([tcpEnded, delay(3000)]);
}

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
  const back = run.event.reason ? ', and with the same reason, so it is in the event' : '';
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
  cell.querySelector('.close-none')?.remove();
  for (const record of shown.slice(cell.children.length)) {
    const row = wireRow(record, { onpress: () => look(true) });
    row.record = record;
    cell.append(row);
  }
  if (run.event && !shown.length) cell.append(el('span', { class: 'muted close-none', text: 'no frame from either side' }));
}

function say(run, node) {
  clear(node);
  node.className = run.error ? 'problem' : '';
  const { error } = run;
  if (error instanceof DOMException) return node.append(el('strong', { text: 'The browser throws, and nothing is sent. ' }), el('code', { text: `${error.name}: ${error.message}` }));
  if (error) return node.append(error.message);
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
  const rows = [...document.querySelectorAll('.close-wire .row')];
  markCurrent(rows, chosen && rows.find((row) => row.record === chosen));
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
    const values = [];
    if (given !== '') values.push(/^\d+$/.test(given) ? Number(given) : given); // what is no number goes to the browser as it is
    else if (reason.value !== '') values.push(undefined);
    if (reason.value !== '') values.push(reason.value);
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
  else settle();
  target?.scrollIntoView({ block: 'center' });
  target?.focus({ preventScroll: true });
}

export const bench = { id: 'close', title: 'Close', build, show, leave() { visit += 1; } };
