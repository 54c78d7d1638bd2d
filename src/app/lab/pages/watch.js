// The bench "Watch": the frame that is selected on the wire, and the first surprise in it.
import { announce, el, hexBytes, question } from './dom.js';
import { headerLength, parts } from './fields.js';
import { FrameView } from './frame.js';

let lab;
let view;
let ask;
// The field that the address asks for, while no frame has it.
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
      hint: 'Send it again and compare.',
    });
    const help = keys();
    root.append(ask, el('h1', { class: 'unseen', text: 'Watch' }), view.element, help);
    lab.selection.on((value) => {
      help.hidden = !value;
      remember(value);
    });
    lab.session.on('frame', () => awaited && point('', awaited));
    const off = lab.session.on('frame', (record) => compare(record) && off());
  },
  // "7", "7.masking_key", or "masking_key" of the latest frame that has one.
  show(rest) {
    awaited = null;
    const [, id, name] = /^(f?\d+)?\.?(.*)$/.exec(rest);
    if (rest && rest !== address(lab.selection.value)) point(id, name);
  },
  leave() {},
};

// A record of another session has its field shown in a frame of this one.
function point(id, name) {
  const hasIt = ({ frame }) => frame && (!name || parts(frame).some((part) => part.name === name));
  const record = lab.session.record(id) ?? (name && lab.session.records.findLast(hasIt));
  awaited = record ? null : name;
  if (record) {
    if (!name || !record.frame || !lab.selection.field(record, name)) lab.selection.record(record);
    lab.wire.reveal(false);
  } else if (id) {
    lab.wire.note(`This session has no record ${id}.`);
    announce(`This session has no record ${id}.`);
  }
}

const address = (value) => value ? `${value.record.id}${value.name ? `.${value.name}` : ''}` : '';

// The address always names what is selected, so that it can be copied.
function remember(value) {
  const [id] = location.hash.slice(1).split('/');
  if (value?.record.id !== undefined && (id === '' || id === 'watch')) history.replaceState(null, '', `#watch/${address(value)}`);
}

// Two texts of this browser that are the same settle the question with what really differs.
function compare(record) {
  if (!isText(record)) return false;
  const earlier = lab.session.records.findLast((other) => other !== record && isText(other) && other.c === record.c && other.frame.payload === record.frame.payload);
  if (!earlier) return false;
  const [one, two] = [earlier, record].map(({ frame }) => hexBytes(frame.wire));
  const differing = two.filter((byte, at) => byte !== one[at]).length;
  const header = headerLength(record.frame) - 4;
  const isSame = one.slice(0, header).join() === two.slice(0, header).join();
  ask.settle(`${differing} of ${two.length}: the key is new, and with it the bytes that it masks. ${isSame ? 'The header is the same, and so is the word.' : ''}`);
  return true;
}

const isText = ({ frame, sender }) => sender === 'client' && frame?.opcode_name === 'text' && frame.payload && frame.masking_key;

function keys() {
  const groups = [[['←', '→'], 'byte'], [['Shift'], 'bit'], [['Home', 'End'], 'field'], [['↑', '↓'], 'frame'], [['B'], 'break it'], [['P'], 'pause']];
  return el('p', { class: 'keys muted', hidden: true }, 'On the wire and in the frame: ', ...groups.flatMap(([keys, what]) => [...keys.flatMap((key) => [el('kbd', { text: key }), ' ']), `${what} `]));
}
