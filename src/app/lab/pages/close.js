// The bench "Close".
import { el } from './dom.js';

export const bench = {
  id: 'close',
  title: 'Close',
  build(root) {
    root.append(el('h1', { text: 'Close' }));
  },
  show() {},
  leave() {},
};
