// The tour: ten steps in a bar above the benches. A guess begins an experiment, and only its records settle the step.
import { announce, button, clear, el, focusOn, question } from './dom.js';
import { codePlace } from './places.js';
import { steps } from './steps.js';

let lab;
let bar;
let step = null; // the one that is shown
let at = 1; // its number, kept while the tour is closed
let moved = false; // by a button of the tour, so that the focus goes along

export const tour = {
  build(element, of) {
    lab = of;
    bar = element;
    lab.session.on('record', (record) => step?.take(record));
    offer();
  },
  // Opens a step, and gives the fragment of the bench to show beside it.
  show(number) {
    at = Math.min(Math.max(1, Number.parseInt(number, 10) || 1), steps.length);
    if (step?.number !== at) open(at);
    return steps[at - 1].bench;
  },
};

const opened = new Map(); // steps by their numbers: what was said and seen stays

function open(number) {
  if (!opened.has(number)) opened.set(number, new Step(number));
  step = opened.get(number);
  step.records = [];
  document.body.classList.add('touring');
  clear(bar);
  bar.append(step.element);
  announce(`Tour, step ${number} of ${steps.length}, ${step.title}`);
  if (moved) focusOn(step.heading);
  moved = false;
}

function close() {
  step = null;
  document.body.classList.remove('touring');
  if (location.hash.startsWith('#tour')) history.replaceState(null, '', `#${steps[at - 1].bench}`);
  offer();
}

function offer() {
  const hadFocus = bar.contains(document.activeElement);
  clear(bar);
  const text = at === 1 ? 'Begin the tour' : 'Go on with the tour';
  const begin = button(text, () => go(at), { class: 'quiet' });
  bar.append(el('p', { class: 'tour-closed' }, begin, el('span', { class: 'muted', text: ` ${steps.length} steps: a question, your guess, and what really happens` })));
  if (hadFocus) begin.focus();
}

function go(number) {
  moved = true;
  lab.go(`tour/${number}`);
}

class Step {
  records = []; // since it was shown
  isDone = false;

  constructor(number) {
    const { title, ask, choices, breaks, breaksText = 'Now break it', question: about, place: [file, name] } = steps[number - 1];
    Object.assign(this, { number, title, does: steps[number - 1] });
    this.question = question(lab, { id: `tour-${number}`, ask, choices, hint: 'Let us see …', onsay: () => this.run() });
    this.heading = this.question.querySelector('.ask');
    this.problem = el('p', { class: 'problem', role: 'alert' });
    const why = el('a', { href: `#questions/${about}`, text: `Question ${about}` });
    lab.questions().then(({ questions }) => {
      why.textContent = questions.find(({ n }) => n === about)?.question ?? why.textContent;
    }, () => {});
    this.more = el('p', { class: 'tour-more', hidden: true }, why, codePlace({ file, function: name }),
      button('Once more', () => this.run(), { class: 'quiet' }));
    const isLast = number === steps.length;
    this.element = el('section', { class: 'tour', 'aria-label': 'Tour' },
      el('p', { class: 'tour-title' }, el('span', { class: 'muted', text: `Tour, ${number} of ${steps.length}` }), ' ', el('strong', { text: title })),
      el('div', { class: 'tour-question' }, this.question, this.problem, this.more),
      el('div', { class: 'tour-go' },
        number > 1 && button('Back', () => go(number - 1)),
        el('a', { class: 'button', href: `#${breaks}`, text: breaksText }),
        button(isLast ? 'Finish' : 'Next', () => (isLast ? finish() : go(number + 1)), { class: 'strong' }),
        button('×', close, { class: 'bare tour-close', 'aria-label': 'Close the tour', title: 'Close the tour' })));
  }

  // What the server told, while the step is open. It may have been made by hand as well; before the guess nothing is said.
  take(record) {
    this.records.push(record);
    if (this.question.said !== null) this.settle(this.does.seen?.(lab, this.records));
  }

  async run() {
    this.problem.textContent = '';
    this.records = [];
    this.isDone = false;
    try {
      await lab.session.ready();
      this.settle(await this.does.run(lab));
    } catch (error) {
      this.problem.textContent = error.message;
      this.more.hidden = false;
    }
  }

  settle(result) {
    if (!result || this.isDone) return;
    this.isDone = true;
    this.question.settle(result.text, result.right);
    this.more.hidden = false;
    const { record, name } = result;
    if (record && step === this && !(name && lab.selection.field(record, name))) lab.selection.record(record);
  }
}

function finish() {
  at = 1;
  close();
}
