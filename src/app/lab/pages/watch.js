// The bench "Watch": the frame that is selected on the wire.
import { el } from './dom.js';
import { FrameView } from './frame.js';

let lab;
let view;

export const bench = {
  id: 'watch',
  title: 'Watch',
  build(root, of) {
    lab = of;
    view = new FrameView({ live: true });
    lab.view = view;
    root.append(view.element, keys());
    lab.selection.on(remember);
  },
  show(rest) {
    if (rest) point(rest);
  },
  leave() {},
};

// "7", "7.masking_key", or "masking_key" of the latest frame.
function point(rest) {
  const [, id, name] = /^(f?\d+)?\.?(.*)$/.exec(rest);
  const record = id ? lab.session.record(id) : lab.session.records.findLast((record) => record.frame);
  if (!record || rest === address(lab.selection.value)) return;
  if (!name || !record.frame || !lab.selection.field(record, name)) lab.selection.record(record);
  lab.wire.reveal(false);
}

const address = (value) => value ? `${value.record.id}${value.name ? `.${value.name}` : ''}` : '';

// The address always names what is selected, so that it can be copied.
function remember(value) {
  const [id] = location.hash.slice(1).split('/');
  if (value?.record.id !== undefined && (id === '' || id === 'watch')) history.replaceState(null, '', `#watch/${address(value)}`);
}

function keys() {
  const groups = [[['←', '→'], 'byte'], [['Home', 'End'], 'field'], [['↑', '↓'], 'frame'], [['B'], 'break it'], [['P'], 'pause']];
  return el('p', { class: 'keys muted' }, ...groups.flatMap(([keys, what]) => [...keys.flatMap((key) => [el('kbd', { text: key }), ' ']), `${what} `]));
}
