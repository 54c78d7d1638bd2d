// Hex as people write it, and bytes as text that hides none of them: \r \n \t \\, and \xNN for what is no letter.
import { fromHex, hexBytes, utf8Hex } from './dom.js';

// '81 85', '0x81, 0x85', '81:85' -> '8185'; throws a sentence.
export function readHex(text) {
  const hex = text.replace(/0x/gi, '').replace(/[\s:,-]/g, '').toLowerCase();
  const odd = hex.match(/[^0-9a-f]/u);
  if (odd) throw new Error(`“${odd[0]}” is no hex digit: those are 0 to 9 and a to f.`);
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
  const whole = decoded(hex);
  if (whole !== null) return Array.from(whole, letter).join('');
  const texts = [];
  for (let at = 0; at < hex.length;) {
    const length = [2, 4, 6, 8].find((length) => decoded(hex.slice(at, at + length)) !== null) ?? 0;
    texts.push(length ? letter(decoded(hex.slice(at, at + length))) : numbered(hex.slice(at, at + 2)));
    at += length || 2;
  }
  return texts.join('');
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decoded(hex) {
  try {
    return UTF8.decode(fromHex(hex));
  } catch {
    return null;
  }
}

// The reverse. Line breaks of the text itself count for nothing; a backslash before anything else is a backslash.
export function textToHex(text) {
  const parts = text.matchAll(/\\x([0-9a-fA-F]{2})|\\([rnt\\])|[^\n]/gu);
  return Array.from(parts, ([char, hex, mark]) => hex?.toLowerCase() ?? MARKS[mark] ?? utf8Hex(char)).join('');
}
