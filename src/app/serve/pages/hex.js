// Bytes as hex, and back.

const MAX_SHOWN = 64; // bytes of one message

// Two digits a byte; blanks between bytes may be left out.
export function fromHex(text) {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) throw new Error('hex has two digits a byte, 0 to 9 and a to f, such as 48 65 6c 6c 6f.');
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

export function shownBytes(data) {
  const bytes = new Uint8Array(data);
  const hex = [...bytes.subarray(0, MAX_SHOWN)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${hex}${bytes.length > MAX_SHOWN ? ' …' : ''} (${bytes.length} byte${bytes.length === 1 ? '' : 's'})`.trim();
}
