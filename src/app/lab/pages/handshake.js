// The bench "Handshake".
import { el } from './dom.js';

export const bench = {
  id: 'handshake',
  title: 'Handshake',
  build(root) {
    root.append(el('h1', { text: 'Handshake' }));
  },
  show() {},
  leave() {},
};
