// A row of the wire: a head or a frame, drawn to scale, a cell for each byte, from the end that sent it.
import { bar } from './bytes.js';
import { count, el, hexBytes, many, peerText } from './dom.js';
import { headerLength, kind, parts, payloadLength, shares } from './fields.js';
import { selection } from './selection.js';
import { session } from './session.js';

// Payload bytes that have a cell each; of more only the ends are drawn, with the count between them.
const CELLS = 18;

// A button that selects the frame, or the byte whose cell was pressed, for the whole page or in a view that has a
// selection of its own.
export function wireRow(record, { onpress = () => {}, into = selection } = {}) {
  const isOther = record.c !== undefined && !session.isMain(record.c);
  const row = el('button', { type: 'button', class: `row from-${record.sender}`, 'aria-label': spoken(record) },
    el('span', { class: 'top' },
      el('span', { class: 'time', text: record.time === undefined ? '' : record.time.toFixed(2) }),
      el('span', { class: 'what' }, isOther ? el('span', { class: 'connection', text: `${record.c} ` }) : null, ...what(record)),
      el('span', { class: 'size', text: `${count(size(record))} B` })),
    el('span', { class: 'rail' }, record.frame ? cells(record.frame) : el('span', { class: 'head-box' })));
  row.addEventListener('click', ({ target }) => {
    const cell = target.closest('[data-start]');
    const [start, end] = [Number(cell?.dataset.start), Number(cell?.dataset.end)];
    if (!cell) into.record(record);
    else if (end - start === 8) into.press(record, start / 8);
    else into.bits(record, start, end);
    onpress(record);
  });
  return row;
}

// "0.41 s, to plainws: text Hello, 11 bytes"
export function spoken(record) {
  const time = record.time === undefined ? '' : `${record.time.toFixed(2)} s, `;
  const words = el('span', {}, ...what(record)).textContent;
  return `${time}${way(record)}: ${words}, ${many(size(record), 'byte')}`;
}

// What was made to be looked at says so itself.
export const way = (record) => record.way ?? (record.sender === 'client' ? 'to plainws' : 'from plainws');
const size = (record) => record.frame?.length ?? record.handshake.length;

// --- in words ---

function what({ frame, handshake, sender, way }) {
  if (!frame) return [peerText(headWords(handshake, sender))];
  const name = kind(frame) ?? 'frame';
  if (frame.status === 'violation') return [el('b', { class: 'field-broken', text: '! ' }), `${name}, ${frame.rule}`];
  if (frame.status === 'incomplete') return [`${name}, unfinished`];
  if (name === 'close') return closeWords(frame);
  if (name === 'pong' && sender === 'client' && !way) return ['pong, from the browser'];
  if (name === 'continuation') return [frame.fin ? 'continuation, final' : 'continuation'];
  if (!frame.fin) return [`${name}, not final`];
  const text = frame['payload.text'];
  return [`${name} `, el('b', {}, text === undefined ? ends(frame.payload ?? '') : peerText([...text].slice(0, 60).join('')))];
}

const closeWords = (frame) => [
  `close ${frame['payload.close.status_code'] ?? 'without a code'} `,
  el('b', {}, peerText(frame['payload.close.reason'] ?? '')),
];

function ends(hex) {
  const bytes = hexBytes(hex);
  return bytes.length > 3 ? `${bytes[0]} … ${bytes.at(-1)}` : bytes.join(' ');
}

// "GET /lab/echo, upgrade", "101 Switching Protocols"
export function headWords({ lines }, sender) {
  const text = lines[0]?.text ?? 'no head';
  if (sender === 'server') return text.replace(/^HTTP\/\S+ /, '');
  const asks = lines.some((line) => line.name === 'upgrade');
  return text.replace(/ HTTP\/\S+$/, '').replace(/\?.*$/, '') + (asks ? ', upgrade' : '');
}

// --- to scale ---

function cells(frame) {
  const all = parts(frame);
  const header = headerLength(frame);
  const payload = payloadLength(frame);
  const known = Math.min(header, (frame.wire ?? '').length / 2);
  const isLong = payload > CELLS;
  const thin = isLong ? [0, 1, payload - 2, payload - 1] : Array.from({ length: payload }, (_, at) => at);
  const drawn = [
    ...Array.from({ length: known }, (_, at) => cell(all, at)),
    ...thin.map((at) => cell(all, header + at, ' thin')),
  ];
  if (isLong) {
    const number = el('span', { class: 'count field-payload', 'data-start': 8 * header, 'data-end': 8 * frame.length, text: count(payload) });
    drawn.splice(-2, 0, number);
  }
  return el('span', { class: 'cells' }, ...drawn);
}

// A byte of two fields is drawn in both.
function cell(all, at, thin = '') {
  const [start, end] = [8 * at, 8 * at + 8];
  const drawn = shares(all, start, end);
  if (drawn.length === 0) drawn.push({ class: 'rest', bits: 8 });
  return el('span', { class: `cell${thin}`, 'data-start': start, 'data-end': end }, ...drawn.map(bar));
}
