// The bench "Break it".
import { el } from './dom.js';

export const bench = {
  id: 'break',
  title: 'Break it',
  build(root) {
    root.append(el('h1', { text: 'Break it' }));
  },
  show() {},
  leave() {},
};
