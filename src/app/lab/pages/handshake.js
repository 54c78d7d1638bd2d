// The bench "Handshake": both heads of a real connection line by line, the way from the key to the accept value, and what
// went wrong in one that is not right. The server judges and computes; here it is only shown.
import { announce, button, clear, el, many, peerText, question, spaced } from './dom.js';
import { commandBox } from './command.js';
import { latest } from './latest.js';
import { section } from './places.js';
import { headWords } from './row.js';

const EXAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ=='; // of RFC 6455 §1.3
// What the usual mistakes make of that key.
const ACCEPTS = [
  ['right', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
  ['base64 of the hex text', 'YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQ=='],
  ['the key decoded first', 'BXhwxM0SZasKmCD9S4BfpPmCnEw='],
  ['the GUID in lower case', 'WJfwerbIozKsJXHxxI0JTO1SQgU='],
  ['a CR kept on the key', 'zvnId+CMmoYWpbuFiCx6kU/bpAw='],
  ['a leading space kept', 's3mCG3XUBfFRrUGpYOBQiHm5i8g='],
  ['no GUID', 'hHLtf2V1k8aDQZfNjw3Ia1hCwt0='],
  ['the GUID before the key', '2OZf2Seed9yzIpkj+zvC9KS9Mjw='],
  ['SHA-256', 'c8qeCxwB8sJPxkSckeL76bKL7f642+KYzDiR7EbKyTY='],
  ['a mistyped GUID', 'xi594u34epCyRUevAXoTvQaUoCk='],
];
const LONGEST_VALUE = 1000; // characters; a real key has 24, a real accept value 28
const KEPT = 20; // connections to choose from

let lab, prediction, choice, problem, heads, extension, key, steps, accept, found;
let wanted = null; // the connection to show as soon as its heads come
const connections = new Map(); // the heads of each connection: { client, server }, by its name

function build(root, given) {
  lab = given;
  prediction = question(lab, {
    id: 'handshake',
    ask: 'The key is base64. What does the server decode from it?',
    choices: ['16 bytes, to answer with', 'the address of the page', 'nothing'],
    right: 2,
    then: '',
    onsay: settle,
  });
  root.append(
    prediction,
    el('h1', { text: 'Handshake' }),
    headsSection(), extensionSection(), keySection(), mistakeSection(),
  );
  for (const record of lab.session.records) if (record.type === 'head') take(record);
  lab.session.on('head', take);
  lab.session.on('state', (state) => {
    askMain();
    if (state === 'open' && steps.children.length) ask();
  });
  askMain();
}

// There is always a connection to look at.
function askMain() {
  if (lab.session.state === 'open' && connections.size === 0) lab.session.main();
}

// The heads ---------------------------------------------------------------------------------------------------------

function headsSection() {
  choice = el('select', { onchange: showHeads });
  problem = el('p', { class: 'problem', role: 'alert' });
  heads = el('div', {});
  return el('section', { id: 'handshake-lines', 'aria-labelledby': 'handshake-lines-title' },
    el('h2', { id: 'handshake-lines-title', text: 'Both heads, line by line' }),
    el('div', { class: 'handshake-do' },
      el('label', {}, 'Connection', choice),
      button('Open another', openAnother),
      el('a', { href: '#break/key-invalid', text: 'Break a line of a head' })),
    problem, heads);
}

function take(record) {
  const isNew = !connections.has(record.c);
  const pair = { ...(record.sender === 'server' && connections.get(record.c)), [record.sender]: record };
  connections.set(record.c, pair);
  if (isNew) choice.append(el('option', { value: record.c, text: record.c }));
  if (connections.size > KEPT) forget();
  optionOf(record.c).textContent = `${record.c}: ${nameOf(pair)}`;
  if (isNew && (connections.size === 1 || record.c === wanted)) choice.value = record.c;
  if (choice.value === record.c) showHeads();
}

// The oldest connection goes, unless it is looked at.
function forget() {
  const c = [...connections.keys()].find((c) => c !== choice.value);
  connections.delete(c);
  optionOf(c).remove();
}

const optionOf = (c) => [...choice.options].find(({ value }) => value === c);

function nameOf({ client, server }) {
  const [asked, answered] = [client, server].map((record) => record && headWords(record.handshake, record.sender));
  return `${asked ?? 'no request'}: ${answered ?? 'no answer yet'}`;
}

// A connection that is closed once its heads were seen: the key is a new one, and all else stays.
async function openAnother() {
  problem.textContent = '';
  try {
    const { c, socket, opened } = lab.session.open('lab/echo');
    wanted = c;
    await opened;
    socket.close(1000);
  } catch (error) {
    problem.textContent = error.message;
  }
}

function showHeads() {
  const pair = connections.get(choice.value);
  if (!pair) return;
  const all = [...connections.values()];
  const before = all.slice(0, all.indexOf(pair)).findLast((other) => startOf(other.server) === startOf(pair.server));
  heads.replaceChildren(
    head('What the client sent', pair.client, before?.client),
    head('What plainws answered', pair.server, before?.server));
  showExtension(pair);
  settle();
  if (!key.dataset.typed) setKey(pair.client?.handshake.derivation?.key ?? EXAMPLE_KEY);
}

const startOf = (record) => record?.handshake.lines[0]?.text;

function verdictOf({ kind, handshake }) {
  if (kind === 'refusal') return el('span', { text: 'a refusal' });
  const wrong = handshake.broken?.[0];
  return el('strong', { class: wrong ? 'field-broken' : 'legal', text: wrong ? `! ${wrong}` : '✓ legal' });
}

function head(title, record, before) {
  if (!record) return el('p', { text: `${title}: nothing yet.` });
  const { lines, length, broken = [] } = record.handshake;
  const known = new Set((before?.handshake.lines ?? []).map(({ text }) => text));
  const columns = ['byte', 'line', 'what it says', 'section', 'verdict'];
  const table = el('table', { class: 'handshake-head', role: 'table' },
    el('caption', {}, el('strong', { text: title }), ` ${many(length, 'byte')} · `, verdictOf(record)),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...columns.map((text) => el('th', { scope: 'col', role: 'columnheader', text })))),
    el('tbody', { role: 'rowgroup' }, ...lines.map((line) => row(line, before && !known.has(line.text)))));
  const missing = broken.filter((rule) => lines.every((line) => line.broken !== rule));
  const links = missing.map((rule) => el('a', { class: 'rule', href: `#rules/${rule}`, text: rule }));
  return el('div', {}, table, missing.length > 0 ? el('p', { class: 'handshake-missing' }, el('span', { class: 'field-broken', text: '✗ missing, and so broken: ' }), ...links) : null);
}

