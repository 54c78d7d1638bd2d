// The bench "Build yours": what `plainws check --learn` asks of a server, stage by stage, and the bytes that it sends. The
// lab itself connects to nothing: the terminal does that.
import { copyButton, el, many, markCurrent, question, questionLinks } from './dom.js';
import { FrameView } from './frame.js';
import { wireRow } from './row.js';

const COMMAND = 'plainws check --learn --watch ws://127.0.0.1:9000/';
// What is asked most often at each stage.
const QUESTIONS = {
  1: [4, 6, 7], 2: [16, 17, 19], 3: [21, 22, 24], 4: [33, 34, 35], 5: [18, 41], 6: [36, 37, 38], 7: [44, 45, 46], 8: [49, 50], 9: [25, 28, 40], 10: [8, 11, 12],
};
const done = new Set(); // numbers of stages, for as long as the page is open

class Bench {
  constructor(stages, lab) {
    this.lab = lab;
    this.stages = stages;
    this.chosen = 1;
    this.view = new FrameView({ live: false });
    this.progress = el('p', { id: 'build-progress', 'aria-live': 'polite' });
    this.list = el('ol', { class: 'stages' }, ...stages.map((stage) => this.entry(stage)));
    this.stage = el('section', { class: 'stage' });
    this.choose(1);
  }

  entry({ stage, title }) {
    return el('li', {}, el('a', { href: `#build/${stage}` },
      el('span', { class: 'number', text: String(stage) }), ' ', title, el('span', { class: 'tick' })));
  }

  choose(number) {
    const stage = this.stages.find((it) => it.stage === number);
    if (!stage) return false;
    this.chosen = number;
    this.first = null;
    const tick = el('input', { type: 'checkbox', id: 'build-done', onchange: () => this.mark(tick.checked) });
    tick.checked = done.has(number);
    this.stage.replaceChildren(
      el('h2', { text: `Stage ${number}: ${stage.title}` }),
      el('p', { text: stage.next }),
      questionLinks(this.lab, QUESTIONS[number] ?? []),
      el('label', { class: 'check', for: 'build-done' }, tick, ' my server does that'),
      ...stage.cases.map((it) => this.case(it)));
    this.first?.();
    this.draw();
    return true;
  }

  mark(isDone) {
    if (isDone) done.add(this.chosen);
    else done.delete(this.chosen);
    this.draw();
  }

  draw() {
    this.progress.textContent = `${done.size} of ${this.stages.length} done`;
    const links = [...this.list.querySelectorAll('a')];
    for (const [index, link] of links.entries()) link.querySelector('.tick').textContent = done.has(index + 1) ? ' ✓' : '';
    markCurrent(links, links[this.chosen - 1], 'step');
  }

  case({ title, section, script, sent, end }) {
    const steps = [...script, end].filter(Boolean);
    return el('article', { class: 'case' },
      el('h3', {}, title, ' ', el('span', { class: 'section', text: `§${section}` })),
      sent.length ? null : el('p', {}, el('a', { href: '#handshake', text: 'Look at a handshake' })),
      ...sent.map((it) => this.sent(it, sent.length > 1)),
      steps.length ? el('ol', { class: 'steps' }, ...steps.map((text) => el('li', { text }))) : null);
  }

  // What goes over one connection: a head if it is not the usual one, and frames.
  sent({ connection, head, length, frames }, isNamed) {
    const records = [];
    for (const frame of frames) records.push({ frame, sender: 'client', way: 'plainws check to your server', before: [...records] });
    return el('div', { class: 'sent' },
      isNamed ? el('p', { class: 'muted', text: `connection ${connection + 1}` }) : null,
      head ? el('pre', { text: head }) : null,
      ...records.map((record) => this.row(record)),
      frames.length ? el('p', { class: 'muted', text: `${many(frames.length, 'frame')}, ${many(length, 'byte')}` }) : null);
  }

  row(record) {
    const row = wireRow(record, { onpress: () => this.look(record, row), into: this.view.selection });
    this.first ??= () => this.look(record, row);
    return row;
  }

  // The frame, below the case that it belongs to.
  look(record, row) {
    markCurrent(this.stage.querySelectorAll('.row'), row);
    row.closest('.case').append(this.view.element);
    this.view.show(record);
  }
}

let build = null;
let place, load;

export const bench = {
  id: 'build',
  title: 'Build yours',
  build(root, lab) {
    // tests/learn/tutorial.py is such a server, and a test counts its stages.
    const ask = question(lab, {
      id: 'build', ask: 'A server of forty lines that echoes in a browser: how many of the ten stages does it pass?',
      choices: ['all ten', 'seven', 'two'], right: 2,
      then: 'Two: the handshake, and one short text. It takes each read for one whole frame, and each frame for one whole text: a frame in '
        + 'two reads, two frames in one, a ping, a fragment, a Close and whatever breaks a rule are too much for it.',
      onsay: () => ask.settle(),
    });
    place = el('div', {});
    root.append(
      ask,
      el('h1', { text: 'Build yours' }),
      el('p', { text: 'Write a server in any language that sends each message back. This program examines it, stage by stage, says '
        + 'what is missing, and looks again whenever you have started it anew. It runs in your terminal, with the address of your server; this page connects to nothing.' }),
      el('p', { class: 'command' }, el('code', { text: `$ ${COMMAND}` }), copyButton(COMMAND)),
      place);
    load = async () => {
      place.replaceChildren(el('p', { class: 'muted', text: 'The stages are on their way.' }));
      try {
        build = new Bench(await lab.stages(), lab);
        place.replaceChildren(build.progress, build.list, build.stage);
      } catch (error) {
        place.replaceChildren(el('p', { class: 'problem', role: 'alert', text: `The stages did not come: ${error.message}` }));
      }
    };
  },
  async show(rest) {
    if (!build) await load();
    if (!build || !rest) return;
    if (build.choose(Number(rest))) build.stage.firstChild.scrollIntoView({ block: 'nearest' });
    else build.progress.textContent = `There is no stage “${rest}”.`;
  },
  leave() {},
};
