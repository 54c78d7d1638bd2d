// The one view of a frame, live, broken, cut or answered: its bits, its bytes with the mask as a sum, and its reading.
// What the bits mean comes from the server as spans; here they are only drawn.
import { announce, button, clear, copyButton, count, el, focusOn, fromHex, glyph, hexBytes, many, peerText, rove, spaced, visible } from './dom.js';
import { headerLength, kind, label, parts, payloadLength, place, shares, within } from './fields.js';
import { listenIn } from './keys.js';
import { Selection, selection } from './selection.js';
import { session } from './session.js';

// Payload bytes drawn of a longer one; a button shows the rest of what the page was given.
const DRAWN = 20;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class FrameView {
  // `live` follows the selection of the page, as the wire does; otherwise the view has its own.
  // `plain` leaves out the card and the command, for a bench that shows several frames.
  constructor({ live = false, plain = false } = {}) {
    this.element = el('article', { class: `frame${plain ? ' plain-frame' : ''}` });
    this.selection = live ? selection : new Selection();
    this.plain = plain;
    this.record = null;
    this.drawn = DRAWN;
    this.selection.on((value) => this.#follow(value, live));
    this.element.addEventListener('click', (event) => this.#pressed(event));
    if (!live) listenIn(this);
    this.show(null);
  }

  // A record of the session, or { frame, sender }; null shows that there is none.
  show(record) {
    const held = this.#held();
    this.record = record;
    this.drawn = DRAWN;
    clear(this.element);
    if (!record) this.element.append(el('p', { class: 'muted', text: 'No frame yet. Send something: it will stand on the wire as it passed, and here bit by bit.' }));
    else if (record.frame) this.#drawFrame(record);
    else if (record.handshake) this.element.append(...head(record));
    this.#mark();
    this.#restore(held);
  }

  // --- drawing ---

  #drawFrame(record) {
    const { frame } = record;
    this.parts = parts(frame);
    this.bytes = hexBytes(frame.wire ?? '');
    this.element.append(
      ...heading(record),
      broken(record) ?? '',
      this.#bits(),
      this.#byteRows(frame),
      el('div', { class: 'lower' }, reading(frame, this.parts, this.plain), this.#card = el('aside', { class: 'card' })),
    );
    if (this.plain) this.#card.remove();
    else this.element.append(command(record));
  }

  // The bits of the header's bytes, and of a 16-bit length: a table for each byte.
  #bits() {
    const extended = this.parts.some((part) => part.name === 'payload_length_ext_16');
    const shown = Math.min(extended ? 4 : 2, this.bytes.length);
    return el('div', { class: 'bits' }, ...Array.from({ length: shown }, (_, byte) => this.#bitTable(byte)));
  }

  #bitTable(byte) {
    const value = parseInt(this.bytes[byte], 16);
    const cells = Array.from({ length: 8 }, (_, bit) => {
      const at = 8 * byte + bit;
      const part = within(this.parts, at, at + 1)[0];
      const digit = (value >> (7 - bit)) & 1;
      const name = part ? `${part.label}, ` : '';
      return el('td', {}, button(String(digit), null, {
        class: `bit field-${part?.class ?? 'rest'}${digit ? ' one' : ''}`,
        'data-start': at, 'data-end': at + 1, 'data-kind': 'bit',
        'aria-label': `${name}bit ${bit} of byte ${byte}: ${digit}`,
      }));
    });
    return el('table', { class: 'byte-bits' },
      el('caption', {}, `byte ${byte} `, el('code', { text: this.bytes[byte] })),
      el('thead', {}, el('tr', {}, ...cells.map((_, bit) => el('th', { scope: 'col', text: `bit ${bit}` })))),
      el('tbody', {}, el('tr', {}, ...cells), el('tr', { class: 'bars' }, ...this.#bars(byte))));
  }

  // Under the bits, a bar for each field, with its name and value where it begins.
  #bars(byte) {
    const [from, to] = [8 * byte, 8 * byte + 8];
    const bars = within(this.parts, from, to).map((part) => {
      const bits = Math.min(part.end, to) - Math.max(part.start, from);
      const begins = part.start >= from;
      return el('td', { colspan: bits, class: `field-${part.class}` },
        el('div', { class: 'bar' }),
        begins ? el('span', { class: 'name', text: part.label }) : null,
        begins ? el('span', { class: 'value', text: barValue(part) }) : null);
    });
    const drawn = within(this.parts, from, to).reduce((bits, it) => bits + Math.min(it.end, to) - Math.max(it.start, from), 0);
    if (drawn < 8) bars.push(el('td', { colspan: 8 - drawn, class: 'field-rest' }, el('span', { class: 'value', text: 'not read' })));
    return bars;
  }

  #byteRows(frame) {
    const header = Math.min(headerLength(frame), this.bytes.length);
    const masked = frame.mask === true && frame.masking_key !== undefined && frame.masked_payload !== undefined;
    const body = this.bytes.slice(header);
    const shown = body.length <= this.drawn + 4 ? body.length : this.drawn;
    const text = isText(frame);
    const rows = el('div', { class: `bytes${header > 8 ? ' stacked' : header > 6 ? ' wide-head' : ''}`, role: 'group', 'aria-label': 'Bytes' });
    // As many in a line as there are, within reason: what is short stands in one line.
    rows.style.setProperty('--columns', Math.max(11, Math.min(17, header + shown)));
    rows.append(el('div', { class: 'head-bytes' }, ...Array.from({ length: header }, (_, at) => this.#byte(at))));
    if (body.length > 0) {
      const plain = hexBytes(frame.payload ?? '');
      const key = hexBytes(frame.masking_key ?? '');
      rows.append(el('div', { class: 'sum-labels', 'aria-hidden': 'true' },
        masked ? el('span', {}, '⊕ ', el('b', { class: 'field-key', text: 'key' }), el('span', { class: 'long', text: ', over and over' })) : null,
        masked ? el('span', {}, '= ', el('b', { class: 'field-payload', text: 'payload' })) : null,
        text ? el('span', { class: 'as-text' }, el('span', { class: 'long', text: 'as ' }), 'UTF-8') : null));
      const groups = text ? characters(plain.slice(0, shown)) : plain.slice(0, shown).map(() => ({ length: 1 }));
      let at = 0;
      const columns = groups.map(({ length, char }) => {
        const group = Array.from({ length }, () => {
          const column = this.#byte(header + at, masked ? { key: key[at % 4], plain: plain[at] } : {}, char);
          at += 1;
          return column;
        });
        const mark = text ? el('span', { class: 'char', 'aria-hidden': 'true' }, el('bdi', { text: char === null ? '·' : glyph(char) })) : null;
        return el('div', { class: 'char-group' }, el('div', { class: 'columns' }, ...group), mark);
      });
      rows.append(el('div', { class: 'body-bytes' }, ...columns, this.#rest(frame, body.length, shown)));
    }
    this.rows = rows;
    return rows;
  }

  // "… 130,812 more bytes", and a button for those that the page has.
  #rest(frame, given, shown) {
    const more = payloadLength(frame) - shown;
    if (more <= 0 || frame.status === 'incomplete' && given === shown) return null;
    const expand = given > shown
      ? button(`Show ${given - shown}`, () => {
        this.drawn = Infinity;
        this.rows.replaceWith(this.#byteRows(frame));
        this.#mark();
        this.element.querySelectorAll('.body-bytes button')[shown]?.focus();
      }, { class: 'quiet' })
      : null;
    return el('p', { class: 'rest' }, el('span', { text: `… ${many(more, 'more byte')} ` }), expand);
  }

  // One byte, and under it what the key makes of it.
  #byte(at, sum = {}, char = null) {
    const [start, end] = [8 * at, 8 * at + 8];
    const drawn = shares(this.parts, start, end);
    const names = within(this.parts, start, end).map((part) => part.label).join(', ') || 'not read';
    const spoken = sum.plain ? `, with key byte ${sum.key} it is ${sum.plain}` : '';
    return el('div', { class: `column field-${drawn.length === 1 ? drawn[0].class : 'several'}` },
      el('span', { class: 'offset', 'aria-hidden': 'true', text: at.toString(16).padStart(2, '0') }),
      button(this.bytes[at], null, {
        class: 'byte', 'data-start': start, 'data-end': end, 'data-kind': 'byte',
        'aria-label': `byte ${at}: ${this.bytes[at]}, ${names}${spoken}${char ? `, ${visible(char)}` : ''}`,
      }),
      el('span', { class: 'under', 'aria-hidden': 'true' }, ...drawn.map(bar)),
      sum.key ? el('span', { class: 'key-byte field-key', 'aria-hidden': 'true', text: sum.key }) : null,
      sum.plain ? el('span', { class: `plain-byte field-${drawn[0]?.class ?? 'payload'}`, 'aria-hidden': 'true', text: sum.plain }) : null);
  }

  // --- the selection ---

  #card = null;

  #pressed(event) {
    const { record } = this;
    if (!record?.frame) return;
    const row = event.target.closest('tr[data-start]');
    const cell = event.target.closest('[data-kind]') ?? event.target.closest('.column')?.querySelector('[data-kind]');
    if (row) this.selection.set({ record, start: Number(row.dataset.start), end: Number(row.dataset.end), name: row.dataset.name });
    else if (cell?.dataset.kind === 'byte') this.selection.press(record, Number(cell.dataset.start) / 8);
    else if (cell) this.selection.bits(record, Number(cell.dataset.start), Number(cell.dataset.end));
    if (row || cell) announce(this.selection.words(session.fields));
  }

  #follow(value, live) {
    if (live && (value?.record ?? null) !== this.record) this.show(value?.record ?? null);
    else this.#mark();
  }

  #mark() {
    const { record } = this;
    if (!record?.frame) return;
    const marked = this.element.querySelectorAll('[data-start]');
    const stops = { bit: [], byte: [], row: [] };
    for (const node of marked) {
      const how = this.selection.covers(record, Number(node.dataset.start), Number(node.dataset.end));
      node.classList.toggle('selected', how === 'all');
      node.classList.toggle('touched', how === 'some');
      const control = node.dataset.kind ? node : node.querySelector('button');
      control.setAttribute('aria-pressed', how === 'all');
      stops[node.dataset.kind ?? 'row'].push(control);
    }
    for (const group of Object.values(stops)) {
      const current = group.findIndex((node) => node.getAttribute('aria-pressed') === 'true' || node.classList.contains('touched'));
      rove(group, Math.max(0, current));
    }
    if (this.#card) this.#drawCard();
  }

  #drawCard() {
    const { value } = this.selection;
    const card = this.#card;
    const found = value?.record === this.record && value.start !== null ? within(this.parts, value.start, value.end) : [];
    const held = card.contains(document.activeElement);
    clear(card);
    card.className = `card field-${found.length === 1 ? found[0].class : 'several'}`;
    if (found.length === 1) card.append(...explained(found[0], value));
    else if (found.length === 0) card.append(el('p', { class: 'muted', text: 'Press a bit, a byte or a row to read what it is.' }));
    else {
      card.append(el('h3', { text: place(value?.start ?? 0, value?.end ?? 8) }), ...found.map((part) => el('p', { class: `field-${part.class}` },
        el('b', { text: part.label }), el('span', { class: 'meaning', text: ` ${barValue(part)}` }))));
      card.append(el('p', { class: 'muted', text: 'Several fields share this byte. Press it again for one of them.' }));
    }
    const { id } = this.record;
    if (id !== undefined) card.append(el('p', { class: 'actions' }, el('a', { class: 'button', href: `#break/frame/${id}`, text: 'Break this frame' }), el('a', { class: 'button', href: `#cut/frame/${id}`, text: 'Cut it' })));
    if (held) card.querySelector('a, button')?.focus();
  }

  // --- focus ---

  // Which of its parts has the focus: the kind of control and where it stands.
  #held() {
    const { activeElement } = document;
    if (!this.element.contains(activeElement)) return null;
    return { kind: activeElement.dataset.kind ?? (activeElement.closest('tr') ? 'row' : 'byte') };
  }

  #restore(held) {
    if (held) this.focus(held.kind);
  }

  // Puts the focus on what is selected, on a bit, a byte or a row.
  focus(kind = 'byte') {
    const all = kind === 'row' ? '.reading button' : `[data-kind="${kind}"]`;
    const nodes = [...this.element.querySelectorAll(all)];
    const node = nodes.find((node) => node.tabIndex === 0) ?? nodes[0];
    if (node) node.focus({ preventScroll: true });
    else focusOn(this.element.querySelector('h2') ?? this.element);
  }

  get focused() {
    return this.#held()?.kind ?? null;
  }
}

// A piece of a byte, as wide as it has bits.
export function bar(share) {
  const drawn = el('span', { class: `bar field-${share.class}` });
  drawn.style.flexGrow = share.bits;
  return drawn;
}

// --- what stands around the bytes ---

// What was made to be looked at says so itself, in `way`, and what has to come `before` it.
const sides = (record) => record.way ?? (record.sender === 'client' ? `${nameOf(record)} to plainws` : `plainws to ${nameOf(record)}`);
const nameOf = (record) => record.c === undefined || /^t\d/.test(record.c) ? 'this tab' : record.c;

export function title(frame) {
  if (!kind(frame)) return 'A frame that has only begun';
  const name = kind(frame)[0].toUpperCase() + kind(frame).slice(1);
  if (frame.opcode >= 8) return frame['payload.close.status_code'] === undefined ? name : `${name} ${frame['payload.close.status_code']}`;
  return `${name}, ${frame.fin ? 'final' : 'not final'}`;
}

export function verdict(frame) {
  if (frame.status === 'violation') return el('strong', { class: 'verdict field-broken', text: `! ${frame.rule}` });
  if (frame.status === 'incomplete') return el('strong', { class: 'verdict', text: '… unfinished' });
  return el('strong', { class: 'verdict legal', text: '✓ legal' });
}

function heading(record) {
  const { frame, reads } = record;
  const payload = payloadLength(frame);
  const key = frame.masking_key === undefined ? 0 : 4;
  const sizes = [`${headerLength(frame) - key} header`, key ? '4 key' : null, `${count(payload)} payload`].filter(Boolean).join(' + ');
  const last = frame.offset + frame.length - 1;
  const stretch = frame.length === 1 ? `byte ${count(last)}` : `bytes ${count(frame.offset)}–${count(last)}`;
  const way = record.sender === 'client' ? 'read' : 'write';
  const inReads = reads ? `, in ${reads.first === reads.last ? 'one' : reads.last - reads.first + 1} ${way}${reads.first === reads.last ? '' : 's'}` : '';
  const where = frame.number === undefined ? null : `frame ${frame.number}`;
  const line = [sides(record), where, `${stretch} of the stream${inReads}`, sizes].filter(Boolean).join(' · ');
  return [
    el('header', {}, el('h2', { text: title(frame) }), verdict(frame)),
    el('p', { class: 'muted about', text: line }),
  ];
}

// The rule that is broken, what it says, and what is likely wrong with the sender.
function broken(record) {
  const { frame } = record;
  if (frame.status !== 'violation') return null;
  const box = el('div', { class: 'violation field-broken' });
  const say = (violation) => {
    clear(box);
    box.append(el('p', {}, el('a', { href: `#rules/${frame.rule}`, text: frame.rule }), violation.section ? ` ${section(violation.section)} ` : ' ', violation.clause ?? ''));
    if (violation.answer) box.append(el('p', { text: `Answer: ${violation.answer}` }));
    if (violation.likely) box.append(el('p', { text: `Likely: ${violation.likely}` }));
  };
  const known = record.violation ?? frame.violation;
  say(known ?? {});
  if (!known) judged(record).then((violation) => {
    record.violation = violation;
    say(violation);
  }, () => {});
  return box;
}

// What the judge says of a frame that came over the wire, as it stands there with the rest of its message.
async function judged(record) {
  const pieces = [...messageBefore(record), record].map(({ frame }) => frame.wire);
  const { stream } = await session.ask('judge', { sender: record.sender, pieces });
  if (stream.violation?.rule === record.frame.rule) return stream.violation;
  const rules = await session.table('rules');
  return rules.find((rule) => rule.id === record.frame.rule) ?? {};
}

// --- the reading ---

function reading(frame, parts, isPlain) {
  const rows = parts.map((part) => el('tr', { class: `field-${part.class}`, 'data-start': part.start, 'data-end': part.end, 'data-name': part.name },
    el('th', { scope: 'row' }, button(part.label, null, { class: 'bare' })),
    el('td', { class: 'read-value' }, readValue(part, frame)),
    el('td', { text: part.meaning }),
    el('td', { class: 'section', text: section(part.section) })));
  return el('table', { class: 'reading' },
    el('caption', { class: 'unseen', text: 'Reading of the frame' }),
    el('colgroup', {}, ...['field', 'value', 'meaning', 'section'].map((it) => el('col', { class: `column-${it}` }))),
    el('thead', { class: 'unseen' }, el('tr', {}, ...['Field', 'Value', 'Meaning', 'Section'].map((it) => el('th', { scope: 'col', text: it })))),
    el('tbody', {}, ...rows));
}

const section = (number) => /^\d/.test(number) ? `§${number}` : number;

function readValue(part, frame) {
  const { name, value } = part;
  if (name === 'opcode') return `0x${value.toString(16)}`;
  if (name === 'masking_key') return spaced(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (name === 'payload.close.reason') return quoted(frame[name] ?? '');
  if (name === 'payload') return payloadValue(frame);
  return '';
}

function payloadValue(frame) {
  if (typeof frame['payload.text'] === 'string') return quoted(frame['payload.text']);
  const bytes = hexBytes(frame.payload ?? '');
  return bytes.slice(0, 6).join(' ') + (payloadLength(frame) > 6 ? ' …' : '');
}

// A text as its beginning in quotation marks.
export function quoted(text, most = 24) {
  const letters = [...text];
  return el('span', {}, '“', peerText(letters.slice(0, most).join('')), letters.length > most ? '…”' : '”');
}

function barValue(part) {
  const { name, value } = part;
  if (name === 'opcode') return `${value}, ${part.meaning}`;
  if (name.startsWith('payload_length')) return `${count(value)}, ${part.meaning}`;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return value === undefined || value === null ? part.meaning : String(value);
}

const isText = (frame) => typeof frame['payload.text'] === 'string' || frame.fragment?.of === 'text' && !('payload.inflated' in frame)
  || frame.opcode_name === 'text';

// Cuts bytes into the characters that they are: [{ length, char }], one byte without a char where they are none.
function characters(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const group = [1, 2, 3, 4].map((length) => ({ length, char: decoded(bytes.slice(at, at + length)) })).find(({ length, char }) => char !== null && at + length <= bytes.length) ?? { length: 1, char: null };
    found.push(group);
    at += group.length;
  }
  return found;
}

function decoded(bytes) {
  try {
    return UTF8.decode(fromHex(bytes.join('')));
  } catch {
    return null;
  }
}

// --- the card ---

function explained(part, value) {
  const field = session.fields[part.name];
  const nodes = [el('h3', { text: field?.title ?? label(part.name) })];
  for (const text of field?.text ?? [`${part.meaning}: ${place(value.start, value.end)}.`]) nodes.push(el('p', { text }));
  if (field?.note) nodes.push(el('p', { class: 'muted', text: field.note }));
  const rule = part.broken ?? part.met;
  const links = el('ul', { class: 'links' });
  for (const n of field?.questions ?? []) {
    const link = el('a', { href: `#questions/${n}`, text: `Question ${n}` });
    links.append(el('li', {}, link));
    session.table('questions').then(({ questions }) => {
      link.textContent = questions.find((it) => it.n === n)?.question ?? link.textContent;
    }, () => {});
  }
  if (rule) links.append(el('li', {}, part.broken ? 'broken: ' : 'kept: ', el('a', { href: `#rules/${rule}`, text: rule })));
  if (field?.place) links.append(el('li', {}, el('code', { class: 'place', text: `${field.place.file}, fn ${field.place.function}` })));
  if (links.childElementCount > 0) nodes.push(links);
  return nodes;
}

// --- the command ---

// The line that reads the same bytes in a terminal, and for a later frame of a message those before it as well.
export function commandLine(record) {
  const frames = [...record.before ?? messageBefore(record), record];
  const role = record.frame.mask === (record.sender === 'client') ? '' : ` --role ${record.sender}`;
  const bytes = frames.map(({ frame }) => spaced(frame.wire ?? '')).join(' ');
  return `plainws decode${role} ${bytes}`;
}

// The frames of the same message before this one, or none of them if one is no longer there or was cut.
function messageBefore(record) {
  if (!(record.frame.fragment?.index > 0) || record.c === undefined) return [];
  const found = [];
  for (const other of session.records.slice(0, session.records.indexOf(record)).reverse()) {
    if (other.type !== 'frame' || other.c !== record.c || other.sender !== record.sender) continue;
    if (isCut(other.frame)) return [];
    found.unshift(other);
    if (other.frame.fragment?.index === 0) return found;
  }
  return [];
}

export const isCut = (frame) => (frame.wire?.length ?? 0) / 2 < frame.length;

function command(record) {
  const line = commandLine(record);
  const given = record.frame.wire.length / 2;
  return el('div', { class: 'command' },
    el('code', {}, el('span', { class: 'muted', 'aria-hidden': 'true', text: '$ ' }), line.length > 400 ? `${line.slice(0, 200)} …` : line),
    isCut(record.frame) && record.frame.status !== 'incomplete'
      ? el('span', { class: 'muted', text: `the first ${given} of ${count(record.frame.length)} bytes` }) : null,
    copyButton(line));
}

// --- a head instead of a frame ---

function head(record) {
  const { handshake, sender } = record;
  const wrong = handshake.broken?.[0];
  const rows = handshake.lines.map((line) => el('tr', { class: line.broken ? 'field-broken' : null },
    el('th', { scope: 'row' }, peerText(line.text || '(an empty line)')),
    el('td', {}, line.broken ? el('strong', { class: 'field-broken', text: `! ${line.meaning}` }) : line.meaning),
    el('td', { class: 'section', text: section(line.section) })));
  return [
    el('header', {}, el('h2', { text: sender === 'client' ? 'Opening handshake, request' : 'Opening handshake, response' }),
      wrong ? el('strong', { class: 'verdict field-broken', text: `! ${wrong}` }) : el('strong', { class: 'verdict legal', text: '✓ legal' })),
    el('p', { class: 'muted about', text: `${sides(record)} · ${many(handshake.length, 'byte')}` }),
    el('table', { class: 'reading lines' },
      el('caption', { class: 'unseen', text: 'Lines of the head' }),
      el('thead', { class: 'unseen' }, el('tr', {}, ...['Line', 'Meaning', 'Section'].map((it) => el('th', { scope: 'col', text: it })))),
      el('tbody', {}, ...rows)),
    el('p', { class: 'actions' }, el('a', { class: 'button', href: '#handshake', text: 'Look at the handshake' })),
  ];
}
