// The reference "Rules": all that a peer can break, as a table, as a map from section to test, and one by one.
import { commandBox } from './command.js';
import { button, clear, count, el, hexBytes } from './dom.js';
import { FrameView } from './frame.js';
import { codePlace, section as sectionWords, sectionLink } from './places.js';

const SHOWN = 14; // bytes of an example in the table

let view;
export const bench = {
  id: 'rules',
  title: 'Rules',
  build(root, lab) { view = new Rules(root, lab); },
  show(rest) { view.show(rest); },
  leave() {},
};

class Rules {
  constructor(root, lab) {
    this.lab = lab;
    this.last = null; // the rule that was open last
    this.list = el('div', {});
    this.detail = el('article', { class: 'rule-detail', hidden: true });
    root.append(el('div', { class: 'rules' }, this.list, this.detail));
  }

  // Asks for them again if they did not come the last time.
  async load() {
    try {
      const rules = await this.lab.rules();
      if (!this.rules) this.build(rules);
    } catch (error) {
      this.list.replaceChildren(el('p', { role: 'alert', text: `The rules did not come: ${error.message}` }));
    }
  }

  build(rules) {
    this.rules = rules;
    this.sought = el('input', { type: 'search', id: 'rules-sought', oninput: () => this.filter(),
      placeholder: 'mask, 5.5, 1002, RFC 9112 …', spellcheck: 'false', autocomplete: 'off' });
    this.binds = choice('rules-binds', ['either side', 'client', 'server'], () => this.filter());
    this.kind = choice('rules-kind', ['frames and heads', 'frames', 'heads'], () => this.filter());
    this.count = el('p', { class: 'rules-count', 'aria-live': 'polite' });
    this.views = ['Table', 'Map'].map((name) =>
      button(name, () => this.choose(name), { class: 'toggle' }));
    this.body = el('div', {});
    this.list.replaceChildren(
      el('h1', { text: 'Rules' }),
      el('p', { class: 'lead', text: `${rules.length} demands on a peer. Each stands in an RFC, is judged in one `
        + 'function, proved by a test, and can be broken here.' }),
      el('form', { class: 'rules-filter', onsubmit: (event) => event.preventDefault() },
        labelled('Find', this.sought), labelled('binds', this.binds), labelled('of', this.kind),
        el('div', { class: 'rules-views', role: 'group', 'aria-label': 'Shown as' }, ...this.views)),
      this.count, this.body);
    this.choose('Table');
  }

  choose(name) {
    this.drawn = name;
    for (const button of this.views) button.setAttribute('aria-pressed', String(button.textContent === name));
    this.filter();
  }

  filter() {
    const words = this.sought.value.toLowerCase().replaceAll('§', '').split(/\s+/).filter(Boolean);
    const found = this.rules.filter((rule) => words.every((word) => isIn(rule, word))
      && (this.binds.value === 'either side' || rule.binds.includes(this.binds.value))
      && (this.kind.value === 'frames and heads' || rule.is_head === (this.kind.value === 'heads')));
    this.count.textContent = found.length === this.rules.length ? `All ${found.length}.`
      : `${found.length || 'None'} of ${this.rules.length}.`;
    this.body.replaceChildren(this.drawn === 'Map' ? map(found) : table(found));
  }

  async show(id) {
    if (!this.rules) await this.load();
    if (!this.rules) return;
    const rule = this.rules.find((rule) => rule.id === id);
    this.list.hidden = Boolean(rule);
    this.detail.hidden = !rule;
    if (rule) this.open(rule);
    else if (id) this.count.textContent = `There is no rule “${id}”. These are all.`;
    else if (this.last) this.list.querySelector(`a[href="#rules/${this.last}"]`)?.focus(); // back where they were
    this.last = rule?.id;
  }

