// What the pages share about connections.

// Offered, it asks the server to tell of the bytes as well; see src/app/serve/told.rs.
export const TELLS_BYTES = 'bytes.plainws';

// A page and its WebSocket have the same address, or a neighbour's; only the scheme differs.
export function socketAddress(path = '') {
  const address = new URL(path, location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  address.search = '';
  address.hash = '';
  return address.href;
}

// RFC 6455 §7.4.1, and the registry of §11.7. 1005 and 1006 are never sent: the browser makes them up.
const CLOSE_CODES = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'kind of data not accepted',
  1005: 'a Close frame without a code',
  1006: 'no Close frame came',
  1007: 'data not valid, such as text that is not UTF-8',
  1008: 'policy violation',
  1009: 'message too big',
  1011: 'internal server error',
  1012: 'the server is restarting',
  1013: 'try again later',
};

// The reason is the other side's text: give the result to textContent only.
export function describeClose({ code, reason }) {
  const meaning = CLOSE_CODES[code] ? ` (${CLOSE_CODES[code]})` : '';
  return `code ${code}${meaning}` + (reason ? `, reason “${reason}”` : ', no reason given');
}
