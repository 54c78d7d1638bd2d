// The bench "Build yours".
import { el } from './dom.js';

export const bench = {
  id: 'build',
  title: 'Build yours',
  build(root) {
    root.append(el('h1', { text: 'Build yours' }));
  },
  show() {},
  leave() {},
};
