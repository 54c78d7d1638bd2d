// The wire: what passed between this browser and the server, in the order in which it passed, a cell for each byte.
import { announce, button, copyButton, count, el, hexBytes, many, peerText, toHex, utf8Hex } from './dom.js';
import { headerLength, kind, parts, payloadLength, shares } from './fields.js';
import { bar } from './frame.js';
import { connections, saved } from './saved.js';
import { selection } from './selection.js';
import { session } from './session.js';

// Payload bytes that have a cell each; of more only the ends are drawn, with the count between them.
const CELLS = 18;
// Rows that stay; older ones go.
const ROWS = 2000;

// --- one row ---

// A row for a head or a frame: a button that selects it, or the byte whose cell was pressed, for the whole page or in a
// view that has a selection of its own.
export function wireRow(record, { onpress = () => {}, into = selection } = {}) {
  const row = el('button', { type: 'button', class: `row from-${record.sender}`, 'aria-label': spoken(record) },
    el('span', { class: 'top' },
      el('span', { class: 'time', text: record.time === undefined ? '' : record.time.toFixed(2) }),
      el('span', { class: 'what' }, session.isMain(record.c) || record.c === undefined ? '' : el('span', { class: 'connection', text: `${record.c} ` }), ...what(record)),
      el('span', { class: 'size', text: `${count(size(record))} B` })),
    el('span', { class: 'rail' }, record.frame ? cells(record.frame) : el('span', { class: 'head-box' })));
  row.addEventListener('click', (event) => {
    const cell = event.target.closest('[data-start]');
    if (cell?.dataset.payload) into.bits(record, Number(cell.dataset.start), Number(cell.dataset.end));
    else if (cell) into.press(record, Number(cell.dataset.start) / 8);
    else into.record(record);
    onpress(record);
  });
  return row;
}

const size = (record) => record.frame?.length ?? record.handshake.length;

function what(record) {
  const { frame } = record;
  if (!frame) return [headWords(record)];
  if (frame.status === 'violation') return [el('b', { class: 'field-broken', text: '! ' }), `${kind(frame) ?? 'frame'}, ${frame.rule}`];
  if (frame.status === 'incomplete') return [`${kind(frame) ?? 'frame'}, unfinished`];
  if (frame.opcode_name === 'close') return [`close ${frame['payload.close.status_code'] ?? 'without a code'} `, el('b', {}, peerText(frame['payload.close.reason'] ?? ''))];
  if (frame.opcode_name === 'pong' && record.sender === 'client' && !record.way) return ['pong, from the browser'];
  if (frame.opcode_name === 'continuation') return [frame.fin ? 'continuation, final' : 'continuation'];
  if (!frame.fin) return [`${frame.opcode_name}, not final`];
  return [`${frame.opcode_name} `, el('b', {}, typeof frame['payload.text'] === 'string' ? peerText(beginning(frame['payload.text'])) : ends(frame.payload ?? ''))];
}

const beginning = (text) => [...text].slice(0, 60).join('');

function ends(hex) {
  const bytes = hexBytes(hex);
  return bytes.length > 3 ? `${bytes[0]} … ${bytes.at(-1)}` : bytes.join(' ');
}

function headWords({ handshake, sender }) {
  const [first] = handshake.lines;
  const text = first?.text ?? 'no head';
  if (sender === 'server') return text.replace(/^HTTP\/\S+ /, '');
  return text.replace(/ HTTP\/\S+$/, '').replace(/\?.*$/, '') + (handshake.lines.some((line) => /^upgrade:/i.test(line.text)) ? ', upgrade' : '');
}

function spoken(record) {
  const words = el('span', {}, ...what(record)).textContent;
  const way = record.sender === 'client' ? 'to plainws' : 'from plainws';
  return `${record.time === undefined ? '' : `${record.time.toFixed(2)} s, `}${way}: ${words}, ${many(size(record), 'byte')}`;
}

// A cell for each byte; a byte of two fields is drawn in both.
function cells(frame) {
  const all = parts(frame);
  const header = headerLength(frame);
  const payload = payloadLength(frame);
  const drawn = el('span', { class: 'cells' });
  const known = frame.wire.length / 2;
  for (let at = 0; at < Math.min(header, known); at += 1) drawn.append(cell(all, at));
  if (payload === 0) return drawn;
  const payloadCell = (at) => cell(all, header + at, true);
  if (payload <= CELLS) for (let at = 0; at < payload; at += 1) drawn.append(payloadCell(at));
  else drawn.append(payloadCell(0), payloadCell(1), el('span', { class: 'count field-payload', text: count(payload), 'data-start': 8 * header, 'data-end': 8 * frame.length, 'data-payload': true }), payloadCell(payload - 2), payloadCell(payload - 1));
  return drawn;
}

