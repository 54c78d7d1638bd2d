// Sends what you type and shows what comes back.
import { describeClose, socketAddress } from './connection.js';

const MAX_LINES = 500; // the oldest go first, so that a page left open stays small
const MAX_SHOWN = 2000; // characters of one message

const [state, form, message, send, log, lines, closeButton, connectButton] =
  ['state', 'form', 'message', 'send', 'log', 'lines', 'close', 'connect']
    .map((id) => document.getElementById(id));

const MARKS = { sent: '→ sent', received: '← received', note: '• note' };

let socket;

// Adds a line. Its text may be anyone's, so it only ever becomes textContent.
function addLine(kind, text) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = document.createElement('li');
  line.className = kind;
  const mark = document.createElement('b');
  mark.textContent = MARKS[kind];
  const content = document.createElement('span');
  content.className = 'text';
  content.dir = 'auto'; // right-to-left text keeps to itself
  content.textContent =
    text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters in all)`;
  line.append(mark, ' ', content);
  lines.append(line);
  while (lines.children.length > MAX_LINES) lines.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight; // someone who scrolled up is left to read
}

// Shows where the connection is, and allows what is possible there.
function show(name, words) {
  document.body.dataset.state = name;
  state.textContent = words;
  const focused = document.activeElement;
  send.disabled = name !== 'open';
  closeButton.disabled = name === 'lost';
  connectButton.disabled = name !== 'lost';
  // A disabled button loses the keyboard: hand it on to what is useful next.
  if (focused.disabled) (name === 'lost' ? connectButton : message).focus();
}

function connect() {
  show('connecting', 'Connecting.');
  socket = new WebSocket(socketAddress());
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    show('open', 'Connected.');
    addLine('note', 'connected');
  };
  socket.onmessage = ({ data }) => {
    addLine('received', typeof data === 'string' ? data : `(binary, ${data.byteLength} bytes)`);
  };
  socket.onclose = (event) => {
    const words = describeClose(event);
    show('lost', `Closed: ${words}.`);
    addLine('note', `closed: ${words}`);
  };
}

form.addEventListener('submit', (event) => {
  event.preventDefault(); // the message goes through the WebSocket; nothing is submitted
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(message.value); // an empty message is a message too
  addLine('sent', message.value);
  message.value = '';
  message.focus();
});

closeButton.addEventListener('click', () => {
  show('closing', 'Closing: waiting for the server to answer.');
  socket.close(1000);
});

connectButton.addEventListener('click', connect);
connect();
