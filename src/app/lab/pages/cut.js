// The bench "Cut it".
import { el } from './dom.js';

export const bench = {
  id: 'cut',
  title: 'Cut it',
  build(root) {
    root.append(el('h1', { text: 'Cut it' }));
  },
  show() {},
  leave() {},
};