function cell(all, at, isPayload = false) {
  const [start, end] = [8 * at, 8 * at + 8];
  const drawn = shares(all, start, end);
  if (drawn.length === 0) drawn.push({ class: 'rest', bits: 8 });
  return el('span', { class: `cell${isPayload ? ' thin' : ''}`, 'data-start': start, 'data-end': end }, ...drawn.map(bar));
}

// --- the column ---

export class Wire {
  #list = el('ol', { class: 'rows', 'aria-label': 'Heads and frames, in time order' });
  #rows = new Map();
  #open = [];
  #waiting = [];
  #isPaused = false;
  #selected = null;
  #follows = null;
  #pings = 0;

  constructor(element, lab) {
    this.lab = lab;
    lab.wire = this;
    element.append(this.#form(), this.#heading(), this.#list);
    for (const type of ['head', 'frame', 'body', 'unfinished', 'end', 'dropped']) session.on(type, (record) => this.#take(record));
    session.on('state', (state) => this.#state(state));
    selection.on((value) => this.#mark(value));
  }

  // --- what keys.js and the benches use ---

  pause() {
    this.#isPaused = !this.#isPaused;
    if (!this.#isPaused) for (const record of this.#waiting.splice(0)) this.#add(record);
    this.#showPause();
    announce(this.#isPaused ? 'Paused' : 'Goes on');
  }

  // The record before or after one, of those that can be selected.
  neighbour(record, step) {
    const all = [...this.#rows.keys()];
    const at = all.indexOf(record);
    return at < 0 ? all.at(step > 0 ? 0 : -1) : all[at + step];
  }

  // Brings the row that is selected into sight, and the focus with it if it was on a row.
  reveal(takesFocus) {
    const row = this.#rows.get(selection.value?.record);
    if (!row) return;
    scrollInto(this.#list, row);
    if (takesFocus) row.focus({ preventScroll: true });
  }

  // What is selected, in words: the frame only when it is another one.
  #told = null;

  words() {
    const { record } = selection.value ?? {};
    if (!record) return 'Nothing is selected';
    const isNew = this.#told !== record;
    this.#told = record;
    return [isNew ? spoken(record) : '', selection.words(session.fields)].filter(Boolean).join('; ');
  }

  // A line of its own between the rows.
  note(text, ...more) {
    this.#append(el('li', { class: 'note' }, el('span', { text }), ...more));
  }

  // --- rows ---

  #take(record) {
    if (this.#isPaused) {
      this.#waiting.push(record);
      this.#showPause();
    } else this.#add(record);
  }

  #add(record) {
    if (record.type === 'dropped') return this.note(`${many(record.records, 'record')} dropped: the page was too slow`);
    if (record.type === 'end') return this.note(endWords(record));
    if (record.type === 'body') return this.note(`${who(record)}: ${many(record.length ?? 0, 'byte')} of a body`);
    if (record.type === 'unfinished') return this.note(`${who(record)}: ${record.what ?? 'something'} unfinished, ${many(record.length ?? 0, 'byte')}`);
    const row = wireRow(record, { onpress: () => this.#pressed() });
    row.tabIndex = -1;
    this.#rows.set(record, row);
    this.#group(record);
    this.#append(el('li', {}, row));
    this.#ungroup(record);
    this.#choose(record);
    if (this.#rows.size > ROWS) this.#forget();
    if (!this.#stop) this.#stopAt(row);
  }

  #append(item) {
    this.#followEnd();
    (this.#open.at(-1)?.list ?? this.#list).append(item);
  }

  // Who looks at the end goes on seeing it, unless the focus is on a row. Measured once for all that comes together.
  #isFollowing = false;

  #followEnd() {
    const list = this.#list;
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    requestAnimationFrame(() => {
      this.#isFollowing = false;
      if (isAtEnd && !list.contains(document.activeElement)) list.scrollTop = list.scrollHeight;
    });
  }

  // The one row that Tab stops at.
  #stop = null;

  #stopAt(row) {
    if (this.#stop) this.#stop.tabIndex = -1;
    this.#stop = row;
    row.tabIndex = 0;
  }

  #forget() {
    const [record, row] = this.#rows.entries().next().value;
    this.#rows.delete(record);
    const item = row.closest('li');
    const group = item.closest('.group');
    const [first] = this.#rows.values();
    if (row === this.#stop) this.#stopAt(first);
    if (row === document.activeElement) first.focus({ preventScroll: true });
    item.remove();
    if (group && !group.querySelector('.row')) group.remove();
  }

  // The frames of a message of several stand in a box, with what came between them.
  #group(record) {
    const { frame } = record;
    if (!frame || frame.status !== 'complete') return;
    const begins = frame.fragment?.index === 0 && !frame.fin;
    if (begins) {
      const heading = el('p', { class: 'group-heading' });
      const list = el('ol', {});
      this.#append(el('li', { class: 'group' }, heading, list));
      this.#open.push({ c: record.c, sender: record.sender, heading, list, frames: 0, bytes: 0, first: record.reads?.first, last: null });
    }
    const group = this.#groupOf(record);
    if (!group || !frame.fragment) return;
    group.frames += 1;
    group.bytes += payloadLength(frame);
    group.last = record.reads?.last;
    const maker = record.sender === 'client' && session.isMain(record.c) ? 'the browser' : record.sender === 'client' ? record.c : 'plainws';
    const reads = group.last === undefined ? '' : `, TCP ${many(group.last - group.first + 1, record.sender === 'client' ? 'read' : 'write')}`;
    group.heading.textContent = `one message of ${many(group.bytes, 'byte')}: ${maker} made ${many(group.frames, 'frame')} of it${reads}`;
  }

  #groupOf = (record) => this.#open.find((group) => group.c === record.c && group.sender === record.sender);

  #ungroup(record) {
    const isLast = record.frame?.fragment && record.frame.fin || record.frame && record.frame.status !== 'complete';
    if (isLast) this.#open = this.#open.filter((group) => group !== this.#groupOf(record));
  }

  // --- the selection ---

  // What the form made is selected as it comes, with the field that was selected before: two keys are soon compared.
  #choose(record) {
    if (!record.frame) return;
    const isAwaited = this.#follows && session.isMain(record.c) && record.sender === this.#follows;
    if (!isAwaited && selection.value) return;
    this.#follows = null;
    const name = selection.value?.name;
    if (!name || !selection.field(record, name)) selection.record(record);
    announce(spoken(record));
  }

  #pressed() {
    announce(this.words());
    const { record, name } = selection.value;
    if (!location.hash.startsWith('#watch') && location.hash !== '') this.lab.go(`watch/${record.id}${name ? `.${name}` : ''}`);
  }

  #mark(value) {
    const row = this.#rows.get(value?.record) ?? null;
    if (this.#selected !== row) {
      this.#selected?.removeAttribute('aria-current');
      for (const cell of this.#selected?.querySelectorAll('[data-start]') ?? []) cell.classList.remove('selected', 'touched');
      if (row) {
        this.#stopAt(row);
        row.setAttribute('aria-current', 'true');
      }
      this.#selected = row;
    }
    for (const cell of row?.querySelectorAll('[data-start]') ?? []) {
      const how = selection.covers(value.record, Number(cell.dataset.start), Number(cell.dataset.end));
      cell.classList.toggle('selected', how === 'all');
      cell.classList.toggle('touched', how === 'some');
    }
  }

  // --- the form ---

  #problem = el('p', { class: 'problem', role: 'alert' });

  #form() {
    const text = el('input', { type: 'text', id: 'text', value: 'Hello', autocomplete: 'off', spellcheck: 'false', 'aria-label': 'A text to send' });
    const form = el('form', { class: 'send' }, text, el('button', { type: 'submit', class: 'strong', text: 'Send' }));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#do('client', ({ socket }) => socket.send(text.value));
    });
    const closing = this.#closing();
    const joining = this.#joining();
    return el('div', { class: 'sender' }, form,
      el('div', { class: 'ways' },
        button('Ping me', () => this.#do('server', ({ c }) => session.ask('ping', { c, payload: this.#ping() })), { class: 'quiet' }),
        button('In fragments', () => this.#do('server', ({ c }) => session.ask('send', fragments(c, text.value || 'Grüße'))), { class: 'quiet' }),
        button('300 kB', () => this.#do('client', ({ socket }) => socket.send('plainws! '.repeat(33334).slice(0, 300000))), { class: 'quiet' }),
        disclose('Close …', closing),
        disclose('Join …', joining)),
      closing, joining, this.#problem);
  }

  // Eight bytes that count up. The first are zeros: what masks them in the pong is seen bare.
  #ping() {
    return (this.#pings++).toString(16).padStart(16, '0');
  }

  #closing() {
    const code = el('input', { type: 'text', inputmode: 'numeric', value: '1000', size: 5, 'aria-label': 'Close code' });
    const reason = el('input', { type: 'text', placeholder: 'reason', size: 8, 'aria-label': 'Reason' });
    const number = () => (code.value.trim() === '' ? null : Number(code.value));
    return el('div', { class: 'closing', hidden: true }, code, reason,
      button('This tab closes', () => this.#do('client', ({ socket }) => (number() === null ? socket.close() : socket.close(number(), reason.value)))),
      button('plainws closes', () => this.#do('server', ({ c }) => session.ask('close', { c, code: number(), reason: reason.value }))));
  }

  // How any other client gets onto this wire.
  #joining() {
    const line = () => `plainws connect '${new URL(`lab/echo?t=${session.token}&c=me`, document.baseURI).href.replace(/^http/, 'ws')}'`;
    return el('div', { class: 'closing', hidden: true }, el('p', { class: 'muted small', text: 'A client of your own shows up here as “me”, if it connects so:' }),
      el('code', { text: "plainws connect 'ws://…/lab/echo?t=…&c=me'" }), copyButton(line));
  }

  async #do(sender, action) {
    this.#problem.textContent = '';
    try {
      const connection = session.main();
      await connection.opened;
      this.#follows = sender;
      await action(connection);
    } catch (error) {
      this.#follows = null;
      this.#problem.textContent = error.message;
    }
  }

  // --- above the rows ---

  #pauseButton = button('Pause', () => this.pause(), { class: 'quiet', 'aria-pressed': 'false' });

  #heading() {
    const file = el('input', { type: 'file', class: 'unseen', tabindex: -1, 'aria-hidden': 'true' });
    file.addEventListener('change', () => this.#openFile(file));
    return el('div', { class: 'wire-heading' }, el('b', { text: 'this tab' }),
      el('span', { class: 'ways' }, this.#pauseButton,
        button('Save', () => this.#save(), { class: 'quiet', title: 'As text that plainws decode reads' }),
        button('Open', () => file.click(), { class: 'quiet', title: 'A saved session, or anything that plainws decode reads' }), file),
      el('b', { text: 'plainws' }));
  }

  #showPause() {
    const waiting = this.#waiting.length;
    this.#pauseButton.setAttribute('aria-pressed', this.#isPaused);
    this.#pauseButton.textContent = this.#isPaused ? (waiting ? `Go on (${count(waiting)})` : 'Go on') : 'Pause';
  }

  #save() {
    const url = URL.createObjectURL(new Blob([saved(session.records)], { type: 'text/plain' }));
    el('a', { href: url, download: 'session.txt' }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  async #openFile(input) {
    const [file] = input.files;
    if (!file) return;
    this.#problem.textContent = '';
    try {
      const all = connections(await file.text());
      this.note(`opened: ${file.name}`);
      for (const [name, text] of all) {
        for (const record of session.adopt(await session.ask('open', { text }), name)) this.#add(record);
      }
      this.reveal(false);
    } catch (error) {
      this.#problem.textContent = `${file.name}: ${error.message}`;
    }
    input.value = '';
  }

  // --- the session ---

  #again = null;

  #state(state) {
    if (state === 'open') session.main();
    this.#again?.remove();
    if (state !== 'lost') return;
    this.#open = [];
    this.#again = button('Connect again', () => session.start(), { class: 'quiet' });
    this.note('The session is lost. What was seen stays. ', this.#again);
  }
}

// A button that shows and hides what it is about.
function disclose(text, region) {
  const toggle = button(text, () => {
    region.hidden = !region.hidden;
    toggle.setAttribute('aria-expanded', !region.hidden);
    if (!region.hidden) region.querySelector('input, button').focus();
  }, { class: 'quiet', 'aria-expanded': 'false' });
  return toggle;
}

function scrollInto(list, row) {
  const [box, at] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
  if (at.top < box.top) list.scrollTop += at.top - box.top;
  if (at.bottom > box.bottom) list.scrollTop += at.bottom - box.bottom;
}

const who = (record) => record.sender === 'client' ? 'to plainws' : 'from plainws';

function endWords(record) {
  const by = { client: session.isMain(record.c) ? 'the browser ended TCP first' : `${record.c} ended TCP first`, server: 'plainws ended TCP first', cut: 'TCP was cut' }[record.ended_by] ?? 'TCP ended';
  const code = record.close_code ? `, close code ${record.close_code}` : '';
  return by + code;
}

// The bytes of a text in three frames, with a ping between them: the cuts fall where they fall, inside a character too.
function fragments(c, text) {
  const payload = utf8Hex(text);
  const length = payload.length / 2;
  const third = Math.ceil(length / 3);
  const lengths = [third, Math.min(third, length - third)];
  return { c, kind: 'text', payload, fragments: [...lengths, length - lengths[0] - lengths[1]], ping_between: toHex(new TextEncoder().encode('between')) };
}
