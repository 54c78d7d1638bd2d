// The bench "Cost".
import { el } from './dom.js';

export const bench = {
  id: 'cost',
  title: 'Cost',
  build(root) {
    root.append(el('h1', { text: 'Cost' }));
  },
  show() {},
  leave() {},
};
