// Shows the time that the server sends. When the connection is lost, says so and comes back after a pause.
import { TELLS_BYTES, describeClose, socketAddress } from './connection.js';

// A broken network sends no close event, but a clock ticks: this much silence means that it is gone.
const SILENCE_MS = 10_000;

const [clock, time, caption, state, retry, countdown, reconnect, error, unexpected] =
  ['clock', 'time', 'caption', 'state', 'retry', 'countdown', 'reconnect', 'error', 'unexpected']
    .map((id) => document.getElementById(id));

// What came over the connections of this page, for who counts: frames with their headers, and the handshakes if the
// page asks the server to tell of those.
export const passed = { connections: 0, frames: 0, bytes: 0 };

// What the connections offer. A proxy may drop the answer to it, and then browsers leave: if none has opened, the page
// tries without it.
let offers = clock.dataset.counts ? [TELLS_BYTES] : [];
let failures = 0; // attempts since the last good message
let ended; // why the latest connection ended, until there is another
let pause; // the timer of the countdown; undefined while an attempt or a connection is under way

// RFC 6455 §7.2.3: the first pause is random, 0 to 5 s, so that the clients of a restarted server do not return all at
// once. Then 5-10, 10-20, 20-40, 40-60 and at last 60 s, so that a server in trouble is left in peace.
function pauseSeconds(failures) {
  if (failures === 1) return Math.random() * 5;
  return Math.min(60, 5 * 2 ** (failures - 2) * (1 + Math.random()));
}

// The state is a live region: it changes when the connection does, never with a tick.
function show(name, words) {
  document.body.dataset.state = name;
  state.textContent = words;
}

function connect() {
  clearInterval(pause);
  pause = undefined;
  countdown.textContent = 'Trying now.';
  show('connecting', ended ? `Connecting again. Connection lost before: ${ended}.` : 'Connecting.');

  const socket = new WebSocket(socketAddress(clock.dataset.socket), offers);
  let isOpen = false;
  let isFirst = true;
  const listening = new AbortController(); // silences this socket once we have given it up
  const on = (event, handler) => socket.addEventListener(event, handler, { signal: listening.signal });

  let silence;
  const expectMessage = () => {
    clearTimeout(silence);
    silence = setTimeout(() => lost(`nothing came for ${SILENCE_MS / 1000} seconds`), SILENCE_MS);
  };
  const lost = (why) => {
    clearTimeout(silence);
    listening.abort();
    socket.close(); // does nothing when it is closed already
    if (isOpen) ended = why;
    if (!passed.connections && offers.length) {
      offers = [];
      return connect();
    }
    retryLater(why);
  };

  on('open', () => {
    isOpen = true;
    ended = undefined;
    passed.connections += 1;
    if (!socket.protocol) passed.bytes = NaN; // nobody tells those of the handshake
    show('open', 'Connected.');
    // The button goes away: do not lose the place of someone who is on it.
    if (document.activeElement === reconnect) state.focus();
    retry.hidden = true;
  });
  on('message', (event) => {
    expectMessage();
    passed.frames += 1;
    passed.bytes += lengthOfFrame(event.data);
    if (socket.protocol === TELLS_BYTES && isFirst) {
      const { handshake } = JSON.parse(event.data);
      passed.bytes += handshake.received + handshake.sent;
    } else if (showTime(event.data)) {
      failures = 0;
    }
    isFirst = false;
  });
  on('close', (event) => lost(describeClose(event)));
  expectMessage();
}

function retryLater(why) {
  failures += 1;
  // What a server said when it left is worth more than that it is away.
  const since = ended && why !== ended ? ` Not back yet: ${why}.` : '';
  show('lost', `${ended ? 'Connection lost' : 'No connection'}: ${ended ?? why}.${since}`);
  caption.textContent = 'Last time received';
  retry.hidden = false;
  // Counted from a fixed end, because a browser slows the timers of a page in the background.
  const end = performance.now() + pauseSeconds(failures) * 1000;
  const step = () => {
    const left = end - performance.now();
    if (left <= 0) return connect();
    countdown.textContent = `Next try in ${Math.ceil(left / 1000)} s.`;
  };
  pause = setInterval(step, 200);
  step();
}

// §5.2: a server's header is 2 bytes, or 4 or 10 when the length needs more than 7 bits.
function lengthOfFrame(text) {
  const { length } = new TextEncoder().encode(text);
  return length + (length < 126 ? 2 : length < 65536 ? 4 : 10);
}

// Expects {"time": "..."}; anything else is shown as it came. Returns whether it was as expected.
function showTime(data) {
  let received;
  try {
    received = JSON.parse(data).time;
  } catch { /* not JSON, or null: reported below */ }
  const good = typeof received === 'string';
  if (good) {
    time.textContent = received;
    caption.textContent = 'Server time';
  }
  const problem = good ? '' : 'The server sent something other than {"time": "…"}. It began with:';
  if (error.textContent !== problem) error.textContent = problem; // announced once, not each second
  unexpected.hidden = good;
  unexpected.textContent = good ? '' : String(data).slice(0, 200);
  return good;
}

// Not while an attempt is under way: it would only start it again.
reconnect.addEventListener('click', () => { if (pause !== undefined) connect(); });
connect();
