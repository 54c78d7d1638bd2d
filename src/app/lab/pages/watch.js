// The bench "Watch": the frame that is selected on the wire, and the first surprise in it.
import { el, hexBytes, question } from './dom.js';
import { headerLength, parts } from './fields.js';
import { FrameView } from './frame.js';

let lab;
let view;
let ask;
// What the address asks for and has not come yet.
let awaited = null;

export const bench = {
  id: 'watch',
  title: 'Watch',
  build(root, of) {
    lab = of;
    view = new FrameView({ live: true });
    lab.view = view;
    ask = question(lab, {
      id: 'same-word-twice', ask: 'The same word twice: which bytes differ?', choices: ['none', 'all', 'some'], right: 2,
      hint: 'Send it twice and compare.',
    });
    root.append(ask, el('h1', { class: 'unseen', text: 'Watch' }), view.element, keys());
    lab.selection.on(remember);
    lab.session.on('frame', (record) => {
      if (awaited) point(awaited);
      compare(record);
    });
  },
  show(rest) {
    awaited = null;
    if (rest) point(rest);
  },
  leave() {},
};

// "7", "7.masking_key", or "masking_key" of the latest frame that has one.
function point(rest) {
  const [, id, name] = /^(f?\d+)?\.?(.*)$/.exec(rest);
  const hasIt = ({ frame }) => frame && (!name || parts(frame).some((part) => part.name === name));
  const record = id ? lab.session.record(id) : lab.session.records.findLast(hasIt);
  if (rest === address(lab.selection.value)) return;
  awaited = record ? null : rest;
  if (!record) return;
  if (!name || !record.frame || !lab.selection.field(record, name)) lab.selection.record(record);
  lab.wire.reveal(false);
}

const address = (value) => value ? `${value.record.id}${value.name ? `.${value.name}` : ''}` : '';

// The address always names what is selected, so that it can be copied.
function remember(value) {
  const [id] = location.hash.slice(1).split('/');
  if (value?.record.id !== undefined && (id === '' || id === 'watch')) history.replaceState(null, '', `#watch/${address(value)}`);
}

// Two texts of this browser that are the same settle the question with what really differs.
function compare(record) {
  if (!isText(record)) return;
  const earlier = lab.session.records.findLast((other) => other !== record && isText(other) && other.c === record.c && other.frame.payload === record.frame.payload);
  if (!earlier) return;
  const [one, two] = [earlier, record].map(({ frame }) => hexBytes(frame.wire));
  const differing = two.filter((byte, at) => byte !== one[at]).length;
  const header = headerLength(record.frame) - 4;
  const isSame = one.slice(0, header).join() === two.slice(0, header).join();
  ask.settle(`${differing} of ${two.length}: the key is new, and with it the bytes that it masks. ${isSame ? 'The header is the same, and so is the word.' : ''}`);
}

const isText = ({ frame, sender }) => sender === 'client' && frame?.opcode_name === 'text' && frame.payload && frame.masking_key;

function keys() {
  const groups = [[['←', '→'], 'byte'], [['Shift'], 'bit'], [['Home', 'End'], 'field'], [['↑', '↓'], 'frame'], [['B'], 'break it'], [['P'], 'pause']];
  return el('p', { class: 'keys muted' }, ...groups.flatMap(([keys, what]) => [...keys.flatMap((key) => [el('kbd', { text: key }), ' ']), `${what} `]));
}