function row(line, isNew) {
  const rule = line.broken ?? line.met;
  const text = line.text === '' ? el('span', { class: 'muted', text: 'an empty line' }) : peerText(line.text);
  const verdict = rule ? [el('span', { class: line.broken ? 'field-broken' : 'legal', text: line.broken ? '✗ broken: ' : '✓ not broken: ' }), el('a', { class: 'rule', href: `#rules/${rule}`, text: rule })]
    : [el('span', { class: 'muted', text: 'no rule' })];
  const cell = (...children) => el('td', { role: 'cell' }, ...children);
  return el('tr', { role: 'row', class: line.broken ? 'field-broken' : null },
    el('td', { role: 'cell', class: 'byte-number', text: String(line.offset) }),
    el('th', { scope: 'row', role: 'rowheader' }, text, isNew ? el('span', { class: 'handshake-new', text: 'other than before' }) : ''),
    cell(line.meaning), cell(section(line.section)), cell(...verdict));
}

function headerOf({ handshake }, name) {
  return handshake.lines.find((line) => line.name === name)?.value;
}


// The extension -----------------------------------------------------------------------------------------------------

function extensionSection() {
  extension = el('p', { text: 'No connection yet.' });
  return el('section', { id: 'handshake-extension', 'aria-labelledby': 'handshake-extension-title' },
    el('h2', { id: 'handshake-extension-title', text: 'Offered and declined' }), extension);
}

function showExtension({ client, server }) {
  const [offered, taken] = [client, server].map((record) => record && headerOf(record, 'sec-websocket-extensions'));
  if (!offered) extension.textContent = 'This client offers no extension, so RSV1 to RSV3 are 0 in every frame (§5.2).';
  else if (server?.kind === 'refusal') extension.textContent = `Offered: ${offered}. The handshake was refused, so there is nothing to extend.`;
  else if (taken) extension.textContent = `Offered: ${offered}. Taken: ${taken}.`;
  else {
    extension.replaceChildren('Offered: ', el('code', { text: offered }),
      '. Declined: the answer has no Sec-WebSocket-Extensions line, and no word is needed for a no (§9.1). So no frame is compressed, and RSV1 stays 0.');
  }
}

// From the key to the accept value ----------------------------------------------------------------------------------

