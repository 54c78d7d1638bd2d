// The fields of a frame by the names that the server gives its spans: what they are called here, and their colour.

const FIELDS = {
  fin: ['FIN', 'control'],
  rsv: ['RSV', 'control'],
  opcode: ['opcode', 'control'],
  mask: ['MASK', 'key'],
  payload_length: ['length', 'length'],
  payload_length_ext_16: ['length, 16 bits', 'length'],
  payload_length_ext_64: ['length, 64 bits', 'length'],
  masking_key: ['key', 'key'],
  payload: ['payload', 'payload'],
  'payload.close.status_code': ['code', 'code'],
  'payload.close.reason': ['reason', 'payload'],
};

export const label = (name) => FIELDS[name]?.[0] ?? name;
const classOf = (name) => FIELDS[name]?.[1] ?? 'rest';
const isPayload = (name) => name.startsWith('payload') && !name.startsWith('payload_length');

// The spans of a frame with bits that count from its own start:
// { name, label, class, start, end, value, meaning, section, broken, isPayload }
export function parts(frame) {
  return (frame.spans ?? []).map((span) => {
    const start = span.bit - 8 * frame.offset;
    return {
      ...span,
      value: exact(span, frame),
      label: label(span.name),
      class: span.broken ? 'broken' : classOf(span.name),
      isPayload: isPayload(span.name),
      start,
      end: start + span.bits,
    };
  });
}

// "text", "close": also of a frame whose header is not whole
export const kind = (frame) => frame.opcode_name ?? frame.spans?.find((span) => span.name === 'opcode')?.meaning;

// What is drawn of [start, end): { class, bits } for each run of parts of one class.
export function shares(parts, start, end) {
  const runs = [];
  for (const part of within(parts, start, end)) {
    const bits = Math.min(part.end, end) - Math.max(part.start, start);
    if (runs.at(-1)?.class === part.class) runs.at(-1).bits += bits;
    else runs.push({ class: part.class, bits });
  }
  return runs;
}

// A length of 64 bits may be more than a number holds here.
function exact({ value, bit, bits }, frame) {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const start = bit / 4 - 2 * frame.offset;
  return BigInt(`0x${frame.wire.slice(start, start + bits / 4)}`);
}

// The parts that share bits with [start, end).
export const within = (parts, start, end) => parts.filter((part) => part.start < end && part.end > start);

// How many bytes stand before the payload.
export function headerLength(frame) {
  const all = parts(frame);
  const payload = all.find((part) => part.isPayload);
  if (payload) return payload.start / 8;
  const last = all.at(-1);
  return last ? Math.ceil(last.end / 8) : Math.min(frame.length, 2);
}

export const payloadLength = (frame) => Math.max(0, frame.length - headerLength(frame));

// "bytes 2 to 5", "bit 0", "bits 1 to 3 of byte 1"
export function place(start, end) {
  const first = Math.floor(start / 8);
  const last = Math.ceil(end / 8) - 1;
  if (start % 8 === 0 && end % 8 === 0) return first === last ? `byte ${first}` : `bytes ${first} to ${last}`;
  const from = start % 8;
  const to = (end - 1) % 8;
  return `${from === to ? `bit ${from}` : `bits ${from} to ${to}`} of byte ${first}`;
}

// "0", "1, text", "5, in the 7-bit form"
export function barValue({ name, value, meaning }) {
  if (name === 'opcode') return `${value}, ${meaning}`;
  if (name.startsWith('payload_length')) return `${value.toLocaleString('en')}, ${meaning.replace(/^(?=\d+-bit form)/, 'in the ')}`;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return value === undefined || value === null ? meaning : String(value);
}

// Whether its payload is to be read as characters.
export const isText = (frame) => frame.opcode_name === 'text' || frame.opcode_name === 'continuation' && frame.fragment?.of === 'text';
