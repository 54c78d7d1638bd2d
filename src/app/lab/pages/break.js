// The bench "Break it": bytes that break a rule, sent to plainws or to this browser.
import { button, clear, count, el, many, question } from './dom.js';
import { Browser } from './browser.js';
import { Composer } from './composer.js';
import { Outcome } from './outcome.js';

// Whom the bytes go to, and so who seems to have sent them.
const TARGETS = [
  { id: 'server', sender: 'client', text: 'plainws, a server', way: 'you to plainws', back: 'plainws to you', hint: 'You are the client. An in-memory connection judges what you send.' },
  { id: 'client', sender: 'server', text: 'plainws, a client', way: 'you to plainws, a client', back: 'plainws, a client, to you', hint: 'You are the server. An in-memory connection judges what you send; it has asked with the key of §1.3 and offered nothing.' },
  { id: 'browser', sender: 'server', text: 'this browser', way: 'you to this browser', hint: 'You are the server: plainws writes these bytes, as they are, on a fresh connection to this page.' },
];
const SURPRISE = 'surprise';
const OWN = 'own';
const AROUND = 12; // choices at most where a byte or line is asked for

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
    this.browser = new Browser(lab);
    this.outcome = new Outcome(lab, this.browser);
    this.#build(root);
  }

  #build(root) {
    this.radios = TARGETS.map((target) => el('input', { type: 'radio', name: 'break-to', value: target.id, onchange: () => this.#aim(target) }));
    this.hint = el('p', { class: 'muted' });
    this.list = el('select', { id: 'break-preset', onchange: () => this.#choose(this.list.value) });
    this.listHint = el('span', { class: 'muted' });
    this.ask = el('div', { class: 'ask-line' });
    this.send = el('button', { type: 'submit', id: 'break-send', class: 'strong', text: 'Send' });
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
      form, this.outcome.element, this.browser.element);
  }

  // '', 'RULE', 'RULE/server' (from a server, so to this browser), 'RULE/to-client'; and for RULE 'hex=8185', or
  // 'frame/7' for the frame of a record.
  async show(rest) {
    const [what, side] = rest.split('/');
    if (!this.rules) {
      this.rules = await this.lab.rules().catch((error) => this.outcome.fail(error));
      if (!this.rules) return;
      this.browser.use(this.rules);
    }
    if (this.preset && (rest === '' || rest === this.shown)) return; // what was made here stays
    this.shown = rest;
    const rule = this.rules.find(({ id }) => id === what);
    const hex = /^hex=([0-9a-f]*)$/i.exec(what)?.[1].toLowerCase();
    if (what === 'frame') this.#frame(side);
    else this.#open(rule, hex, side);
    if (what && !rule && hex === undefined && what !== 'frame') this.outcome.fail(new Error(`There is no rule “${what}”; the list has all of them.`));
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
    if (!frame) this.outcome.fail(new Error(`Record ${id} holds no frame that could be broken.`));
    else if (frame.wire.length / 2 < frame.length) this.outcome.fail(new Error(`These are the first ${many(frame.wire.length / 2, 'byte')} of ${count(frame.length)}.`));
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
    this.outcome.clear();
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
    this.outcome.clear();
    if (composer.error) return this.outcome.fail(new Error(composer.error));
    if (!hex) return this.outcome.fail(new Error('There are no bytes yet: type some, or take a preset.'));
    if (hex.length / 2 > composer.most) return this.outcome.fail(new Error(`${count(hex.length / 2)} bytes are more than one command of the lab carries, ${count(composer.most)}. plainws decode takes any number.`));
    this.send.disabled = true;
    const held = document.activeElement === this.send;
    try {
      const result = await lab.session.ask('judge', { sender, pieces: [hex] });
      const seen = target.id === 'browser' ? await this.browser.run(hex, result.stream.verdict !== 'incomplete') : null;
      if (composer.hex !== hex || this.target !== target) return;
      this.question?.settle(...this.outcome.show({ hex, target, rule: this.rule }, result, seen));
    } catch (error) {
      this.outcome.fail(error);
    } finally {
      this.send.disabled = false;
      if (held) this.send.focus();
    }
    return undefined;
  }
}

// A browser reads the head of a connection that is open no more; and some rules bind one side only.
function targetOf(rule, side) {
  const isFromServer = rule?.examples.client === null || (['server', 'to-client'].includes(side) && rule?.examples.server !== null);
  if (!isFromServer) return TARGETS[0];
  return TARGETS[side === 'to-client' || rule?.is_head ? 1 : 2];
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
  const name = (index) => (index === 0 ? 'the first line' : (lines[index].name ?? lines[index].text).slice(0, 32) || 'the last line');
  const names = shown.map(name);
  const isOnce = (text) => names.indexOf(text) === names.lastIndexOf(text);
  const choices = names.map((text, at) => (isOnce(text) ? text : `${text}, line ${shown[at] + 1}`));
  return question(lab, { id, ask: 'Which line breaks the rule?', choices: [...choices, 'none: a line is missing'],
    right: broken < 0 ? choices.length : shown.indexOf(broken) });
}
