// The form above the wire: what to send, and what to let the server send, on the page's own connection.
import { button, copyButton, el, utf8Hex } from './dom.js';
import { session } from './session.js';

const LONG = 'plainws! '.repeat(33334).slice(0, 300000);

// `awaits(sender)` is called with whose frame is about to come: it is the one to show. `problem` is where errors are said.
export function senderForm({ awaits, problem }) {
  const text = el('input', { type: 'text', id: 'text', value: 'Hello', autocomplete: 'off', spellcheck: 'false', 'aria-label': 'A text to send' });
  const form = el('form', { class: 'send' }, text, el('button', { type: 'submit', class: 'strong', text: 'Send' }));
  const browser = (action) => attempt('client', ({ socket }) => action(socket));
  const server = (what, fields) => attempt('server', ({ c }) => session.ask(what, { c, ...fields() }));

  async function attempt(sender, action) {
    problem.textContent = '';
    try {
      const connection = session.main();
      await connection.opened;
      awaits(sender);
      await action(connection);
    } catch (error) {
      awaits(null);
      problem.textContent = error.message.replace(/^Failed to execute .*?: /, '');
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    browser((socket) => socket.send(text.value));
  });
  // A first frame to look at.
  const off = session.on('state', (state) => {
    if (state !== 'open') return;
    off();
    browser((socket) => socket.send(text.value));
  });
  const [closing, joining] = [closingForm(browser, server), joiningHelp()];
  return el('div', { class: 'sender' }, form,
    el('div', { class: 'ways' },
      button('Ping me', () => server('ping', () => ({ payload: nextPing() })), { class: 'quiet' }),
      button('In fragments', () => server('send', () => fragments(text.value || 'Grüße')), { class: 'quiet' }),
      button('300 kB', () => browser((socket) => socket.send(LONG)), { class: 'quiet' }),
      disclose('Close …', closing),
      disclose('Join …', joining)),
    closing, joining, problem);
}

// Eight bytes that count up. The first are zeros: what masks them in the pong is seen bare.
let pings = 0;
const nextPing = () => (pings++).toString(16).padStart(16, '0');

// The bytes of a text in three frames, with a ping between them: cuts fall where they fall, inside a character too.
function fragments(text) {
  const payload = utf8Hex(text);
  const length = payload.length / 2;
  const first = Math.ceil(length / 3);
  const second = Math.min(first, length - first);
  return { kind: 'text', payload, fragments: [first, second, length - first - second], ping_between: utf8Hex('between') };
}

function closingForm(browser, server) {
  const code = el('input', { type: 'text', inputmode: 'numeric', value: '1000', size: 5, 'aria-label': 'Close code' });
  const reason = el('input', { type: 'text', placeholder: 'reason', size: 8, 'aria-label': 'Reason' });
  const number = () => {
    const digits = code.value.trim();
    if (/\D/.test(digits)) throw new Error('A close code is a whole number, such as 1000.');
    return digits === '' ? null : Number(digits);
  };
  return el('div', { class: 'closing', hidden: true }, code, reason,
    button('This tab closes', () => browser((socket) => (number() === null ? socket.close() : socket.close(number(), reason.value)))),
    button('plainws closes', () => server('close', () => ({ code: number(), reason: reason.value }))));
}

// How any other client gets onto this wire.
function joiningHelp() {
  const address = () => new URL(`lab/echo?t=${session.token}&c=me`, document.baseURI).href.replace(/^http/, 'ws');
  return el('div', { class: 'closing', hidden: true },
    el('p', { class: 'muted small', text: 'A client of your own shows up here as “me”, if it connects so:' }),
    el('code', { text: `plainws connect '${address().split('//')[0]}//…/lab/echo?t=…&c=me'` }), copyButton(() => `plainws connect '${address()}'`));
}

// A button that shows and hides what it is about.
function disclose(text, region) {
  const toggle = button(text, () => {
    region.hidden = !region.hidden;
    toggle.setAttribute('aria-expanded', !region.hidden);
    if (!region.hidden) region.querySelector('input, button').focus();
  }, { class: 'quiet', 'aria-expanded': 'false' });
  return toggle;
}
