// The bench "Break it": bytes that break a rule, sent to plainws or to this browser.
import { announce, button, clear, count, el, many, question, spaced, visible } from './dom.js';
import { commandBox } from './command.js';
import { FrameView } from './frame.js';
import { codePlace, section } from './places.js';
import { wireRow } from './row.js';
import { Composer } from './composer.js';
import { Browser } from './browser.js';
import { eventWords, hexToText } from './text.js';

// Whom the bytes go to, and so who seems to have sent them.
const TARGETS = [
  { id: 'server', sender: 'client', text: 'plainws, a server', way: 'you to plainws', back: 'plainws to you', hint: 'You are the client. An in-memory connection judges what you send.' },
  { id: 'client', sender: 'server', text: 'plainws, a client', way: 'you to plainws, a client', back: 'plainws, a client, to you', hint: 'You are the server. An in-memory connection judges what you send; it has asked with the key of §1.3 and offered nothing.' },
  { id: 'browser', sender: 'server', text: 'this browser', way: 'you to this browser', hint: 'You are the server: plainws writes these bytes, as they are, on a fresh connection to this page.' },
];
const SURPRISE = 'surprise';
const OWN = 'own';
const AROUND = 12; // choices at most where a byte or line is asked for
const SEVERAL = 6; // events named at most in a sentence

export const bench = {
  id: 'break',
  title: 'Break it',
  build(root, lab) {
    this.page = new BreakIt(root, lab);
  },
  show(rest) {
    this.page.show(rest);
  },
  leave() {},
};

