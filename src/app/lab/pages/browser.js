// Breaks the browser that shows this page: the server writes bytes on a fresh connection, as they are. The records tell
// what the browser then said to the server, its CloseEvent what it tells a page.
import { announce, button, clear, delay, el, many, question, spaced } from './dom.js';
import { eventWords, inQuotes } from './text.js';

const PATIENCE = 1500; // ms for a browser that may be waiting for more, or may not mind
const PROBE = '3f3f3f3f'; // the payload of a ping that shows whether the browser reads on
const AFTERWARDS = 400; // ms for the records that follow a CloseEvent

export class Browser {
  constructor(lab) {
    this.lab = lab;
    this.element = el('section', { class: 'all-rules', 'aria-labelledby': 'all-rules-title' });
    this.button = button('Run all', () => this.#all(), { id: 'break-all' });
    this.summary = el('p', { class: 'summary' });
    this.table = el('div', { class: 'scroll' });
    this.element.append(
      el('h2', { id: 'all-rules-title', text: 'How strict is this browser?' }),
      el('p', { class: 'muted', text: 'Every rule that binds a server and is no limit, each on a connection of its own.' }),
      el('div', { class: 'toolbar' }, this.button),
      this.summary, this.table);
  }

  use(rules) {
    this.rules = rules.filter((rule) => !rule.is_head && !rule.is_limit && rule.examples.server);
    this.button.textContent = `All ${this.rules.length}`;
    this.question = question(this.lab, { id: 'break-strict', ask: `How many of the ${this.rules.length} does it answer with the code that is due?`, choices: ['all', 'most', 'few'] });
    this.button.before(this.question);
  }

  // Writes `hex` to a fresh connection. The result: { records, close, event, stayed, readOn }; `close` is the browser's
  // own Close frame or null, `event` what the page was told, `stayed` whether it was still there after a while. A ping
  // after the bytes tells at once that it has read on, unless they stop within a frame and it would become part of that.
  async run(hex, isWhole = true) {
    const { session } = this.lab;
    const connection = session.open('lab/echo');
    const records = [];
    const watched = watch(session, connection.c, records);
    let messages = 0;
    connection.socket.addEventListener('message', () => { messages += 1; });
    try {
      await connection.opened;
      await session.ask('raw', { c: connection.c, hex });
      // It fails where nobody is there any more.
      if (isWhole) session.ask('ping', { c: connection.c, payload: PROBE }).catch(() => {});
      const first = await Promise.race([connection.closed, watched.pong, watched.close, delay(PATIENCE)]);
      const stayed = first === undefined || first === 'pong';
      if (first === 'close') await Promise.race([connection.closed, delay(PATIENCE)]);
      if (stayed) watched.off();
      if (stayed) connection.socket.close(1000);
      const event = await Promise.race([connection.closed, delay(PATIENCE)]);
      if (stayed) return { records, close: null, event: null, stayed, readOn: first === 'pong', messages };
      await Promise.race([watched.end, delay(AFTERWARDS)]);
      return { records, close: closeOf(records), event, stayed };
    } finally {
      watched.off();
      connection.socket.close();
    }
  }

  words({ close, event, stayed, readOn }) {
    if (stayed) return readOn ? 'The browser read on: it answered a ping that came after.' : 'The browser says nothing: it waits for more.';
    const told = close ? `The browser told the server ${closeWords(close)}` : 'The browser left without a word to the server';
    return `${told}; the page was told ${event ? closeEventWords(event) : 'nothing so far'}.`;
  }

  // What was seen; `stream` and `events` are what plainws says of the same bytes.
  show(seen, { stream: { violation }, events }) {
    const column = (title, [big, small]) => el('div', { class: 'told' },
      el('h3', { text: title }), el('p', { class: 'big', text: big }), el('p', { text: small }));
    const why = whyNoReason(seen, events.some((event) => 'close' in event));
    return el('div', { class: 'browser-said' },
      el('div', { class: 'two' },
        column('The browser told the server', seen.stayed ? ['nothing', this.words(seen)] : toServer(seen)),
        column('The page was told', toPage(seen))),
      why && el('p', { text: why }),
      violation && !seen.stayed && el('p', { class: 'muted', text: finding(violation, seen) }));
  }

  // Every rule, as many at once as the session lets; the table grows as they come.
  async #all() {
    const { session } = this.lab;
    if (session.state !== 'open') {
      this.summary.textContent = 'There is no session: connect again first.';
      return announce(this.summary.textContent);
    }
    this.button.disabled = true;
    this.summary.textContent = 'Running …';
    const body = el('tbody');
    const head = ['rule and bytes', 'the browser told the server', 'verdict', 'the page was told'];
    clear(this.table);
    this.table.append(el('table', { class: 'browser-rules' }, el('caption', { class: 'unseen', text: 'What this browser does with each broken rule' }),
      el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col', text })))), body));
    const rows = this.rules.map((rule) => {
      const hex = rule.examples.server;
      const row = el('tr', {}, el('th', { scope: 'row' }, el('a', { href: `#break/${rule.id}/server`, text: rule.id }), el('code', { text: spaced(hex) })));
      body.append(row);
      return { rule, hex, row };
    });
    const tally = new Map();
    const waiting = [...rows];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const result = await this.#one(next);
        tally.set(result, (tally.get(result) ?? 0) + 1);
      }
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: Math.max(1, Math.min(3, (session.bounds?.connections ?? 4) - 1)) }, work));
    const parts = [...tally].map(([result, number]) => `${number} ${result}`);
    const other = tally.has(OTHER) ? ' Another code breaks no rule: what must be done is to fail the connection (§7.1.7). That is found in this browser, not in plainws.' : '';
    this.summary.textContent = `${many(rows.length, 'rule')} in ${((performance.now() - started) / 1000).toFixed(1)} s: ${parts.join(', ')}.${other}`;
    this.element.dataset.done = String(rows.length);
    const due = tally.get(CODE) ?? 0;
    if (!tally.has(UNTRIED)) this.question.settle(`${due} of ${rows.length}.`, due === rows.length ? 0 : 2 * due > rows.length ? 1 : 2);
    announce(this.summary.textContent);
    this.button.disabled = false;
    return undefined;
  }

  async #one({ rule, hex, row }) {
    const cells = (...texts) => row.append(...texts.map((text) => (typeof text === 'string' ? el('td', { text }) : text)));
    try {
      const seen = await this.#patiently(hex);
      const result = judge(rule, seen);
      row.dataset.result = result;
      const told = seen.close ? closeWords(seen.close) : 'nothing';
      cells(told, el('td', { class: 'result' }, el('b', { text: `${MARKS[result]} ` }), result === OTHER ? `${rule.close_code} is due` : result),
        seen.event ? `${seen.event.code}${seen.event.reason ? ` ${inQuotes(seen.event.reason)}` : ''}` : 'nothing');
      return result;
    } catch (error) {
      cells('', UNTRIED, error.message);
      return UNTRIED;
    }
  }

  // Once more, a little later, where a connection before has not quite gone.
  async #patiently(hex, more = 4) {
    try {
      return await this.run(hex);
    } catch (error) {
      if (more === 0 || this.lab.session.state !== 'open') throw error;
      await delay(250);
      return this.#patiently(hex, more - 1);
    }
  }
}

