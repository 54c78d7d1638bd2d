// Where a rule stands: its section in the RFC, and its place in the code.
import { el } from './dom.js';

// '5.2' -> '§5.2', 'RFC 9112 3.2' -> 'RFC 9112 §3.2'
export const section = (text) => text.replace(/([\d.]+)$/, '§$1');

export function sectionLink(text, properties = {}) {
  const [, rfc = '6455', number] = /^(?:RFC (\d+) )?(.+)$/.exec(text);
  return el('a', { href: `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${number}`, rel: 'noreferrer', text: section(text), ...properties });
}

// "src/protocol/frame.rs, fn decode", with places to break a long name.
export function codePlace({ file, function: name }) {
  const node = el('code', { class: 'place' }, `${file}, `, el('wbr'), 'fn\u00a0');
  for (const part of name.split(/(?<=_)/)) node.append(part, el('wbr'));
  return node;
}