class BreakIt {
  constructor(root, lab) {
    this.lab = lab;
    this.target = TARGETS[0];
    this.preset = null; // what the list shows: SURPRISE, OWN, or the id of a rule
    this.rule = null; // the rule whose bytes these are, unchanged
    this.facts = null; // what the judge says of the bytes in the composer
    this.composer = new Composer(lab.session, { changed: () => this.#edited(), judged: (facts) => this.#judged(facts) });
    this.view = new FrameView({ live: false });
    this.browser = new Browser(lab);
    this.#build(root);
  }

  #build(root) {
    this.radios = TARGETS.map((target) => el('input', { type: 'radio', name: 'break-to', value: target.id, onchange: () => this.#aim(target) }));
    this.hint = el('p', { class: 'muted' });
    this.list = el('select', { id: 'break-preset', onchange: () => this.#choose(this.list.value) });
    this.listHint = el('span', { class: 'muted' });
    this.ask = el('div', { class: 'ask-line' });
    this.send = el('button', { type: 'submit', id: 'break-send', class: 'strong', text: 'Send' });
    this.outcome = el('div', { class: 'break-outcome' });
    const form = el('form', { class: 'break-form', onsubmit: (event) => { event.preventDefault(); this.#send(); } },
      el('div', { class: 'toolbar' },
        el('fieldset', { class: 'segments' }, el('legend', { text: 'To' }),
          el('div', {}, ...TARGETS.map((target, index) => el('label', {}, this.radios[index], el('span', { text: target.text }))))),
        el('label', { class: 'preset' }, el('span', {}, 'Preset ', this.listHint), this.list),
        button('Surprise me', () => this.#choose(SURPRISE), { class: 'quiet' })),
      this.hint, this.composer.element,
      el('div', { class: 'ask-and-send' }, this.ask, this.send));
    root.append(el('h1', { text: 'Break it' }),
      el('p', { text: 'Take bytes that break one rule, or change a bit of your own. Who notices, at which byte, and what comes back?' }),
      form, this.outcome, this.browser.element);
  }

  // '', 'RULE', 'RULE/server' (from a server, so to this browser), 'RULE/to-client'; and for RULE 'hex=8185', or
  // 'frame/7' for the frame of a record.
  async show(rest) {
    const [what, side] = rest.split('/');
    if (!this.rules) {
      this.rules = await this.lab.rules().catch((error) => this.#fail(error));
      if (!this.rules) return;
      this.browser.use(this.rules);
    }
    if (this.preset && (rest === '' || rest === this.shown)) return; // what was made here stays
    this.shown = rest;
    const rule = this.rules.find(({ id }) => id === what);
    const hex = /^hex=([0-9a-f]*)$/i.exec(what)?.[1].toLowerCase();
    if (what === 'frame') this.#frame(side);
    else this.#open(rule, hex, side);
    if (what && !rule && hex === undefined && what !== 'frame') this.#fail(new Error(`There is no rule “${what}”; the list has all of them.`));
  }

  #open(rule, hex, side) {
    this.target = targetOf(rule, side);
    this.#showTarget();
    if (hex !== undefined) this.#own(hex);
    else if (rule) this.#load(rule.id, rule);
    else this.#surprise();
  }

  // The frame of a record, from the one who sent it.
  #frame(id) {
    const { frame, sender } = this.lab.session.record(id) ?? {};
    this.#open(null, frame?.wire, sender === 'server' ? 'server' : null);
    if (!frame) this.#fail(new Error(`Record ${id} holds no frame that could be broken.`));
    else if (frame.wire.length / 2 < frame.length) this.#fail(new Error(`These are the first ${many(frame.wire.length / 2, 'byte')} of ${count(frame.length)}.`));
    else this.#name(`hex=${frame.wire}`);
  }

  get sender() {
    return this.target.sender;
  }

  // --- what is to be sent ---

  #aim(target) {
    const rule = this.rule;
    this.target = target;
    this.#showTarget();
    if (this.preset === OWN) this.#own(this.composer.hex);
    else if (this.preset === SURPRISE || !this.#offers(rule)) this.#surprise();
    else this.#choose(rule.id);
  }

  #offers(rule) {
    return Boolean(rule?.examples[this.sender]) && !(rule.is_head && this.target.id === 'browser');
  }

  #showTarget() {
    for (const radio of this.radios) radio.checked = radio.value === this.target.id;
    this.hint.textContent = this.target.hint;
    const offered = this.rules.filter((rule) => this.#offers(rule));
    const group = (label, rules) => rules.length > 0 && el('optgroup', { label }, ...rules.map(({ id }) => el('option', { value: id, text: id })));
    const [frames, heads] = [offered.filter((rule) => !rule.is_head), offered.filter((rule) => rule.is_head)];
    clear(this.list);
    this.list.append(el('option', { value: SURPRISE, text: 'a surprise' }), el('option', { value: OWN, text: 'your own bytes', hidden: true }));
    this.list.append(...[group('Frames', frames), group('Heads', heads)].filter(Boolean));
    this.listHint.textContent = [many(frames.length, 'frame'), heads.length && many(heads.length, 'head')].filter(Boolean).join(', ');
    this.browser.element.hidden = this.target.id !== 'browser';
  }

  #choose(preset) {
    if (preset === SURPRISE) return this.#surprise();
    if (preset === OWN) return undefined;
    const rule = this.rules.find(({ id }) => id === preset);
    this.#load(preset, rule);
    this.#name(rule.id);
    return undefined;
  }

  // Makes the address a link to what is seen, without showing it again.
  #name(what) {
    const side = { server: '', client: '/to-client', browser: '/server' }[this.target.id];
    this.shown = what && `${what}${side}`;
    if (/^#break\b/.test(location.hash)) history.replaceState(null, '', what ? `#break/${this.shown}` : '#break');
  }

  #surprise() {
    const offered = this.rules.filter((rule) => this.#offers(rule) && !rule.is_head && !rule.is_limit && rule !== this.rule);
    this.#load(SURPRISE, offered[Math.floor(Math.random() * offered.length)]);
  }

  #load(preset, rule) {
    this.preset = preset;
    this.list.value = preset;
    this.rule = rule;
    this.#clearOutcome();
    this.composer.set(rule.examples[this.sender], this.sender, rule.is_head);
  }

  #own(hex) {
    this.rule = null;
    this.preset = OWN;
    this.list.value = OWN;
    this.#clearOutcome();
    this.composer.set(hex, this.sender, null);
  }

  #edited() {
    this.rule = null;
    this.preset = OWN;
    this.list.value = OWN;
    this.#clearOutcome();
  }

  #clearOutcome() {
    this.facts = null;
    this.question = null;
    clear(this.ask);
    clear(this.outcome);
  }

  // --- the question ---

  #judged(facts) {
    this.facts = facts;
    const { hex } = this.composer;
    if (this.preset === OWN) this.#name(hex && hex.length <= 512 ? `hex=${hex}` : '');
    if (!facts || this.question) return;
    this.question = this.#question(facts.stream);
    clear(this.ask);
    this.ask.append(this.question);
  }

  #question(stream) {
    if (this.target.id === 'browser') {
      return question(this.lab, { id: 'break-told', ask: 'If the browser leaves, what is this page told?',
        choices: ['the code and the reason', '1006, no reason', 'nothing'] });
    }
    const id = `break-${this.target.id}-${this.rule && this.preset !== SURPRISE ? this.rule.id : this.composer.hex.slice(0, 512)}`;
    if (!this.rule || this.preset === SURPRISE) return this.#whichRule(id, stream);
    if (this.rule.is_head) return whichLine(this.lab, id, stream);
    const { offset } = stream.violation ?? { offset: null };
    const bytes = around(this.composer.hex.length / 2, offset);
    return question(this.lab, { id, ask: `Which byte makes it certain that ${this.rule.id} is broken?`,
      choices: bytes.map((byte) => `byte ${byte}`), right: bytes.indexOf(offset) });
  }

  #whichRule(id, stream) {
    const all = this.rules.filter((rule) => this.#offers(rule) && rule.is_head === Boolean(stream.handshake));
    const index = Math.max(0, all.findIndex((rule) => rule.id === stream.violation?.rule));
    const rules = [0, 3, 7, 10].map((step) => (index + step) % all.length);
    const ids = [...new Set(rules)].sort((a, b) => a - b).map((index) => all[index].id);
    const choices = [...ids, 'none, it is legal', 'none yet, bytes are missing'];
    const right = { legal: ids.length, incomplete: ids.length + 1 }[stream.verdict] ?? ids.indexOf(stream.violation.rule);
    return question(this.lab, { id, ask: 'Which rule does it break?', choices, right });
  }

  // --- what comes of it ---

  async #send() {
    const { composer, lab, target } = this;
    const { hex, sender } = composer;
    clear(this.outcome);
    if (composer.error) return this.#fail(new Error(composer.error));
    if (!hex) return this.#fail(new Error('There are no bytes yet: type some, or take a preset.'));
    if (hex.length / 2 > composer.most) return this.#fail(new Error(`${count(hex.length / 2)} bytes are more than one command of the lab carries, ${count(composer.most)}. plainws decode takes any number.`));
    this.send.disabled = true;
    const held = document.activeElement === this.send;
    try {
      const result = await lab.session.ask('judge', { sender, pieces: [hex] });
      const seen = target.id === 'browser' ? await this.browser.run(hex, result.stream.verdict !== 'incomplete') : null;
      if (composer.hex !== hex || this.target !== target) return;
      this.#show(result, seen);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.send.disabled = false;
      if (held) this.send.focus();
    }
    return undefined;
  }

