// Making elements. Text goes in as text only, so that what a peer sent can never become markup.

// el('button', { class: 'quiet', text: 'Send', type: 'button', onclick: send }, child, …); a child that is null is left out.
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'text') node.textContent = value;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function clear(node) {
  node.replaceChildren();
}

export function button(text, onclick, properties = {}) {
  return el('button', { type: 'button', text, onclick, ...properties });
}

// Copies a text, or what a function makes of the moment.
export function copyButton(text) {
  const node = button('Copy', async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(typeof text === 'function' ? text() : text);
    } catch {
      said = 'Not allowed';
    }
    node.textContent = said;
    announce(said);
    setTimeout(() => { node.textContent = 'Copy'; }, 1500);
  });
  return node;
}

// '8185' -> ['81', '85']
export const hexBytes = (hex) => hex.match(/../g) ?? [];
export const spaced = (hex) => hexBytes(hex).join(' ');
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
export const fromHex = (hex) => Uint8Array.from(hexBytes(hex), (byte) => parseInt(byte, 16));
export const utf8Hex = (text) => toHex(new TextEncoder().encode(text));

export const count = (number) => number.toLocaleString('en');
export const many = (number, thing) => `${count(number)} ${thing}${number === 1 ? '' : 's'}`;

// Characters that show nothing, break the line, or turn the text after them round, as their numbers.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;
export function visible(text) {
  return text.replace(UNSEEN, (it) => `⟨U+${it.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

// One character, for a cell of its own: what would show nothing is marked as there.
export function glyph(char) {
  if (char === ' ') return '␣';
  return visible(char) === char ? char : '⟨⟩';
}

// What a peer sent, for people: letters of right-to-left scripts reorder nothing around them.
export const peerText = (text, properties = {}) => el('bdi', { class: 'peer', ...properties, text: visible(text) });

// Says something to those who cannot see it appear.
export function announce(text) {
  const line = document.querySelector('#live');
  if (line) line.textContent = text;
}

const said = new Map();

// The question with which an experiment begins. A click tells what one expects, and only `settle` of the element, which
// the bench calls when the records have shown it, tells what is right. What was said stays seen.
//
//   const ask = question(lab, { id: 'mask', ask: 'Which bytes differ?', choices: ['none', 'all', 'some'], right: 2,
//                               then: '9 of 11: the key is new.', hint: 'Send the word twice.' });
//   ask.settle();          or ask.settle('8 of 11, …') with what was seen, and which choice came true; once settled it stays so
export function question(lab, { id, ask, choices, right = null, then, hint = null, onsay = () => {} }) {
  const heading = el('strong', { class: 'ask', id: `ask-${id}`, text: ask });
  const outcome = el('span', { class: 'outcome', role: 'status' });
  const buttons = choices.map((choice, index) => button(choice, () => say(index), { class: 'choice' }));
  const group = el('span', { class: 'choices', role: 'group', 'aria-labelledby': `ask-${id}` }, ...buttons);
  const element = el('div', { class: 'question' }, heading, ' ', group, ' ', outcome);
  let settled = null;

  function say(index) {
    if (said.has(id)) return;
    said.set(id, index);
    const held = group.contains(document.activeElement);
    draw();
    if (held) focusOn(outcome);
    onsay(index);
  }
  function draw() {
    const index = said.get(id);
    group.hidden = index !== undefined || settled !== null;
    clear(outcome);
    if (index !== undefined) {
      const isWrong = settled !== null && right !== null && index !== right;
      outcome.append(el(isWrong ? 's' : 'span', { class: 'said', text: `You said: ${choices[index]}.` }), ' ');
      if (isWrong) outcome.append(el('span', { class: 'unseen', text: 'It came otherwise: ' }));
    }
    if (settled !== null) outcome.append(settled);
    else if (index !== undefined && hint) outcome.append(hint);
  }
  element.settle = (text = then, came = right) => {
    settled = text;
    right = came;
    const held = group.contains(document.activeElement);
    draw();
    if (held) focusOn(outcome);
  };
  Object.defineProperty(element, 'said', { get: () => said.get(id) ?? null });
  draw();
  return element;
}

// Focus for something that is no control, so that it is not lost with one that goes.
export function focusOn(node) {
  node.tabIndex = -1;
  node.focus({ preventScroll: true });
}

// Marks which one of them is looked at.
export function markCurrent(nodes, current, value = 'true') {
  for (const node of nodes) {
    if (node === current) node.setAttribute('aria-current', value);
    else node.removeAttribute('aria-current');
  }
}

export const delay = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// What a promise gives, or an error with these words if that takes too long.
export const within = (ms, promise, words) => Promise.race([promise, delay(ms).then(() => { throw new Error(words); })]);

// One stop for Tab in a group: the buttons are left by Tab, and reached by what `keys.js` and a click make current.
export function rove(buttons, current) {
  for (const [index, node] of buttons.entries()) node.tabIndex = index === current ? 0 : -1;
}

// Links to questions, by their numbers; their words come with the table.
export function questionLinks(lab, numbers) {
  const links = numbers.map((n) => el('a', { href: `#questions/${n}`, text: `Question ${n}` }));
  lab.questions().then(({ questions }) => {
    for (const [index, link] of links.entries()) link.textContent = questions.find((it) => it.n === numbers[index])?.question ?? link.textContent;
  }, () => {});
  return el('ul', { class: 'links' }, ...links.map((link) => el('li', {}, link)));
}