function keySection() {
  key = el('input', { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', maxlength: LONGEST_VALUE });
  key.addEventListener('input', () => { key.dataset.typed = 'yes'; ask(); });
  steps = el('ol', { class: 'handshake-steps' });
  return el('section', { id: 'handshake-key', 'aria-labelledby': 'handshake-key-title' },
    el('h2', { id: 'handshake-key-title', text: 'From the key to the answer' }),
    el('div', { class: 'handshake-do' },
      el('label', { class: 'wide' }, 'Key', key),
      button('of this connection', () => setKey(connections.get(choice.value)?.client?.handshake.derivation?.key ?? ''), { class: 'quiet' }),
      button('of the RFC', () => setKey(EXAMPLE_KEY), { class: 'quiet' })),
    steps);
}

function setKey(value) {
  delete key.dataset.typed;
  if (key.value === value && steps.children.length) return;
  key.value = value;
  ask();
}

const ask = latest(async () => {
  const { value } = key;
  try {
    const result = await lab.session.ask('handshake', { key: value, accept: accept.value.trim() || null });
    showSteps(value, result);
    showFound(result);
  } catch (error) {
    steps.replaceChildren(el('li', { class: 'field-broken', text: error.message }));
  }
});

function showSteps(text, { key_is_valid, steps: { joined, sha1, accept: answer }, shell }) {
  if (key.dataset.typed) announce(key_is_valid ? `The answer is ${answer}` : 'This is no key.');
  const guid = joined.slice(text.length);
  const first = key_is_valid ? 'The key: base64 of 16 random bytes, new for each connection (§4.1). The line shows them.'
    : 'This is no key: a key is base64 of exactly 16 bytes, 24 characters (§4.1). plainws answers 400. The steps, all the same:';
  const all = [
    [first, peerText(text || '(empty)', { class: 'peer field-key' })],
    ['The key, still in base64, directly followed by the GUID (§1.3)', el('code', {}, peerText(text, { class: 'peer field-key' }), guid)],
    ['SHA-1 of that: 20 bytes, which are no text', el('code', { text: spaced(sha1) })],
    ['These 20 bytes, not their hex, in base64: Sec-WebSocket-Accept (§4.2.2)', el('code', { class: 'field-payload', text: answer })],
  ];
  steps.replaceChildren(...all.map(([title, value], i) => el('li', { class: i === 0 && !key_is_valid ? 'field-broken' : null },
    el('p', { text: title }), el('p', { class: 'handshake-value' }, value), shellLine(shell[i]))));
}

// The real answer settles the question: it is what the key as text leads to.
function settle() {
  const answers = [...connections.values()].map(({ client, server }) => {
    const answer = server && headerOf(server, 'sec-websocket-accept');
    return answer === client?.handshake.derivation?.accept && answer;
  });
  const answer = answers.findLast(Boolean);
  if (prediction.said !== null && answer) {
    prediction.settle(`Nothing: the key as text, followed by the GUID, leads to the very ${answer} that came. Besides, it only checks that the key is base64 of 16 bytes.`);
  }
}

function shellLine(line) {
  return line ? commandBox(line) : '';
}

// What is wrong with an accept value ----------------------------------------------------------------------------------

function mistakeSection() {
  accept = el('input', { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', maxlength: LONGEST_VALUE });
  accept.addEventListener('input', ask);
  found = el('p', { class: 'handshake-found', 'aria-live': 'polite' });
  const preset = ([name, value]) => button(name, () => {
    Object.assign(key, { value: EXAMPLE_KEY }).dataset.typed = 'yes';
    accept.value = value;
    ask();
  }, { class: 'quiet' });
  return el('section', { id: 'handshake-mistake', 'aria-labelledby': 'handshake-mistake-title' },
    el('h2', { id: 'handshake-mistake-title', text: 'Find the mistake' }),
    el('p', { text: 'What does your server answer to the key above? Each of the usual mistakes is tried on it.' }),
    el('div', { class: 'handshake-do' }, el('label', { class: 'wide' }, 'Accept value', accept)),
    el('p', { class: 'handshake-presets' }, 'To the key of the RFC: ', ...ACCEPTS.map(preset)),
    found);
}

function showFound({ steps: { accept: answer }, mistake }) {
  const given = accept.value.trim();
  if (!given) return clear(found);
  const isRight = given === answer;
  found.className = `handshake-found ${isRight ? 'field-payload' : 'field-broken'}`;
  found.textContent = isRight ? '✓ Right: it answers this key.' : `✗ Wrong: ${mistake ?? 'no usual mistake leads to it'}.`;
}

// `#handshake/TOPIC`: lines, extension, key or mistake.
function show(topic) {
  askMain();
  if (topic) document.getElementById(`handshake-${topic}`)?.scrollIntoView();
}

export const bench = { id: 'handshake', title: 'Handshake', build, show, leave() {} };