  #fail(error, then = () => {}) {
    then();
    clear(this.outcome);
    this.outcome.append(el('p', { class: 'problem', text: error.message }));
    announce(error.message);
  }

  #show(result, seen) {
    const { stream, events, answer } = result;
    const said = verdict(stream, events);
    const { violation } = stream;
    clear(this.outcome);
    this.outcome.dataset.rule = violation?.rule ?? '';
    this.outcome.dataset.offset = violation?.offset ?? '';
    this.outcome.dataset.answer = violation?.answer ?? '';
    this.outcome.append(el('p', { id: 'break-verdict', class: { legal: 'is-legal', violation: 'is-broken' }[stream.verdict] }, el('b', { text: said.mark }), ' ', said.text));
    if (seen) this.outcome.append(this.browser.show(seen, result));
    if (seen) this.question?.settle(this.browser.words(seen), toldOf(seen));
    else this.question?.settle(said.short);
    const rows = el('div', { class: 'exchange rows' });
    this.outcome.append(rows, this.view.element);
    this.#rows(rows, stream, answer, seen);
    if (violation) this.outcome.append(this.#about(violation));
    this.outcome.append(this.#command(stream));
    this.outcome.firstChild.scrollIntoView({ block: 'nearest' });
    announce(`${said.mark === '!' ? 'Broken. ' : ''}${said.text}${seen ? ` ${this.browser.words(seen)}` : ''}`);
  }

  // The frames sent and what came back, as on the wire; a press shows one in the frame view.
  async #rows(rows, stream, answer, seen) {
    const { sender } = this;
    const { way } = this.target;
    const sent = stream.frames.map((frame) => ({ type: 'frame', sender, frame, way }));
    const head = stream.handshake && { type: 'head', sender, handshake: stream.handshake, way };
    const few = sent.length > 6 ? [...sent.slice(0, 2), many(sent.length - 5, 'frame'), ...sent.slice(-3)] : sent;
    rows.append(...[head, ...few].filter(Boolean).map((one) => this.#row(one)));
    const first = sent.at(-1) ?? head;
    this.view.element.hidden = !first;
    if (first) this.#look(first);
    const broken = first?.frame?.spans?.find((span) => span.broken);
    if (broken) this.view.selection.field(first, broken.name);
    rows.append(...seen ? this.#browsers(seen) : await this.#answer(stream, answer));
  }

  #browsers({ records }) {
    const frames = records.filter((record) => record.frame && record.sender === 'client');
    const rows = frames.map((record) => this.#row({ ...record, c: undefined, time: undefined }));
    return [el('p', { class: 'muted', text: rows.length > 0 ? 'this browser' : 'this browser sends nothing' }), ...rows];
  }

  async #answer({ handshake, violation, frames }, answer) {
    const who = this.sender === 'client' ? 'plainws' : 'plainws, as a client,';
    const line = (text) => el('p', { class: 'muted', text: `${who} ${text}` });
    if (!answer?.wire) return [line(!violation ? 'answers nothing' : handshake && frames.length === 0 && this.sender === 'client' ? `answers with ${violation.answer}` : 'leaves without an answer')];
    const text = line('answers');
    if (handshake && frames.length === 0) return [text, el('pre', { class: 'answer-text', text: hexToText(answer.wire, '\n') })];
    const judged = await this.lab.session.ask('judge', { sender: other(this.sender), pieces: [answer.wire] }).catch(() => null);
    return [text, ...(judged?.stream.frames ?? []).map((frame) => this.#row({ type: 'frame', sender: other(this.sender), frame, way: this.target.back }))];
  }

  // The row is a choice of this bench, so the selection of the page, which is about the wire, stays.
  #row(record) {
    if (typeof record === 'string') return el('p', { class: 'muted', text: `… ${record} more` });
    const row = wireRow(record);
    row.addEventListener('click', (event) => {
      event.stopImmediatePropagation();
      this.#look(record, row, event.target.closest('[data-start]'));
    }, true);
    record.row = row;
    return row;
  }

  #look(record, row = record.row, cell = null) {
    for (const other of this.outcome.querySelectorAll('.row')) other.removeAttribute('aria-current');
    row.setAttribute('aria-current', 'true');
    if (this.view.record !== record) this.view.show(record);
    if (cell) this.view.selection.press(record, Math.floor(cell.dataset.start / 8));
  }

  #about(violation) {
    const rule = this.rules.find(({ id }) => id === violation.rule);
    const list = el('dl', { class: 'about-break' });
    const add = (term, ...what) => list.append(el('div', {}, el('dt', { text: term }), el('dd', {}, ...what)));
    add('rule', `${violation.clause} (${section(violation.section)})`);
    add('answer', violation.answer);
    if (violation.found?.what) add('found', visible(violation.found.what));
    if (violation.likely) add('likely', violation.likely);
    const links = el('dd', { class: 'more' }, el('a', { href: `#rules/${violation.rule}`, text: `${violation.rule} in the table` }));
    if (rule?.judged) links.append(el('span', { class: 'muted' }, 'judged in ', codePlace(rule.judged)));
    list.append(el('div', {}, el('dt', { text: 'more' }), links));
    this.#questions(violation, links);
    return list;
  }

  async #questions({ rule, field }, links) {
    const { questions, fields } = await this.lab.questions().catch(() => ({ questions: [], fields: {} }));
    const about = new Set(fields?.[field]?.questions ?? []);
    const linked = questions.filter(({ links }) => links?.some(({ to }) => to.split('/')[1] === rule));
    const found = linked.length > 0 ? linked : questions.filter(({ n }) => about.has(n));
    links.append(...found.slice(0, 3).map(({ n, question }) => el('a', { href: `#questions/${n}`, text: question })));
  }

  #command({ handshake }) {
    const { hex, sender } = this.composer;
    const key = sender === 'server' && handshake?.derivation?.key;
    const role = `--role ${sender}${key ? ` --key ${key} --subprotocols '' --extensions ''` : ''}`;
    return commandBox(this.rule && hex.length > 128
      ? `plainws rules ${this.rule.id} --raw ${sender} | plainws decode ${role}`
      : `plainws decode ${role} ${spaced(hex)}`);
  }
}

