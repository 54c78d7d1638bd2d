// The keyboard: arrows move the selection by byte, with Shift by bit, and by frame, Home and End by field, B breaks the
// frame, P pauses. Letters count on the wire and in the frame only, so that who dictates presses none by chance.
import { announce } from './dom.js';
import { parts } from './fields.js';
import { session } from './session.js';

const TYPING = 'input, textarea, select, [contenteditable], [role="slider"], [data-own-keys]';

const MOVES = {
  ArrowLeft: (lab, event) => sideways(event)(lab.selection, -1),
  ArrowRight: (lab, event) => sideways(event)(lab.selection, 1),
  Home: ({ selection }) => byField(selection, -1),
  End: ({ selection }) => byField(selection, 1),
  ArrowUp: (lab) => byFrame(lab, -1),
  ArrowDown: (lab) => byFrame(lab, 1),
};
const isOurs = (event) => !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey;

// On the wire and in the live view of a frame; arrows also on Watch while no control has the focus.
// `lab.wire` tells the frames in their order, `lab.view` is that view.
export function listen(lab, bench) {
  addEventListener('keydown', (event) => {
    const { target } = event;
    if (!isOurs(event) || target.closest(TYPING)) return;
    const isOnWire = Boolean(target.closest('#wire'));
    const isInside = isOnWire || lab.view?.element.contains(target);
    const isFree = bench()?.id === 'watch' && !target.closest('a, button');
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!isInside && !(isFree && MOVES[key])) return;
    if (key === 'p') lab.wire.pause();
    else if (key === 'b') breakIt(lab);
    else if (MOVES[key]) move(lab, event, isOnWire);
    else return;
    event.preventDefault();
  });
}

function move(lab, event, isOnWire) {
  MOVES[event.key](lab, event);
  lab.wire.reveal(isOnWire);
  if (lab.view?.focused) lab.view.focus(lab.view.focused);
  announce(lab.wire.words());
}

function breakIt({ selection, go }) {
  const { record } = selection.value ?? {};
  if (record?.frame) go(`break/frame/${record.id}`);
}

// In a view that has a selection of its own, when one of its bits, bytes or rows has the focus: within its frame.
export function listenIn(view) {
  view.element.addEventListener('keydown', (event) => {
    const { selection, record, focused } = view;
    if (!isOurs(event) || !/^(Arrow(Left|Right)|Home|End)$/.test(event.key) || !record?.frame || !focused) return;
    if (selection.value?.record !== record) selection.record(record);
    MOVES[event.key]({ selection }, event);
    view.focus(focused);
    announce(selection.words(session.fields));
    event.preventDefault();
  });
}

const sideways = (event) => event.shiftKey ? byBit : byByte;

function byBit(selection, step) {
  const { record, start, end } = selection.value ?? {};
  if (!record?.frame) return;
  const last = 4 * (record.frame.wire ?? '').length - 1;
  const from = start === null ? -1 : step > 0 ? end - 1 : start;
  const bit = end - start > 1 ? (step > 0 ? start : end - 1) : Math.max(0, Math.min(last, from + step));
  selection.bits(record, bit, bit + 1);
}

function byByte(selection, step) {
  const { record, start, end } = selection.value ?? {};
  if (!record?.frame) return;
  const last = (record.frame.wire ?? '').length / 2 - 1;
  const now = step > 0 ? Math.ceil((end ?? 0) / 8) - 1 : Math.floor((start ?? 8 * (last + 1)) / 8);
  const byte = Math.max(0, Math.min(last, now + step));
  selection.bits(record, 8 * byte, 8 * byte + 8);
}

function byField(selection, step) {
  const { record, start } = selection.value ?? {};
  if (!record?.frame) return;
  const all = parts(record.frame);
  const now = start === null ? -1 : all.findLastIndex((part) => part.start <= start);
  const next = all[Math.max(0, Math.min(all.length - 1, now + step))];
  if (next) selection.field(record, next.name);
}

// The same field of the frame before or after, else the same byte.
function byFrame(lab, step) {
  const { selection, wire } = lab;
  const { record, start, end, name } = selection.value ?? {};
  const next = wire.neighbour(record, step);
  if (!next) return;
  if (!next.frame || start === undefined || start === null) selection.record(next);
  else if (name && selection.field(next, name)) return;
  else if (end <= (next.frame.wire ?? '').length * 4) selection.bits(next, start, end);
  else selection.record(next);
}
