// The line that reads the same bytes in a terminal.
import { copyButton, count, el, spaced, visible } from './dom.js';
import { session } from './session.js';

// For a later frame of a message, those before it come first; what was made to be looked at says what has to come `before`.
function commandLine(record) {
  const { frame, sender } = record;
  const role = frame.mask === (sender === 'client') ? '' : ` --role ${sender}`;
  const bytes = [...record.before ?? messageBefore(record), record].map(({ frame }) => spaced(frame.wire ?? ''));
  return `plainws decode${role} ${bytes.join(' ')}`;
}

export function command(record) {
  const { frame } = record;
  const isPart = isCut(frame) && frame.status !== 'incomplete';
  return commandBox(commandLine(record), isPart && el('span', { class: 'muted', text: `the first ${known(frame)} of ${count(frame.length)} bytes` }));
}

// A line for a terminal, to be copied.
export function commandBox(line, note) {
  const shown = line.length > 400 ? `${line.slice(0, 200)} …` : line;
  return el('div', { class: 'command' },
    el('code', {}, el('span', { class: 'muted', 'aria-hidden': 'true', text: '$ ' }), visible(shown)), note, copyButton(line));
}

const known = (frame) => (frame.wire?.length ?? 0) / 2;

// Whether the page has only the beginning of it.
export const isCut = (frame) => known(frame) < frame.length;

// The frames of the same message before this one, or none of them if one is no longer there or was cut.
export function messageBefore(record) {
  if (!(record.frame.fragment?.index > 0)) return [];
  const found = [];
  for (const other of session.records.slice(0, Math.max(0, session.records.indexOf(record))).reverse()) {
    if (other.type !== 'frame' || other.c !== record.c || other.sender !== record.sender) continue;
    if (isCut(other.frame)) return [];
    found.unshift(other);
    if (other.frame.fragment?.index === 0) return found;
  }
  return [];
}