// Which choice of what the page is told came true; none if the browser stayed.
function toldOf({ event, stayed }) {
  if (stayed) return null;
  return event ? Number(event.code === 1006) : 2;
}

const other = (sender) => (sender === 'client' ? 'server' : 'client');

// A browser reads the head of a connection that is open no more; and some rules bind one side only.
function targetOf(rule, side) {
  const isFromServer = rule?.examples.client === null || (['server', 'to-client'].includes(side) && rule?.examples.server !== null);
  if (!isFromServer) return TARGETS[0];
  return TARGETS[side === 'to-client' || rule?.is_head ? 1 : 2];
}

function verdict({ verdict, violation, frames, unread, length }, events) {
  if (verdict === 'violation') {
    const left = unread.length / 2;
    const rest = left === 0 ? '' : ` ${left === 1 ? 'The byte after it is' : `The ${count(left)} bytes after it are`} not read.`;
    const found = visible(violation.found?.what ?? '');
    const short = found ? `${found[0].toUpperCase()}${found.slice(1)}.` : `Byte ${violation.offset}: ${violation.rule}.`;
    return { mark: '!', short, text: `Byte ${violation.offset} makes it certain: ${violation.rule}, ${section(violation.section)}.${rest}` };
  }
  if (verdict === 'incomplete') {
    const { missing, missing_is_exact: isExact } = frames.at(-1) ?? {};
    const due = missing ? `${isExact ? '' : 'at least '}${many(missing, 'more byte')} ${missing === 1 ? 'is' : 'are'} due` : 'more is due';
    return { mark: '…', short: 'Nothing is broken yet.', text: `Nothing is broken so far, and nothing is complete: ${due}.` };
  }
  const more = events.length > SEVERAL ? ` and ${count(events.length - SEVERAL)} more` : '';
  const told = events.slice(0, SEVERAL).map(eventWords).join(', ') + more;
  return { mark: '✓', short: 'It is legal.', text: `Legal: all ${many(length, 'byte')}.${told ? ` The program is told ${told}.` : ''}` };
}

// At most AROUND numbers below `length` with `right` among them.
function around(length, right) {
  const first = Math.max(0, Math.min(length - AROUND, (right ?? 0) - 5));
  return Array.from({ length: Math.min(AROUND, length) }, (_, index) => first + index);
}

function whichLine(lab, id, { handshake }) {
  const { lines } = handshake;
  const broken = lines.findIndex((line) => line.broken);
  const shown = around(lines.length, broken).filter((index) => lines[index].text);
  const name = (index) => (index === 0 ? 'the first line' : lines[index].text.split(':')[0].trim().slice(0, 32) || 'the last line');
  const names = shown.map(name);
  const isOnce = (text) => names.indexOf(text) === names.lastIndexOf(text);
  const choices = names.map((text, at) => (isOnce(text) ? text : `${text}, line ${shown[at] + 1}`));
  return question(lab, { id, ask: 'Which line breaks the rule?', choices: [...choices, 'none: a line is missing'],
    right: broken < 0 ? choices.length : shown.indexOf(broken) });
}
