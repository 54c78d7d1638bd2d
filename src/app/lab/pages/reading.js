// A frame in words: what it is, where it stands, which rule it breaks, and field by field what it says. Heads likewise.
import { button, clear, count, el, hexBytes, many, peerText, spaced } from './dom.js';
import { messageBefore } from './command.js';
import { headerLength, kind, payloadLength } from './fields.js';
import { section } from './places.js';
import { session } from './session.js';

// --- above the bits ---

export function title(frame) {
  if (!kind(frame)) return 'A frame that has only begun';
  const name = kind(frame)[0].toUpperCase() + kind(frame).slice(1);
  if (frame.opcode >= 8) return [name, frame['payload.close.status_code']].filter(Boolean).join(' ');
  return `${name}, ${frame.fin ? 'final' : 'not final'}`;
}

export function verdict(frame) {
  if (frame.status === 'violation') return el('strong', { class: 'verdict field-broken', text: `! ${frame.rule}` });
  if (frame.status === 'incomplete') return el('strong', { class: 'verdict', text: '… unfinished' });
  return el('strong', { class: 'verdict legal', text: '✓ legal' });
}

export function heading(record) {
  const { frame } = record;
  const number = frame.number === undefined ? null : `frame ${frame.number}`;
  const about = [sides(record), number, stretch(record), sizes(frame)].filter(Boolean).join(' · ');
  return [el('header', {}, el('h2', { text: title(frame) }), verdict(frame)), el('p', { class: 'muted about', text: about })];
}

// Who sent it to whom; what was made to be looked at says so itself, in `way`.
const sides = (record) => record.way ?? (record.sender === 'client' ? `${nameOf(record)} to plainws` : `plainws to ${nameOf(record)}`);
const nameOf = (record) => record.c === undefined || session.isOwn(record.c) ? 'this tab' : record.c;

// "bytes 565–575 of all that it sent, in one read": the head counts, as it does for `decode`
function stretch({ frame, reads, sender, way }) {
  const last = frame.offset + frame.length - 1;
  const bytes = frame.length === 1 ? `byte ${count(last)}` : `bytes ${count(frame.offset)}–${count(last)}`;
  const of = way ? 'of the stream' : 'of all that it sent';
  const step = sender === 'client' ? 'read' : 'write';
  const number = reads ? reads.last - reads.first + 1 : 0;
  return `${bytes} ${of}${number === 0 ? '' : number === 1 ? `, in one ${step}` : `, in ${many(number, step)}`}`;
}

// "2 header + 4 key + 5 payload"
function sizes(frame) {
  const key = frame.masking_key === undefined ? 0 : 4;
  return `${headerLength(frame) - key} header${key ? ' + 4 key' : ''} + ${count(payloadLength(frame))} payload`;
}

// --- what is broken ---

// The rule, what it says, and what is likely wrong with the sender.
export function broken(record) {
  if (record.frame.status !== 'violation') return null;
  const box = el('div', { class: 'violation field-broken' });
  const say = ({ section: number, clause, answer, likely }) => {
    clear(box);
    const { rule } = record.frame;
    box.append(el('p', {}, el('a', { href: `#rules/${rule}`, text: rule }), ` ${number ? section(number) : ''} ${clause ?? ''}`));
    if (answer) box.append(el('p', { text: `Answer: ${answer}` }));
    if (likely) box.append(el('p', { text: `Likely: ${likely}` }));
  };
  say(record.violation ?? {});
  if (!record.violation) judged(record).then((violation) => say(record.violation = violation), () => {});
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

// --- field by field ---

export function reading(frame, parts) {
  const rows = parts.map((part) => el('tr', { class: `field-${part.class}`, 'data-start': part.start, 'data-end': part.end, 'data-name': part.name },
    el('th', { scope: 'row' }, button(part.label, null, { class: 'bare' })),
    el('td', { class: 'read-value' }, value(part, frame)),
    el('td', { text: part.meaning }),
    el('td', { class: 'section', text: section(part.section) })));
  return table('reading', 'Reading of the frame', ['Field', 'Value', 'Meaning', 'Section'], rows);
}

function table(name, caption, titles, rows) {
  return el('table', { class: name },
    el('caption', { class: 'unseen', text: caption }),
    el('colgroup', {}, ...titles.map((title) => el('col', { class: `column-${title.toLowerCase()}` }))),
    el('thead', { class: 'unseen' }, el('tr', {}, ...titles.map((text) => el('th', { scope: 'col', text })))),
    el('tbody', {}, ...rows));
}

function value({ name, value }, frame) {
  if (name === 'opcode') return `0x${value.toString(16)}`;
  if (name === 'masking_key') return spaced(value);
  if (name === 'payload.close.reason') return quoted(frame[name] ?? '');
  if (name === 'payload') return payload(frame);
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value ?? '');
}

function payload(frame) {
  if (typeof frame['payload.text'] === 'string') return quoted(frame['payload.text']);
  const bytes = hexBytes(frame.payload ?? '');
  return bytes.slice(0, 6).join(' ') + (payloadLength(frame) > 6 ? ' …' : '');
}

// A text as its beginning in quotation marks.
function quoted(text, most = 24) {
  const letters = [...text];
  return el('span', {}, '“', peerText(letters.slice(0, most).join('')), letters.length > most ? '…”' : '”');
}

// --- a head instead of a frame ---

export function head(record) {
  const { handshake, sender } = record;
  const rule = handshake.broken?.[0];
  const rows = handshake.lines.map((line) => el('tr', { class: line.broken ? 'field-broken' : null },
    el('th', { scope: 'row' }, peerText(line.text || '(an empty line)')),
    el('td', {}, line.broken ? el('strong', { class: 'field-broken', text: `! ${line.meaning}` }) : line.meaning),
    el('td', { class: 'section', text: section(line.section) })));
  return [
    el('header', {}, el('h2', { text: `Opening handshake, ${sender === 'client' ? 'request' : 'response'}` }), verdict({ rule, status: rule ? 'violation' : 'complete' })),
    el('p', { class: 'muted about', text: `${sides(record)} · ${many(handshake.length, 'byte')}` }),
    table('reading lines', 'Lines of the head', ['Line', 'Meaning', 'Section'], rows),
    el('p', { class: 'actions' }, el('a', { class: 'button', href: '#handshake', text: 'Look at the handshake' })),
  ];
}
