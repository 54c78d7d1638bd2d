// The reference "Questions": what people ask about WebSocket, by topic, each answer with its section, where the lab shows
// it, where it is code, and a command to try. In a terminal: plainws why 17.
import { commandBox } from './command.js';
import { clear, el, many } from './dom.js';
import { codePlace, sectionLink } from './places.js';

let view;
export const bench = {
  id: 'questions',
  title: 'Questions',
  build(root, lab) { view = new Questions(root, lab); },
  show(rest) { view.show(rest); },
  leave() {},
};

class Questions {
  constructor(root, lab) {
    this.entries = []; // { question, words, element }
    this.sought = el('input', { type: 'search', id: 'questions-sought', oninput: () => this.filter(),
      placeholder: 'mask, 1006, nginx …', spellcheck: 'false', autocomplete: 'off' });
    this.count = el('p', { class: 'muted', role: 'status' });
    this.topics = el('div', { class: 'topics' });
    root.append(
      el('h1', { text: 'Questions' }),
      el('p', { class: 'lead', text: 'Asked again and again, wherever people build with WebSocket. Each answer was checked '
        + 'against the RFC or tried, and says where you can see it.' }),
      el('form', { class: 'questions-filter', role: 'search', onsubmit: (event) => event.preventDefault() },
        el('label', { for: 'questions-sought', text: 'Find' }), this.sought),
      this.count, this.topics);
    this.ready = lab.questions().then(({ questions }) => this.build(questions), (error) => {
      this.count.textContent = `The questions did not come: ${error.message}`;
    });
  }

  build(questions) {
    this.entries = questions.map((question) => ({
      question,
      words: [question.n, question.question, ...question.answer].join(' ').toLowerCase(),
      element: entry(question),
    }));
    this.filter();
  }

  // Leaves those in which all words stand, under their topics.
  filter() {
    const words = this.sought.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.entries.filter((entry) => words.every((word) => entry.words.includes(word)));
    const all = this.entries.length;
    this.count.textContent = found.length === all ? `${all} questions` : `${many(found.length, 'question')} of ${all}`;
    clear(this.topics);
    for (const topic of [...new Set(found.map(({ question }) => question.topic))]) {
      const of = found.filter(({ question }) => question.topic === topic);
      this.topics.append(el('section', { 'aria-label': topic }, el('h2', { text: topic }), ...of.map(({ element }) => element)));
    }
  }

  async show(number) {
    await this.ready;
    if (!number) return;
    const found = this.entries.find(({ question }) => String(question.n) === number);
    if (!found) {
      this.count.textContent = `There is no question ${number}. These are all.`;
      return;
    }
    if (!found.element.isConnected) {
      this.sought.value = '';
      this.filter();
    }
    found.element.open = true;
    found.element.querySelector('summary').focus({ preventScroll: true });
    found.element.scrollIntoView({ block: 'center' });
  }
}

// A question that opens; its answer is made when it does.
function entry(question) {
  const answer = el('div', { class: 'answer' });
  const element = el('details', { id: `question-${question.n}` },
    el('summary', {}, el('span', { class: 'number', text: question.n }), el('span', { text: question.question })), answer);
  element.addEventListener('toggle', () => {
    if (!element.open) return;
    if (!answer.hasChildNodes()) answer.append(...answered(question));
    if (/^#questions\b/.test(location.hash)) history.replaceState(null, '', `#questions/${question.n}`);
  });
  return element;
}

function answered({ n, answer, section, links, place, try: command }) {
  const facts = el('dl', {});
  const fact = (term, ...said) => facts.append(el('div', {}, el('dt', { text: term }), el('dd', {}, ...said)));
  if (links.length > 0) fact('see it', el('ul', {}, ...links.map(({ to, text }) => el('li', {}, el('a', { href: to, text })))));
  fact('section', sectionLink(section));
  if (place) fact('code', codePlace(place));
  return [
    ...answer.map((text) => el('p', { text })), facts, commandBox(command ?? `plainws why ${n}`),
  ];
}
