// Three ways for a page to hear news. Each runs until the signal; `told` gets {time, news}, `failed` an Error. A lane
// that fails tries again: the next poll does so anyway, the others after a second.

// Asks every so often, whether or not there is news.
async function poll({ token, every, signal, told, failed }) {
  let due = performance.now();
  while (!signal.aborted) {
    await attempt(() => get(`clock/now?t=${token}`, signal), { signal, told, failed });
    due = Math.max(due + every * 1000, performance.now());
    await pause(due - performance.now(), signal);
  }
}

// Asks, and the server answers when there is news after the last that is known: that request is held open meanwhile.
async function longPoll({ token, after, signal, told, failed }) {
  while (!signal.aborted) {
    const answer = await attempt(() => get(`clock/next?t=${token}&after=${after}`, signal), { signal, told, failed });
    if (answer) after = answer.news;
    else await pause(1000, signal);
  }
}

// Asks once, for a connection on which the server says it unasked.
async function listen({ open, signal, told, failed }) {
  while (!signal.aborted) {
    const { socket, opened, closed } = open('lab/news');
    const stop = () => socket.close(1000);
    signal.addEventListener('abort', stop);
    socket.addEventListener('message', (event) => told(JSON.parse(event.data)));
    const { code, reason } = await closed;
    signal.removeEventListener('abort', stop);
    if (signal.aborted) return;
    const ended = new Error(`The connection ended with ${code}${reason && `, “${reason}”`}.`);
    failed(await opened.then(() => ended, (error) => error)); // why it did not open, if it never did
    await pause(1000, signal);
  }
}

export const LANES = [
  { id: 'poll', name: 'polling', run: poll },
  { id: 'long', name: 'long polling', run: longPoll },
  { id: 'socket', name: 'WebSocket', run: listen },
];

async function attempt(ask, { signal, told, failed }) {
  try {
    const answer = await ask();
    told(answer);
    return answer;
  } catch (error) {
    if (!signal.aborted) failed(error);
    return null;
  }
}

async function get(address, signal) {
  const response = await fetch(address, { signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`);
  return response.json();
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
