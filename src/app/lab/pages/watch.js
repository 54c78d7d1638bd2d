// The bench "Watch".
import { el } from './dom.js';

export const bench = {
  id: 'watch',
  title: 'Watch',
  build(root) {
    root.append(el('h1', { text: 'Watch' }));
  },
  show() {},
  leave() {},
};
