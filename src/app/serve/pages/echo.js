// Sends what you type or choose, shows what comes back, and how it stood on the wire.
import { TELLS_BYTES, describeClose, socketAddress } from './connection.js';
import { showBytes } from './bytes.js';
import { fromHex, shownBytes } from './hex.js';

const MAX_LINES = 500; // the oldest go first, so that a page left open stays small
const MAX_SHOWN = 2000; // characters of one message

const [state, form, message, file, problem, log, lines, closeButton, connectButton] =
  ['state', 'form', 'message', 'file', 'problem', 'log', 'lines', 'close', 'connect']
    .map((id) => document.getElementById(id));

const MARKS = { sent: '→ sent', received: '← received', note: '• note' };

// What the connection offers. A proxy may drop the answer to it, and then browsers leave: if none has opened, the page
// tries without it.
let offers = [TELLS_BYTES];
let hasOpened = false;
let socket;
let unanswered = []; // lines of what was sent, in order, until the echo comes

// Adds a line. Its text may be anyone's, so it only ever becomes textContent.
function addLine(kind, data) {
  const line = document.createElement('li');
  line.className = kind;
  const mark = document.createElement('b');
  mark.textContent = MARKS[kind];
  const content = document.createElement('span');
  content.className = 'text';
  content.dir = 'auto'; // right-to-left text keeps to itself
  content.textContent = shown(data);
  line.append(mark, ' ', content);
  keepPlace(() => lines.append(line));
  while (lines.children.length > MAX_LINES) lines.firstElementChild.remove();
  return line;
}

// Changes the log, and goes on showing its end, unless someone has scrolled up to read.
function keepPlace(change) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  change();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function shown(data) {
  if (typeof data !== 'string') return shownBytes(data);
  return data.length <= MAX_SHOWN ? data : `${data.slice(0, MAX_SHOWN)}… (${data.length} characters in all)`;
}

// Shows where the connection is, and allows what is possible there. Sending says by itself when it is not.
function show(name, words) {
  document.body.dataset.state = name;
  state.textContent = words;
  const focused = document.activeElement;
  closeButton.disabled = name === 'lost';
  connectButton.disabled = name !== 'lost';
  // A disabled button loses the keyboard: hand it on to what is useful next.
  if (focused.disabled) (name === 'lost' ? connectButton : input()).focus();
}

function connect() {
  show('connecting', 'Connecting.');
  socket = new WebSocket(socketAddress(), offers);
  socket.binaryType = 'arraybuffer';
  // After each echo comes another message, which tells the bytes of it and of what it answers, if that is agreed on.
  let isEcho = true;
  socket.onopen = () => {
    hasOpened = true;
    show('open', 'Connected.');
    problem.textContent = '';
    addLine('note', socket.protocol ? 'connected' : 'connected, but bytes are not shown: something on the way keeps the offer from being agreed on');
  };
  socket.onmessage = ({ data }) => {
    if (isEcho) {
      unanswered.shift();
      addLine('received', data);
    } else {
      showBytes(JSON.parse(data));
    }
    isEcho = !isEcho || !socket.protocol;
  };
  socket.onclose = (event) => {
    if (!hasOpened && offers.length && document.body.dataset.state === 'connecting') {
      offers = [];
      return connect();
    }
    const words = describeClose(event);
    refuse(words);
    show('lost', `Closed: ${words}.`);
    addLine('note', `closed: ${words}`);
  };
}

// No echo comes any more. What the server closed at is the first message that it has not sent back.
function refuse(words) {
  unanswered.forEach((line, i) => {
    const end = document.createElement('strong');
    end.textContent = i === 0 ? `✗ not sent back, closed: ${words}` : '✗ not sent back';
    keepPlace(() => line.append(' ', end));
  });
  unanswered = [];
}

form.addEventListener('submit', async (event) => {
  event.preventDefault(); // the message goes through the WebSocket; nothing is submitted
  problem.textContent = '';
  const used = input();
  try {
    const data = await entered(); // an empty message is a message too
    if (socket.readyState !== WebSocket.OPEN) throw new Error(whyNot());
    socket.send(data);
    unanswered.push(addLine('sent', data));
    if (used === message) message.value = ''; // a text that is not sent yet outlasts a file
    used.focus();
  } catch (error) {
    problem.textContent = `Not sent: ${error.message}`;
  }
});

const kind = () => form.elements.kind.value;
const input = () => (kind() === 'file' ? file : message);

async function entered() {
  if (kind() === 'text') return message.value;
  if (kind() === 'hex') return fromHex(message.value);
  if (!file.files.length) throw new Error('no file is chosen.');
  return file.files[0].arrayBuffer();
}

function whyNot() {
  if (socket.readyState === WebSocket.CONNECTING) return 'the connection is not open yet.';
  return 'the connection is closed. What you entered is kept: “Connect again”, then send it.';
}

form.addEventListener('change', () => {
  message.hidden = kind() === 'file';
  file.hidden = !message.hidden;
  message.placeholder = kind() === 'hex' ? '48 65 6c 6c 6f' : '';
});

closeButton.addEventListener('click', () => {
  show('closing', 'Closing: waiting for the server to answer.');
  socket.close(1000);
});

connectButton.addEventListener('click', connect);
connect();
