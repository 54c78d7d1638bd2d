// Shows the time that the server sends. When the connection is lost, says so and comes back after a pause.
import { describeClose, socketAddress } from './connection.js';

// A broken network sends no close event, but a clock ticks: this much silence means that it is gone.
const SILENCE_MS = 10_000;

const [time, caption, state, retry, countdown, reconnect, error, unexpected] =
  ['time', 'caption', 'state', 'retry', 'countdown', 'reconnect', 'error', 'unexpected']
    .map((id) => document.getElementById(id));

let failures = 0; // attempts since the last good message
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
  show('connecting', 'Connecting.');

  const socket = new WebSocket(socketAddress());
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
    retryLater(why);
  };

  on('open', () => {
    show('open', 'Connected.');
    // The button goes away: do not lose the place of someone who is on it.
    if (document.activeElement === reconnect) state.focus();
    retry.hidden = true;
  });
  on('message', (event) => {
    expectMessage();
    if (showTime(event.data)) failures = 0;
  });
  on('close', (event) => lost(describeClose(event)));
  expectMessage();
}

function retryLater(why) {
  failures += 1;
  show('lost', `Connection lost: ${why}.`);
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
