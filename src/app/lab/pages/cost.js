// The bench "Cost": polling, long polling and a WebSocket tell the same news side by side. The server counts what it
// reads and writes for each; the page asks, listens and draws.
import { button, count, delay, el, many, question } from './dom.js';
import { bytes, percent, seconds } from './figures.js';
import { LANES } from './lanes.js';
import { Plot } from './plot.js';
import { Threads } from './threads.js';

const PERIODS = [0.2, 0.5, 1, 2, 5, 10]; // seconds; the sliders' stops
const LONGEST = 600; // seconds after which a forgotten run ends
const SPOKEN = [10, 30, 60, 120, 300]; // seconds after which the live line says how things stand

let view;
export const bench = {
  id: 'cost',
  title: 'Cost',
  build(root, lab) { view = new Cost(root, lab); },
  show() {},
  leave() {
    view.stop('Stopped, for you left this bench.');
    view.threads.closeIdle();
  },
};

class Cost {
  constructor(root, lab) {
    this.lab = lab;
    this.run = null; // what goes on now: { abort, began, timers, counts: by lane }
    this.threads = new Threads(lab);
    this.plot = new Plot(LANES);
    this.lanes = LANES.map((lane) => this.lane(lane));
    this.live = el('p', { class: 'cost-live', 'aria-live': 'polite' });
    this.share = question(lab, { id: 'cost-share', ask: 'Of all the bytes of sixty polls, how many tell something new?',
      choices: ['about half', 'about a fifth', 'less than 5 %'], right: 2, hint: 'Start, and give it a minute.' });
    this.paid = question(lab, { id: 'cost-paid', ask: 'After how many pieces of news is the WebSocket’s handshake paid back?',
      choices: ['one', 'about ten', 'about sixty'], right: 0, hint: 'Start shows it with the first.' });
    root.append(this.share, el('div', { class: 'cost' },
      el('h1', { text: 'What news costs' }),
      el('p', { text: 'The server tells this page the same news in three ways at once. Polling asks again and again, whether or not there is any. '
        + 'Long polling asks, and the answer waits until there is some. On a WebSocket the server says it unasked.' }),
      this.controls(), this.live, this.table(), this.paid, this.plot.element,
      this.scale(), aside(), this.threads.element));
    lab.session.on('count', (record) => this.count(record));
    lab.session.on('state', () => {
      if (lab.session.state !== 'open') this.stop('Stopped: the connection to the server was lost.');
    });
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.stop('Stopped while the page was hidden, for browsers slow the timers of hidden pages.');
    });
  }

  // Two sliders, and a button that starts and stops.

  controls() {
    this.news = slider('news every', 'cost-news', () => this.again());
    this.every = slider('poll every', 'cost-poll', () => this.again());
    this.button = button('Start', () => (this.run ? this.stop('Stopped.') : this.start()), { class: 'strong' });
    return el('div', { class: 'cost-controls' }, this.news.element, this.every.element, this.button);
  }

  // Other periods make other figures: the counts begin anew.
  again() {
    if (!this.run) return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => { // not with each step of a slider that is on its way
      if (!this.run) return;
      this.stop('');
      this.start();
    }, 300);
  }

  async start() {
    const run = { abort: new AbortController(), counts: {}, spoken: 0, ready: false };
    this.run = run;
    this.button.textContent = 'Stop';
    this.plot.clear();
    for (const lane of this.lanes) lane.reset();
    this.drawBars({});
    await this.ended; // what the last run still sends is not of this one
    if (this.run !== run) return;
    const { session } = this.lab;
    try {
      await session.ask('news', { every: this.news.value() });
    } catch (error) {
      if (this.run === run) this.stop(`The server cannot start: ${error.message}`);
      return;
    }
    if (this.run !== run) return; // stopped meanwhile
    run.began = performance.now();
    run.ready = true;
    run.timer = setInterval(() => this.tick(), 1000);
    this.say(`Started: news every ${this.news.words()} on average, at random moments; a poll every ${this.every.words()}.`);
    this.ended = Promise.allSettled(this.lanes.map((lane) =>
      lane.run({ token: session.token, every: this.every.value(), after: this.heard(session.token), signal: run.abort.signal,
        told: (news) => this.told(lane, news),
        failed: (error) => { if (lane.fail(error)) this.say(`${lane.name} failed, and tries again: ${error.message}`); },
        open: (path) => session.open(path) })));
  }

  told(lane, news) {
    this.latest = { token: this.lab.session.token, number: news.news };
    if (lane.told(news)) this.say(`${lane.name} goes on.`);
  }

  // The number of the latest news, for they are numbered through a session.
  heard(token) {
    return this.latest?.token === token ? this.latest.number : 0;
  }

  stop(why) {
    const { run } = this;
    if (!run) return;
    this.run = null;
    clearInterval(run.timer);
    // First the server lets go what it holds, unless it is too slow. A lost session has stopped it already.
    Promise.race([this.lab.session.ask('news', { every: 0 }).catch(() => {}), delay(2000)]).then(() => run.abort.abort());
    this.button.textContent = 'Start';
    this.plot.draw();
    if (why) this.say([why, run.ready ? this.summary(run) : ''].join(' '));
  }

  tick() {
    const { run } = this;
    const elapsed = (performance.now() - run.began) / 1000;
    if (elapsed > LONGEST) this.stop(`Stopped after ${LONGEST / 60} minutes.`);
    else if (elapsed > SPOKEN[run.spoken]) {
      run.spoken += 1;
      this.say(this.summary(run));
    }
  }

  say(words) {
    this.live.textContent = words;
  }

  // How things stand, in a sentence: what is spoken and what stays when the run has ended.
  summary(run) {
    const elapsed = Math.round((performance.now() - run.began) / 1000);
    const parts = this.lanes.filter(({ id }) => run.counts[id]).map(({ id, name }) => {
      const all = total(run.counts[id]);
      return `${name} ${bytes(all)}, ${percent(run.counts[id].payload, all)} news`;
    });
    return `After ${elapsed} s: ${parts.join('; ')}.`;
  }

  // The lanes.

  lane({ id, name, run }) {
    const cells = Object.fromEntries(COLUMNS.map((column) =>
      [column.id, el('td', { role: 'cell', 'data-label': column.head, class: `cost-${column.id}` })]));
    const trouble = el('p', { class: 'cost-trouble', hidden: true });
    const head = el('th', { scope: 'row', role: 'rowheader' }, this.plot.sign(id), name, trouble);
    const show = (count, time) => {
      for (const column of COLUMNS) if (column.figure) cells[column.id].textContent = count ? column.figure(count) : '–';
      if (time !== undefined) cells.time.textContent = time;
    };
    show(null, '–');
    return { id, name, run, row: el('tr', { role: 'row' }, head, ...Object.values(cells)),
      reset: () => { trouble.hidden = true; show(null, '–'); },
      // Both return whether that is a change: it is said once, not with each attempt.
      told: ({ time }) => {
        const hadFailed = !trouble.hidden;
        trouble.hidden = true;
        cells.time.textContent = time.split(' ').at(-1);
        return hadFailed;
      },
      fail: (error) => {
        const isNew = trouble.hidden;
        trouble.hidden = false;
        trouble.textContent = `failed: ${error.message}`;
        return isNew;
      },
      count: (count) => show(count) };
  }

  table() {
    const heads = COLUMNS.map(({ head }) => el('th', { scope: 'col', role: 'columnheader', text: head }));
    const table = el('table', { class: 'cost-lanes', role: 'table' },
      el('caption', { class: 'unseen', text: 'Three ways to tell the time, as the server counts them' }),
      el('thead', { role: 'rowgroup' },
        el('tr', { role: 'row' }, el('th', { scope: 'col', role: 'columnheader', text: 'lane' }), ...heads)),
      el('tbody', { role: 'rowgroup' }, ...this.lanes.map((lane) => lane.row)));
    return el('div', {}, table, el('p', { class: 'cost-note', text: 'news: the share of the bytes that told something '
      + 'new. age: how old news was when it was told, on average. held: what waits on the server meanwhile.' }));
  }

  // What a piece of news takes in each lane, a box for what is no news and a bar for what is.
  scale() {
    this.bars = LANES.map(({ id, name }) => {
      const parts = ['cost-bar-rest', 'bar field-payload'].map((part) => el('span', { class: part }));
      const figure = el('span', { class: 'cost-bar-figure', text: '–' });
      return { id, parts, figure, row: el('div', { class: 'cost-bar' }, el('span', { text: name }),
        el('span', { class: 'cost-bar-parts', 'aria-hidden': 'true' }, ...parts), figure) };
    });
    return el('section', { class: 'cost-scale' }, el('h2', { text: 'One piece of news, to scale' }),
      ...this.bars.map(({ row }) => row));
  }

  drawBars(counts) {
    const each = ({ id }) => (counts[id]?.news > 0 ? total(counts[id]) / counts[id].news : 0);
    const most = Math.max(...this.bars.map(each));
    for (const bar of this.bars) {
      const all = each(bar);
      const news = all && counts[bar.id].payload / counts[bar.id].news;
      for (const [i, size] of [all - news, news].entries()) bar.parts[i].style.width = `${100 * size / most || 0}%`;
      bar.figure.textContent = all ? `${count(Math.round(all))} bytes` : '–';
    }
  }

  count(record) {
    const { run } = this;
    if (!run?.ready) return;
    run.counts[record.lane] = record;
    this.lanes.find(({ id }) => id === record.lane)?.count(record);
    this.plot.add(record.lane, (performance.now() - run.began) / 1000, total(record));
    this.drawBars(run.counts);
    this.settle(run);
  }

  // The records, not the clicks, settle the questions.

  settle(run) {
    const { poll, socket } = run.counts;
    if (poll?.requests > 0 && poll.down > 0) run.one ??= total(poll) / poll.requests;
    if (run.one && socket?.news > 0 && !run.paid) {
      run.paid = true;
      const isOne = total(socket) < run.one;
      this.paid.settle(`${isOne ? 'One: the' : 'The'} handshake and ${many(socket.news, 'piece')} of news took `
        + `${count(total(socket))} bytes, a single poll takes ${count(Math.round(run.one))}.`, isOne ? 0 : null);
    }
    if (poll?.requests >= 60 && !run.shared) {
      run.shared = true;
      this.share.settle(`${percent(poll.payload, total(poll))}: ${poll.requests} polls took ${count(total(poll))} bytes, `
        + `of which ${count(poll.payload)} told something new.`);
    }
  }
}