const CODE = 'as due';
const OTHER = 'with another code';
const BARE = 'left without Close';
const STAYED = 'did not leave';
const UNTRIED = 'not tried';
const MARKS = { [CODE]: '✓', [OTHER]: '≈', [BARE]: '≈', [STAYED]: '!' };

function judge({ close_code: due }, { close, stayed }) {
  if (stayed) return STAYED;
  if (!close) return BARE;
  return close['payload.close.status_code'] === due ? CODE : OTHER;
}

function toServer({ close }) {
  if (!close) return ['no Close', 'no reason'];
  const reason = close['payload.close.reason'];
  return [`Close ${close['payload.close.status_code'] ?? 'without a code'}`, reasonOf({ reason })];
}

function toPage({ event, messages }) {
  if (event) return [String(event.code), `${reasonOf(event)}, ${clean(event)}`];
  return [messages ? many(messages, 'message') : 'nothing', 'its connection is open'];
}

// Why the page is told 1006 though the browser sent a Close; `isClose`: the bytes were one too.
function whyNoReason({ event, close }, isClose) {
  if (event?.code !== 1006 || !close) return null;
  if (isClose) {
    return 'These bytes were written past the connection, which does not know that they are a Close. So it answered the '
      + 'browser’s Close with a second one, and after a Close nothing may come (§5.5.1).';
  }
  return 'A CloseEvent tells of the Close that came from the server, not of the one that the browser sent (§7.1.5). None had '
    + 'come, so the page is told 1006. The reason stands on the console of the browser, where people look and scripts cannot.';
}

function finding(rule, seen) {
  if (rule.close_code === 1009) return 'How much is too much is everybody’s own affair: the limit is that of plainws.';
  if (seen.stayed) return 'It should have failed the connection by now. That is found in this browser, not in plainws.';
  const said = seen.close?.['payload.close.status_code'];
  if (!seen.close) return 'It fails the connection, as it must (§7.1.7); a Close with the code is only asked for (SHOULD).';
  if (said === rule.close_code) return `${said} is the code that the rule names.`;
  return `${rule.close_code} would say more exactly what is wrong (§7.4.1). The browser fails the connection, as it must; the code is its choice (§7.1.7). That is found in this browser, not in plainws.`;
}

const isFrame = (record, opcode) => record.type === 'frame' && record.sender === 'client' && record.frame.opcode === opcode;
const closeOf = (records) => records.find((record) => isFrame(record, 8))?.frame ?? null;

// Collects the records of one connection, and tells of its first pong, its Close and its end.
function watch(session, c, records) {
  const tell = {};
  const promise = (name) => new Promise((resolve) => { tell[name] = () => resolve(name); });
  const watched = { pong: promise('pong'), close: promise('close'), end: promise('end') };
  watched.off = session.on('record', (record) => {
    if (record.c !== c) return;
    if (isFrame(record, 10) && record.frame.payload === PROBE) tell.pong();
    else records.push(record);
    if (isFrame(record, 8)) tell.close();
    if (record.type === 'end') tell.end();
  });
  return watched;
}

const closeWords = (frame) => eventWords({ close: frame['payload.close.status_code'], reason: frame['payload.close.reason'] });
const reasonOf = ({ reason }) => reason ? inQuotes(reason) : 'no reason';
const clean = ({ wasClean }) => wasClean ? 'clean' : 'not clean';
const closeEventWords = (event) => `${event.code}, ${reasonOf(event)}, ${clean(event)}`;