  open(rule) {
    clear(this.detail);
    const name = el('h1', { tabindex: -1, text: rule.id });
    const at = this.rules.indexOf(rule);
    this.detail.append(
      el('nav', { class: 'rule-nav', 'aria-label': 'Rules' }, el('a', { href: '#rules', text: 'All rules' }),
        neighbour(this.rules[at - 1], '‹ '), neighbour(this.rules[at + 1], '', ' ›')),
      name, el('p', { class: 'lead', text: sentence(rule.clause) }),
      el('dl', { class: 'rule-facts' }, ...facts(rule).flatMap(([term, ...said]) =>
        [el('dt', { text: term }), el('dd', {}, ...said)])),
      commandBox(`plainws rules ${rule.id}`));
    for (const sender of sides(rule)) this.detail.append(this.example(rule, sender));
    name.focus();
  }

  // How one side breaks it, judged by the server now.
  example(rule, sender) {
    const hex = rule.examples[sender];
    const shown = el('div', { class: 'rule-judged', 'aria-busy': 'true' });
    this.judge(rule, sender, hex, shown).catch((error) => {
      shown.replaceChildren(el('p', { role: 'alert', text: `Not judged: ${error.message}` }));
    }).finally(() => shown.removeAttribute('aria-busy'));
    return el('section', {}, el('h2', { text: `A ${sender} breaks it like this` }),
      el('p', { class: 'rule-bytes' }, rule.is_head ? null : el('code', { text: beginning(hex, 64) }), breakIt(rule, sender)),
      shown);
  }

  async judge(rule, sender, hex, shown) {
    await this.lab.session.ready();
    const { stream } = await this.lab.session.ask('judge', { sender, pieces: [hex] });
    const { handshake, frames, violation } = stream;
    const nodes = [];
    if (frames.length > 1) nodes.push(el('p', { text: before(frames.length - 1) }));
    const view = new FrameView({ plain: true });
    const way = 'an example, judged by plainws now';
    if (frames.length > 0) view.show({ frame: frames.at(-1), sender, violation, way });
    else if (handshake) view.show({ handshake: { ...handshake, lines: handshake.lines.map(cut) }, sender });
    shown.replaceChildren(...nodes, view.element, ...certain(violation, sender, frames));
  }
}

// The table. Below some width each row is a card; the roles keep it a table for screen readers.

const HEADS = ['rule', 'section, binds, answer', 'judged in, tested by', 'broken by'];

function table(rules) {
  return el('table', { class: 'rules-table', role: 'table' },
    el('caption', { class: 'unseen', text: 'Rules' }), headRow(HEADS),
    el('tbody', { role: 'rowgroup' }, ...rules.map((rule) => el('tr', { role: 'row' },
      el('th', { scope: 'row', role: 'rowheader' }, ruleLink(rule), el('p', { text: rule.clause })),
      cell(rfc(rule), el('span', { text: binds(rule) }), el('span', { text: rule.answer }), limit(rule)),
      cell(codePlace(rule.judged), codePlace(rule.tested)),
      cell(...sides(rule).map((sender) => el('span', {}, example(rule, sender), breakIt(rule, sender))))))));
}

// The map: section -> rules -> function -> test, by section, and in it by function.
function map(rules) {
  const sections = [...new Set(rules.map((rule) => rule.section))].sort(bySection);
  const groups = sections.map((it) => rules.filter((rule) => rule.section === it)
    .sort((a, b) => said(a.judged).localeCompare(said(b.judged))));
  return el('table', { class: 'rules-map', role: 'table' },
    el('caption', { class: 'unseen', text: 'From section to rule to function to test' }),
    headRow(['section', 'rule', 'judged by', 'tested by']),
    ...groups.map((group) => el('tbody', { role: 'rowgroup' }, ...group.map((rule, i) => el('tr', { role: 'row' },
      i === 0 ? el('th', { scope: 'rowgroup', role: 'rowheader', rowspan: group.length }, rfc(rule)) : null,
      el('th', { scope: 'row', role: 'rowheader' }, ruleLink(rule)), cell(codePlace(rule.judged)), cell(codePlace(rule.tested)))))));
}

function headRow(texts) {
  return el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' },
    ...texts.map((text) => el('th', { scope: 'col', role: 'columnheader', text }))));
}

