// What comes of the bytes of Break it: the verdict, the frames as on the wire and what came back, and what is known of the
// rule.
import { announce, clear, count, el, many, markCurrent, spaced, visible } from './dom.js';
import { commandBox } from './command.js';
import { FrameView } from './frame.js';
import { codePlace, section } from './places.js';
import { wireRow } from './row.js';
import { eventWords, hexToText } from './text.js';

const SEVERAL = 6; // events named at most in a sentence

export class Outcome {
  element = el('div', { class: 'break-outcome' });
  view = new FrameView();

  constructor(lab, browser) {
    this.lab = lab;
    this.browser = browser;
  }

  // `sent` is { hex, target, rule }: what was sent to whom, and the rule whose bytes it is, if of one. `seen` is what the
  // browser did with it. Gives what settles the question: a sentence, and which choice came true if the judge did not know.
  show(sent, result, seen) {
    const { stream, events, answer } = result;
    const said = verdict(stream, events);
    const { violation } = stream;
    this.sent = sent;
    this.clear();
    this.element.dataset.rule = violation?.rule ?? '';
    this.element.dataset.offset = violation?.offset ?? '';
    this.element.dataset.answer = violation?.answer ?? '';
    this.element.append(el('p', { id: 'break-verdict', class: { legal: 'is-legal', violation: 'is-broken' }[stream.verdict] }, el('b', { text: said.mark }), ' ', said.text));
    if (seen) this.element.append(this.browser.show(seen, result));
    const rows = el('div', { class: 'exchange rows' });
    this.element.append(rows, this.view.element);
    this.#rows(rows, stream, answer, seen);
    if (violation) this.element.append(this.#about(violation));
    this.element.append(this.#command(stream));
    this.element.firstChild.scrollIntoView({ block: 'nearest' });
    announce(`${said.mark === '!' ? 'Broken. ' : ''}${said.text}${seen ? ` ${this.browser.words(seen)}` : ''}`);
    return seen ? [this.browser.words(seen), toldOf(seen)] : [said.short];
  }

  fail(error) {
    this.clear();
    this.element.append(el('p', { class: 'problem', text: error.message }));
    announce(error.message);
  }

  clear() {
    clear(this.element);
  }

  // The frames sent and what came back, as on the wire; a press shows one in the frame view.
  async #rows(rows, stream, answer, seen) {
    const { sender, way } = this.sent.target;
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
    const { sender, back: way } = this.sent.target;
    const who = sender === 'client' ? 'plainws' : 'plainws, as a client,';
    const line = (text) => el('p', { class: 'muted', text: `${who} ${text}` });
    if (!answer?.wire) return [line(!violation ? 'answers nothing' : handshake && frames.length === 0 && sender === 'client' ? `answers with ${violation.answer}` : 'leaves without an answer')];
    const text = line('answers');
    if (handshake && frames.length === 0) return [text, el('pre', { class: 'answer-text', text: hexToText(answer.wire, '\n') })];
    const judged = await this.lab.session.ask('judge', { sender: other(sender), pieces: [answer.wire] }).catch(() => null);
    return [text, ...(judged?.stream.frames ?? []).map((frame) => this.#row({ type: 'frame', sender: other(sender), frame, way }))];
  }

  #row(record) {
    if (typeof record === 'string') return el('p', { class: 'muted', text: `… ${record} more` });
    record.row = wireRow(record, { onpress: () => this.#look(record), into: this.view.selection });
    return record.row;
  }

  #look(record) {
    markCurrent(this.element.querySelectorAll('.row'), record.row);
    if (this.view.record !== record) this.view.show(record);
  }

  #about(violation) {
    const list = el('dl', { class: 'about-break' });
    const add = (term, ...what) => list.append(el('div', {}, el('dt', { text: term }), el('dd', {}, ...what)));
    add('rule', `${violation.clause} (${section(violation.section)})`);
    add('answer', violation.answer);
    if (violation.found?.what) add('found', visible(violation.found.what));
    if (violation.likely) add('likely', violation.likely);
    const links = el('dd', { class: 'more' }, el('a', { href: `#rules/${violation.rule}`, text: `${violation.rule} in the table` }));
    list.append(el('div', {}, el('dt', { text: 'more' }), links));
    this.#more(violation, links);
    return list;
  }

  async #more({ rule: id, field }, links) {
    const rule = (await this.lab.rules()).find((rule) => rule.id === id);
    if (rule) links.append(el('span', { class: 'muted' }, 'judged in ', codePlace(rule.judged)));
    const { questions, fields } = await this.lab.questions().catch(() => ({ questions: [], fields: {} }));
    const about = new Set(fields?.[field]?.questions ?? []);
    const linked = questions.filter(({ links }) => links?.some(({ to }) => to.split('/')[1] === id));
    const found = linked.length > 0 ? linked : questions.filter(({ n }) => about.has(n));
    links.append(...found.slice(0, 3).map(({ n, question }) => el('a', { href: `#questions/${n}`, text: question })));
  }

  #command({ handshake }) {
    const { hex, rule, target: { sender } } = this.sent;
    const key = sender === 'server' && handshake?.derivation?.key;
    const role = `--role ${sender}${key ? ` --key ${key} --subprotocols '' --extensions ''` : ''}`;
    return commandBox(rule && hex.length > 128
      ? `plainws rules ${rule.id} --raw ${sender} | plainws decode ${role}`
      : `plainws decode ${role} ${spaced(hex)}`);
  }
}

// Which choice of what the page is told came true; none if the browser stayed.
function toldOf({ event, stayed }) {
  if (stayed) return null;
  return event ? Number(event.code === 1006) : 2;
}

const other = (sender) => (sender === 'client' ? 'server' : 'client');

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
