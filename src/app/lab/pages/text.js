// Hex as people write it, bytes as text that hides none of them (\r \n \t \\, and \xNN for what is no letter), and events in
// words.
import { fromHex, hexBytes, spaced, utf8Hex, visible } from './dom.js';

// '81 85', '0x81, 0x85', '\x81\x85', '81:85' -> '8185'; throws a sentence.
export function readHex(text) {
  const hex = text.replace(/0x|\\x/gi, '').replace(/[\s:,-]/g, '').toLowerCase();
  const odd = hex.match(/[^0-9a-f]/u);
  if (odd) throw new Error(`“${visible(odd[0])}” is no hex digit: those are 0 to 9 and a to f.`);
  if (hex.length % 2) throw new Error('Half a byte is left over: every byte has two hex digits.');
  return hex;
}

const MARKS = { r: '0d', n: '0a', t: '09', '\\': '5c' };
const MARK_OF = Object.fromEntries(Object.entries(MARKS).map(([mark, hex]) => [hex, `\\${mark}`]));
const numbered = (hex) => hexBytes(hex).map((byte) => `\\x${byte}`).join('');

// After each line feed stands `newline`, for the eye only.
export function hexToText(hex, newline = '') {
  const letter = (char) => {
    const own = utf8Hex(char);
    if (own in MARK_OF) return MARK_OF[own] + (char === '\n' ? newline : '');
    return /[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? numbered(own) : char;
  };
  const bytes = hexBytes(hex);
  return characters(bytes).map(({ at, char }) => char === null ? numbered(bytes[at]) : letter(char)).join('');
}

// Cuts bytes into the characters that they are; where they are none, a byte stands alone and its char is null.
export function characters(bytes) {
  const found = [];
  let at = 0;
  const take = (char, length) => {
    found.push({ at, length, char });
    at += length;
  };
  for (const char of decoded(bytes) ?? '') take(char, utf8Hex(char).length / 2);
  while (at < bytes.length) {
    const length = [1, 2, 3, 4].find((length) => decoded(bytes.slice(at, at + length)) !== null);
    take(length ? decoded(bytes.slice(at, at + length)) : null, length ?? 1);
  }
  return found;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decoded(bytes) {
  try {
    return UTF8.decode(fromHex(bytes.join('')));
  } catch {
    return null;
  }
}

// The reverse. Line breaks of the text itself count for nothing; a backslash before anything else is a backslash.
export function textToHex(text) {
  const parts = text.matchAll(/\\x([0-9a-fA-F]{2})|\\([rnt\\])|[^\n]/gu);
  return Array.from(parts, ([char, hex, mark]) => hex?.toLowerCase() ?? MARKS[mark] ?? utf8Hex(char)).join('');
}

// What a program is told by an event of the judge.
export function eventWords(event) {
  const [kind, value] = Object.entries(event)[0];
  if (kind === 'message') return event.text === undefined ? `${value} message` : `text ${inQuotes(event.text)}`;
  if (kind === 'close') return `Close ${value ?? 'without a code'}${event.reason ? ` ${inQuotes(event.reason)}` : ''}`;
  return value ? `${kind} ${spaced(value)}` : `${kind}, empty`;
}

// What a peer sent, as a piece of a sentence; of a long text only the beginning.
export function inQuotes(text, most = 200) {
  const letters = [...text.slice(0, 2 * most + 2)];
  return `“${visible(letters.slice(0, most).join(''))}${letters.length > most ? '…' : ''}”`;
}