function cell(...children) {
  return el('td', { role: 'cell' }, ...children);
}

// One rule.

function facts(rule) {
  return [
    ['section', rfc(rule)],
    ['binds', binds(rule)],
    ['answer', rule.answer],
    ['field', rule.field.replaceAll('_', ' ')],
    ['judged in', codePlace(rule.judged)],
    ['tested by', codePlace(rule.tested)],
    ...(rule.is_limit ? [['limit', 'The receiver chooses it; the RFC only says that it may.']] : []),
  ];
}

// The byte that makes it certain, and of a head what was found there; the view of a frame says the rest itself.
function certain(violation, sender, frames) {
  if (!violation) return [el('p', { text: 'Legal when seen alone: it takes the request to know that it is broken.' })];
  const { offset, section, answer, likely, found } = violation;
  const inFrame = frames.length > 1 ? ` of the stream, byte ${offset - frames.at(-1).offset} of its frame,` : '';
  return [
    el('p', { class: 'rule-verdict', text: `! Byte ${count(offset)}${inFrame} makes it certain, by ${sectionWords(section)}. `
      + (answer.startsWith('none: ') ? sentence(answer.slice(6))
        : `The ${sender === 'client' ? 'server' : 'client'} answers ${answer}.`) }),
    found && el('p', { text: sentence(found.what) }),
    likely && frames.length === 0 && el('p', { text: `Likely: ${likely}.` }),
  ].filter(Boolean);
}

function before(count) {
  return count === 1 ? 'A frame comes before it:' : `${count} frames come before it. The last:`;
}

// Pieces of both.

function ruleLink({ id }) {
  return el('a', { href: `#rules/${id}`, class: 'rule-id', text: id });
}

function neighbour(rule, left, right = '') {
  return rule ? el('a', { href: `#rules/${rule.id}`, text: `${left}${rule.id}${right}` }) : '';
}

function sides(rule) {
  return ['client', 'server'].filter((sender) => rule.examples[sender]);
}

// Of a head only how long it is: its text stands in the detail.
function example(rule, sender) {
  const hex = rule.examples[sender];
  return rule.is_head ? `${count(hex.length / 2)} bytes` : el('code', { text: beginning(hex, SHOWN) });
}

function limit(rule) {
  return rule.is_limit && el('span', { class: 'rules-limit', text: 'a limit' });
}

function breakIt({ id }, sender) {
  return el('a', { href: `#break/${id}${sender === 'server' ? '/server' : ''}`, class: 'rules-break',
    'aria-label': `Break ${id}, as a ${sender}`, text: `break it as ${sender}` });
}

const rfc = (rule) => sectionLink(rule.section, { class: 'rules-section' });

function binds({ binds }) {
  return binds.length === 2 ? 'both' : binds[0];
}

function said({ file, function: name }) {
  return `${file} ${name}`;
}

function isIn(rule, word) {
  return [rule.id, rule.section, rule.clause, rule.field, rule.answer, rule.stage, said(rule.judged), said(rule.tested)]
    .some((text) => String(text).toLowerCase().includes(word));
}

// §4.1 before §10.4, and RFC 6455 before the others.
function bySection(a, b) {
  return a.startsWith('RFC') - b.startsWith('RFC') || a.localeCompare(b, 'en', { numeric: true });
}

function beginning(hex, most) {
  const all = hexBytes(hex);
  return all.slice(0, most).join(' ') + (all.length > most ? ` … ${count(all.length)} bytes` : '');
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

// A line of a head without its thousands of bytes.
function cut(line) {
  return { ...line, text: line.text.length > 100 ? `${line.text.slice(0, 100)}… ${count(line.text.length)} bytes` : line.text };
}

function choice(id, texts, changed) {
  return el('select', { id, onchange: changed }, ...texts.map((text) => el('option', { text })));
}

function labelled(text, input) {
  return el('div', { class: 'rules-field' }, el('label', { for: input.id, text }), input);
}
