// The one connection to /lab/tap: records of what passes on the tapped connections come in, commands go out.

const KEPT = 2000;
const address = (path) => new URL(path, document.baseURI);
const webSocket = (path) => new WebSocket(Object.assign(address(path), { protocol: address(path).protocol.replace('http', 'ws') }));

const listeners = new Map();
const asked = new Map();
const tables = new Map();
let tap = null;
let newest = new Map();
let count = 0;
let main = null;
let heard = false;

export const session = {
  state: 'connecting',
  bounds: null,
  token: null,
  since: null,
  records: [],
  fields: {},

  // Begins a session, or a new one after the last was lost. What was seen stays.
  start() {
    heard = false;
    set('connecting');
    tap = webSocket('lab/tap');
    tap.onmessage = ({ data }) => take(JSON.parse(data));
    tap.onclose = lose;
    return this.ready();
  },

  // Once there is a session.
  ready() {
    if (this.state === 'open') return Promise.resolve();
    return new Promise((resolve) => {
      const off = this.on('state', (state) => {
        if (state === 'open') { off(); resolve(); }
      });
    });
  },

  // Calls `listener` with each record of a type, with all of them for 'record', with the new state for 'state'.
  on(type, listener) {
    if (!listeners.has(type)) listeners.set(type, new Set());
    listeners.get(type).add(listener);
    return () => listeners.get(type).delete(listener);
  },

  // Lets the server do something, and gives its result; fails with a sentence for people.
  ask(what, fields = {}) {
    if (this.state !== 'open') return Promise.reject(new Error('There is no session: connect again first.'));
    const n = ++count;
    const command = JSON.stringify({ n, do: what, ...fields });
    const most = this.bounds?.command ?? Infinity;
    if (new TextEncoder().encode(command).length > most) return Promise.reject(new Error(`A command has at most ${most} bytes, and this has more.`));
    tap.send(command);
    return new Promise((resolve, reject) => asked.set(n, { resolve, reject }));
  },

  // A tapped WebSocket of this browser. Its name says in the records whose they are.
  open(path = 'lab/echo') {
    if (this.state !== 'open') throw new Error('There is no session: connect again first.');
    const c = `t${++count}`;
    const socket = webSocket(`${path}${path.includes('?') ? '&' : '?'}t=${this.token}&c=${c}`);
    socket.binaryType = 'arraybuffer';
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    const opened = new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('close', () => reject(new Error(session.state === 'open'
        ? 'The connection did not open. The server taps four of a session at a time: end one of the others.'
        : 'The session was lost meanwhile.')));
    });
    opened.catch(() => {});
    return { c, socket, opened, closed };
  },

  // The connection on which the form beside the wire sends; a new one if the last has ended.
  main() {
    if (!main || main.socket.readyState > WebSocket.OPEN) main = this.open('lab/echo');
    return main;
  },
  isMain: (c) => main?.c === c,
  // Whether this page opened it; the names of others are as they chose.
  isOwn: (c) => /^t\d+$/.test(c),

  record: (id) => newest.get(String(id)),

  // Takes in what `open` gave of a saved session, as records that are shown like those of this one.
  adopt(decoded, c) {
    const all = (decoded.streams ?? [decoded]).flatMap((stream) => pieces(stream, c));
    all.sort((one, other) => turn(one) - turn(other));
    for (const record of all) {
      record.id = `f${++count}`;
      keep(record);
    }
    return all;
  },

  // A table of the server: 'rules', 'questions', 'stages'.
  table(name) {
    if (!tables.has(name)) {
      const read = fetch(address(`lab/${name}.json`)).then((answer) => {
        if (!answer.ok) throw new Error(`The server has no ${name}: status ${answer.status}.`);
        return answer.json();
      });
      read.catch(() => tables.delete(name));
      tables.set(name, read);
    }
    return tables.get(name);
  },
};

function set(state) {
  session.state = state;
  tell('state', state);
}

function tell(type, record) {
  for (const listener of [...listeners.get(type) ?? []]) listener(record);
}

function take(record) {
  heard = true;
  if (record.type === 'session') {
    Object.assign(session, { token: record.token, bounds: record.bounds, since: performance.now() });
    newest = new Map();
    set('open');
  } else if (record.type === 'answer') {
    const waiting = asked.get(record.to);
    asked.delete(record.to);
    if (record.error === undefined) waiting?.resolve(record.result);
    else waiting?.reject(new Error(record.error));
  } else {
    keep(record);
  }
  tell(record.type, record);
  tell('record', record);
}

function keep(record) {
  if (record.id === undefined || record.type === 'count') return;
  newest.set(String(record.id), record);
  session.records.push(record);
  while (session.records.length > KEPT) {
    const old = session.records.shift();
    if (newest.get(String(old.id)) === old) newest.delete(String(old.id));
  }
}

// In which line, or packet, of what was opened a frame ended; heads come first.
const turn = ({ frame }) => frame ? frame.line ?? frame.packet ?? 0 : -1;

// The head and the frames of one direction.
function pieces(stream, c) {
  const { sender, handshake, frames = [], violation } = stream;
  const heads = handshake ? [{ type: 'head', c, sender, handshake }] : [];
  return [...heads, ...frames.map((frame) => {
    const record = { type: 'frame', c, sender, frame, time: frame.time };
    if (frame.status === 'violation') record.violation = violation;
    return record;
  })];
}

function lose() {
  session.wasRefused = !heard;
  main?.socket.close();
  main = null;
  for (const { reject } of asked.values()) reject(new Error('The session was lost before the answer came.'));
  asked.clear();
  set('lost');
}
