// The bench "Rules".
import { el } from './dom.js';

export const bench = {
  id: 'rules',
  title: 'Rules',
  build(root) {
    root.append(el('h1', { text: 'Rules' }));
  },
  show() {},
  leave() {},
};
