// Bits and bytes of a frame as they are drawn: each bit of the header under its byte, and each byte over what it means.
import { button, el, glyph, hexBytes, many, visible } from './dom.js';
import { barValue, headerLength, isText, payloadLength, shares, within } from './fields.js';
import { characters } from './text.js';

// Payload bytes drawn of a longer one; a button shows the rest of what the page was given.
export const DRAWN = 20;

// A piece of a byte, as wide as it has bits.
export function bar(share) {
  const drawn = el('span', { class: `bar field-${share.class}` });
  drawn.style.flexGrow = share.bits;
  return drawn;
}

// --- bits ---

// The bits of the first two bytes, and of a 16-bit length: a table for each byte.
export function bits(parts, bytes) {
  const isExtended = parts.some((part) => part.name === 'payload_length_ext_16');
  const shown = Math.min(isExtended ? 4 : 2, bytes.length);
  return el('div', { class: 'bits' }, ...Array.from({ length: shown }, (_, byte) => bitTable(parts, bytes[byte], byte)));
}

function bitTable(parts, hex, byte) {
  const value = parseInt(hex, 16);
  const cells = Array.from({ length: 8 }, (_, bit) => {
    const at = 8 * byte + bit;
    const [part] = within(parts, at, at + 1);
    const digit = (value >> (7 - bit)) & 1;
    return el('td', {}, button(String(digit), null, {
      class: `bit field-${part?.class ?? 'rest'}${digit ? ' one' : ''}`,
      'data-start': at, 'data-end': at + 1, 'data-kind': 'bit',
      'aria-label': `${part ? `${part.label}, ` : ''}bit ${bit} of byte ${byte}: ${digit}`,
    }));
  });
  return el('table', { class: 'byte-bits' },
    el('caption', {}, `byte ${byte} `, el('code', { text: hex })),
    el('thead', {}, el('tr', {}, ...cells.map((_, bit) => el('th', { scope: 'col', text: `bit ${bit}` })))),
    el('tbody', {}, el('tr', {}, ...cells), el('tr', { class: 'bars' }, ...bars(parts, byte))));
}

// Under the bits, a bar for each field, with its name and value where it begins.
function bars(parts, byte) {
  const [from, to] = [8 * byte, 8 * byte + 8];
  const found = within(parts, from, to).map((part) => ({ part, bits: Math.min(part.end, to) - Math.max(part.start, from) }));
  const drawn = found.map(({ part, bits }) => el('td', { colspan: bits, class: `field-${part.class}` },
    el('div', { class: 'bar' }),
    ...(part.start < from ? [] : [el('span', { class: 'name', text: part.label }), el('span', { class: 'value', text: barValue(part) })])));
  const rest = found.reduce((left, { bits }) => left - bits, 8);
  if (rest > 0) drawn.push(el('td', { colspan: rest, class: 'field-rest' }, el('span', { class: 'value', text: 'not read' })));
  return drawn;
}

// --- bytes ---

// The bytes in a line: those of the header, then the payload, and under it, as a sum on paper, the key over and over,
// what comes out, and the characters that it is. `drawn` says how many bytes of a long payload; `more` draws all.
export function byteRows({ frame, parts, bytes, drawn, more }) {
  const header = Math.min(headerLength(frame), bytes.length);
  const given = bytes.length - header;
  const shown = given <= drawn + 4 ? given : drawn;
  const layout = header > 8 ? ' stacked' : header > 6 ? ' wide-head' : '';
  const rows = el('div', { class: `bytes${layout}`, role: 'group', 'aria-label': 'Bytes' });
  // As many in a line as there are, within reason: what is short stands in one line.
  rows.style.setProperty('--columns', Math.max(11, Math.min(17, header + shown)));
  rows.append(el('div', { class: 'head-bytes' }, ...Array.from({ length: header }, (_, at) => column(parts, bytes[at], at))));
  if (given === 0) return rows;
  const isMasked = frame.masking_key !== undefined && frame.masked_payload !== undefined;
  const key = isMasked ? hexBytes(frame.masking_key) : null;
  const plain = hexBytes(frame.payload ?? '').slice(0, shown);
  const groups = isText(frame) ? characters(plain) : plain.map((_, at) => ({ at, length: 1 }));
  const drawnGroups = groups.map(({ at, length, char }) => {
    const columns = Array.from({ length }, (_, i) => at + i).map((at) => {
      const sum = key ? { key: key[at % 4], plain: plain[at] } : {};
      return column(parts, bytes[header + at], header + at, { ...sum, char });
    });
    return el('div', { class: length > 1 ? 'char-group wide' : 'char-group' }, el('div', { class: 'columns' }, ...columns), char === undefined ? null
      : el('span', { class: 'char', 'aria-hidden': 'true' }, el('bdi', { text: char === null ? '·' : glyph(char) })));
  });
  rows.append(sumLabels(isMasked, isText(frame)), el('div', { class: 'body-bytes' }, ...drawnGroups, rest({ frame, given, shown, more })));
  return rows;
}

function sumLabels(isMasked, isText) {
  return el('div', { class: 'sum-labels', 'aria-hidden': 'true' },
    isMasked ? el('span', {}, '⊕ ', el('b', { class: 'field-key', text: 'key' }), el('span', { class: 'long', text: ', over and over' })) : null,
    isMasked ? el('span', {}, '= ', el('b', { class: 'field-payload', text: 'payload' })) : null,
    isText ? el('span', { class: 'as-text' }, el('span', { class: 'long', text: 'as ' }), 'UTF-8') : null);
}

// One byte, and under it what the key makes of it.
function column(parts, hex, at, { key, plain, char } = {}) {
  const [start, end] = [8 * at, 8 * at + 8];
  const drawn = shares(parts, start, end);
  const names = within(parts, start, end).map((part) => part.label).join(', ') || 'not read';
  const sum = plain ? `, with key byte ${key} it is ${plain}` : '';
  return el('div', { class: `column field-${drawn.length === 1 ? drawn[0].class : 'several'}` },
    el('span', { class: 'offset', 'aria-hidden': 'true', text: at.toString(16).padStart(2, '0') }),
    button(hex, null, {
      class: 'byte', 'data-start': start, 'data-end': end, 'data-kind': 'byte',
      'aria-label': `byte ${at}: ${hex}, ${names}${sum}${char ? `, ${visible(char)}` : ''}`,
    }),
    el('span', { class: 'under', 'aria-hidden': 'true' }, ...drawn.map(bar)),
    key ? el('span', { class: 'key-byte field-key', 'aria-hidden': 'true', text: key }) : null,
    plain ? el('span', { class: `plain-byte field-${drawn[0]?.class ?? 'payload'}`, 'aria-hidden': 'true', text: plain }) : null);
}

// "… 130,812 more bytes", and a button for those that the page has.
function rest({ frame, given, shown, more }) {
  const left = payloadLength(frame) - shown;
  if (left <= 0 || frame.status === 'incomplete' && given === shown) return null;
  return el('p', { class: 'rest' }, el('span', { text: `… ${many(left, 'more byte')} ` }),
    given > shown ? button(`Show ${given - shown}`, () => more(shown), { class: 'quiet' }) : null);
}