const total = ({ up, down }) => up + down;
const COLUMNS = [
  { id: 'time', head: 'time' },
  { id: 'requests', head: 'requests', figure: ({ requests }) => count(requests) },
  { id: 'up', head: 'up', figure: ({ up }) => bytes(up) },
  { id: 'down', head: 'down', figure: ({ down }) => bytes(down) },
  { id: 'share', head: 'news', figure: (now) => percent(now.payload, total(now)) },
  { id: 'age', head: 'age', figure: ({ age, news }) => (news > 0 ? seconds(age / news) : '–') },
  { id: 'held', head: 'held', figure: ({ lane, held }) => (held === 0 ? '–' : lane === 'socket' ? 'thread' : 'request') },
];

// Where the figures end.
function aside() {
  const facts = [
    'What the server reads and writes is counted: heads, bodies, frames. TCP and TLS come on top for all three, and for '
      + 'polling most of all if its connection is not kept.',
    'Cookies make polling dearer: they go up with each request. A WebSocket sends them once.',
    'HTTP/2 makes polling cheaper: it sends a header that was sent before as a number.',
    'Server-sent events cost about as little on the way down. They cannot speak back, so what the page says is a request '
      + 'each time.',
    'A WebSocket holds a thread of this server while it is silent. So does a long poll, and so does a connection that the '
      + 'browser keeps between polls.',
    'Long polling asks once for each piece of news: cheap where news is rare, dearer than polling where it is frequent.',
    'News comes at random moments. Were it in step with the polls, polling would look better than it is.',
  ];
  return el('section', { class: 'cost-aside' }, el('h2', { text: 'What is not in these figures' }),
    el('ul', {}, ...facts.map((text) => el('li', { text }))),
    el('p', {}, el('a', { href: '#questions/53', text: 'Polling, long polling, SSE, WebSocket: what is the difference?' })));
}

function slider(label, id, changed) {
  const words = () => `${PERIODS[input.value]} s`;
  const output = el('output', { for: id });
  const show = () => {
    output.textContent = words();
    input.setAttribute('aria-valuetext', words());
  };
  const input = el('input', { type: 'range', id, min: 0, max: PERIODS.length - 1, step: 1,
    value: PERIODS.indexOf(1), oninput: show, onchange: changed });
  show();
  return { element: el('div', { class: 'cost-slider' }, el('label', { for: id, text: label }), input, output),
    value: () => PERIODS[input.value], words };
}
