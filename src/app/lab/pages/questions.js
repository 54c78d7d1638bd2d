// The bench "Questions".
import { el } from './dom.js';

export const bench = {
  id: 'questions',
  title: 'Questions',
  build(root) {
    root.append(el('h1', { text: 'Questions' }));
  },
  show() {},
  leave() {},
};
