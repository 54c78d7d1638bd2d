// A session as text that `plainws decode` reads: a line for each piece, > from the client, < from the server.
import { hexBytes, utf8Hex } from './dom.js';
import { isCut } from './command.js';

const LINE = 64;

export function saved(records) {
  const names = [...new Set(records.map((record) => record.c).filter((c) => c !== undefined))];
  const gone = cutMessages(records);
  const lines = ['# A session of plainws lab; plainws decode reads it.'];
  for (const record of records) {
    const hex = bytesOf(record);
    if (hex === null) continue;
    const mark = record.sender === 'client' ? '>' : '<';
    const start = `#${names.indexOf(record.c) + 1} ${mark} ${(record.time ?? 0).toFixed(6)}`;
    if (gone.has(record)) lines.push(`# ${start.slice(1)} left out: ${record.frame.length} bytes of a message that the page has no more than the beginning of`);
    else for (let at = 0; at < hex.length; at += 2 * LINE) lines.push(`${start} ${hexBytes(hex.slice(at, at + 2 * LINE)).join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}

// What was saved, a connection at a time: [[name, text]].
export function connections(text) {
  const found = new Map();
  for (const line of text.split('\n')) {
    const number = /^\s*#(\d+)\s*[<>]/.exec(line)?.[1];
    if (number) found.set(number, `${found.get(number) ?? ''}${line}\n`);
  }
  if (found.size < 2) return [['saved', text]];
  return [...found].map(([number, lines]) => [`saved ${number}`, lines]);
}

function bytesOf({ frame, handshake }) {
  if (frame) return frame.wire;
  if (!handshake) return null;
  const text = handshake.lines.map((line) => `${line.text}\r\n`).join('');
  // The token is shown shorter than it is. What comes after the head keeps its place all the same.
  const hidden = Math.max(0, handshake.length - utf8Hex(text).length / 2);
  return utf8Hex(text.replace('t=***', `t=***${'*'.repeat(hidden)}`));
}

// The frames of each message of which a frame was cut: half a message would break a rule that nobody broke.
function cutMessages(records) {
  const gone = new Set();
  const messages = new Map();
  for (const record of records) {
    const { frame } = record;
    if (!frame) continue;
    const key = `${record.c} ${record.sender}`;
    if (frame.fragment?.index === 0 || !messages.has(key)) messages.set(key, []);
    const message = frame.fragment ? messages.get(key) : [];
    message.push(record);
    if (message.some(({ frame }) => isCut(frame))) for (const part of message) gone.add(part);
  }
  return gone;
}
