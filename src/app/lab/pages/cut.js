// The bench "Cut it": the same bytes in other pieces, and the same message in other frames.
import { announce, button, clear, count, el, hexBytes, peerText, question, questionLinks, spaced, utf8Hex } from './dom.js';
import { parts, shares } from './fields.js';
import { Fragments } from './fragments.js';
import { Knife } from './knife.js';
import { latest } from './latest.js';
import { eventWords, readHex } from './text.js';

const HEAD = [
  'GET /echo HTTP/1.1', 'Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', '', '',
].join('\r\n');
const HELLO = '818537fa213d7f9f4d5158';
const PRESETS = {
  hello: { title: 'Hello', hex: HELLO, cuts: [] },
  two: { title: 'two frames in one write', hex: '818337fa213d589444818337fa213d438d4e', cuts: [] },
  ping: { title: 'a ping between two fragments', hex: '018337fa213d7f9f4d898237fa213d5f93808237fa213d5b95', cuts: [12] },
  accent: { title: 'é across two frames', hex: '018437fa213d549b47fe808137fa213d9e', cuts: [10] },
  handshake: { title: 'the handshake, a frame right behind it', hex: utf8Hex(HEAD) + HELLO, cuts: [20] },
  watch: { title: 'the frame chosen in Watch' },
  own: { title: 'bytes of your own' },
};
const NOTHING = { stream: { frames: [] }, pieces: [], events: [] };

class Bench {
  constructor(lab) {
    this.lab = lab;
    this.stream = null; // { hex, sender }
    this.knife = new Knife(() => this.cutAnew());
    this.judged = latest(() => this.judge());
    this.preset = el('select', { id: 'cut-preset', onchange: () => this.choose(this.preset.value) },
      ...Object.entries(PRESETS).map(([value, { title }]) => el('option', { value, text: title })));
    this.hex = el('input', { id: 'cut-hex', class: 'mono', spellcheck: 'false', autocomplete: 'off', oninput: () => this.typed() });
    this.sender = el('select', { id: 'cut-sender', onchange: () => this.typed() },
      el('option', { value: 'client', text: 'a client' }), el('option', { value: 'server', text: 'a server' }));
    this.problem = el('p', { class: 'problem', role: 'alert' });
    this.verdict = el('p', { id: 'cut-same', class: 'same', 'aria-live': 'polite' });
    this.events = el('ol', { id: 'cut-events', class: 'events' });
    this.uncut = el('ol', { class: 'events' });
    this.rows = el('tbody');
    this.note = el('p', { class: 'muted' });
    this.knife.rest = this.adds = button('One cut more', () => this.knife.add());
  }

  elements() {
    return [
      el('div', { class: 'cut-form' },
        labelled('Stream', this.preset), labelled('sent by', this.sender), labelled('as hex', this.hex)),
      this.problem,
      this.knife.element, this.note,
      el('p', { class: 'buttons' },
        button('Uncut', () => this.knife.cut([])), this.adds,
        button('Every byte', () => this.everyByte()), button('Random', () => this.random()),
        button('Inside é', () => this.insideAccent())),
      el('p', { class: 'muted', text: 'Press between two bytes to cut there. A slit moves by mouse, touch and arrow keys, Enter goes to the next; Delete or a double click removes it.' }),
      this.verdict,
      el('div', { class: 'cut-results' },
        el('section', {}, el('h3', { text: 'Events, cut like this' }), this.events),
        el('section', {}, el('h3', { text: 'Events, uncut' }), this.uncut)),
      el('details', {}, el('summary', { text: 'Each piece, and what the judge said after it' }),
        el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'pieces' },
          el('table', { class: 'pieces' },
            el('thead', {}, el('tr', {}, ...['piece', 'bytes', 'the judge', 'frames'].map((text) => el('th', { scope: 'col', text })))),
            this.rows))),
      questionLinks(this.lab, [33, 34, 35]),
    ];
  }

  choose(name, id) {
    this.preset.value = name;
    if (name === 'own') return this.hex.focus();
    const { hex, cuts, sender } = name === 'watch' ? this.watched(id) : PRESETS[name];
    if (hex === undefined) {
      return this.fail(id ? 'That frame is not here as a whole: of each, the page keeps 256 bytes.' : 'No frame of up to 256 bytes is in Watch yet: send one there.');
    }
    this.sender.value = sender ?? 'client';
    this.hex.value = spaced(hex);
    return this.take(hex, cuts);
  }

  // A frame of Watch that is there whole: the one with this number, or else the selected one, or the latest.
  watched(id) {
    const { session, selection } = this.lab;
    const isWhole = (record) => record?.frame?.wire?.length === 2 * record?.frame?.length;
    const record = (id ? [session.record(id)] : [selection.value?.record, ...session.records.toReversed()]).find(isWhole);
    return record ? { hex: record.frame.wire, sender: record.sender, cuts: [Math.floor(record.frame.length / 2)] } : {};
  }

  typed() {
    this.preset.value = 'own';
    try {
      return this.take(readHex(this.hex.value), this.knife.cuts);
    } catch (error) {
      return this.fail(error.message);
    }
  }

  fail(text) {
    this.problem.textContent = text;
    this.hex.setAttribute('aria-invalid', 'true');
  }

  take(hex, cuts = []) {
    const most = Math.floor((this.lab.session.bounds?.command ?? 65536) / 2) - 2048;
    if (hex.length / 2 > most) return this.fail(`${count(hex.length / 2)} bytes are more than a command holds: ${count(most)}.`);
    this.problem.textContent = '';
    this.hex.removeAttribute('aria-invalid');
    this.stream = { hex, sender: this.sender.value };
    this.whole = null;
    this.knife.show(hexBytes(hex), cuts);
    const { unit } = this.knife;
    this.note.textContent = unit > 1 ? `Each cell stands for ${unit} bytes. “Every byte” cuts after every cell.` : '';
    return undefined;
  }

  everyByte() {
    const length = this.knife.bytes.length;
    const step = this.knife.unit;
    this.knife.cut(Array.from({ length: Math.floor(length / step) }, (_, index) => (index + 1) * step));
  }

  random() {
    const number = 1 + Math.floor(4 * Math.random());
    this.knife.cut(Array.from({ length: number }, () => 1 + Math.floor((this.knife.bytes.length - 1) * Math.random())));
  }

  insideAccent() {
    const within = this.accent();
    if (within.length) this.knife.cut(within);
    else this.choose('accent');
  }

  // é is two bytes, c3 and a9; the judge told which bytes of the stream the payload is, and what it is without the key.
  accent() {
    const bytes = (this.whole?.stream.frames ?? []).filter((frame) => frame.fragment).flatMap((frame) => {
      const span = frame.spans.find(({ name }) => name === 'payload');
      return span ? hexBytes(frame.payload).map((byte, index) => ({ byte, at: span.bit / 8 + index })) : [];
    });
    return bytes.filter(({ byte }, index) => byte === 'c3' && bytes[index + 1]?.byte === 'a9').map(({ at }) => at + 1);
  }

  // There is a session again.
  again() {
    this.problem.textContent = '';
    this.cutAnew();
  }

  cutAnew() {
    this.verdict.classList.add('pending');
    this.events.setAttribute('aria-busy', 'true');
    if (this.stream) this.judged();
  }

  async judge() {
    const { stream } = this;
    try {
      this.whole ??= await this.ask([stream.hex]);
      if (stream !== this.stream) return;
      this.knife.paint(looks(this.whole.stream, stream.hex));
      const pieces = this.pieces();
      const result = await this.ask(pieces);
      if (stream === this.stream && String(pieces) === String(this.pieces())) this.tell(result, pieces);
    } catch (error) {
      if (stream !== this.stream) return;
      this.problem.textContent = error.message;
      this.verdict.textContent = '';
      this.events.removeAttribute('aria-busy');
      for (const node of [this.events, this.uncut, this.rows]) clear(node);
    }
  }

  pieces() {
    return this.knife.pieces().map(({ start, end }) => this.stream.hex.slice(2 * start, 2 * end));
  }

  ask(pieces) {
    if (!this.stream.hex) return NOTHING;
    return this.lab.session.ask('judge', { sender: this.stream.sender, pieces });
  }

  tell(result, pieces) {
    const said = result.pieces.map((piece) => piece.said || 'nothing yet');
    this.knife.say(said);
    const [cut, uncut] = [result, this.whole].map(outcome);
    this.events.removeAttribute('aria-busy');
    list(this.events, cut);
    list(this.uncut, uncut);
    // The keys of a browser's answer are new each time.
    const compared = this.stream.sender === 'client' ? [cut, uncut] : [result.events, this.whole.events];
    const isSame = JSON.stringify(compared[0]) === JSON.stringify(compared[1]);
    this.say(isSame, pieces);
    this.rows.replaceChildren(...result.pieces.map((piece, index) => el('tr', {},
      el('th', { scope: 'row', text: String(index + 1) }),
      el('td', { class: 'mono', text: shortened(pieces[index]) }),
      el('td', {}, peerText(said[index])),
      el('td', { text: piece.frames.join(', ') || '–' }))));
    const slit = this.knife.slits.indexOf(document.activeElement);
    if (slit >= 0) announce(`before it: ${said[slit]}; after it: ${said[slit + 1]}`);
    const messages = result.events.filter(({ message }) => message).length;
    if (isSame && pieces.length >= 3 && messages === 1) this.question.settle();
  }

  say(isSame, pieces) {
    let text = `✓ ${pieces.length} pieces: same events as uncut`;
    if (!isSame) text = `! ${pieces.length} pieces: not the events of the uncut stream`;
    else if (!this.stream.hex) text = 'No bytes, no events.';
    else if (pieces.length === 1) text = 'Uncut: these are the events to compare with.';
    this.verdict.classList.toggle('broken', !isSame);
    this.verdict.classList.toggle('pending', isSame && !text.startsWith('✓'));
    if (this.verdict.textContent !== text) this.verdict.textContent = text;
  }
}

// What each byte of the stream looks like: the fields come with the spans, and the head is text.
function looks(stream, hex) {
  const bytes = hexBytes(hex);
  const looks = bytes.slice(0, stream.handshake?.length ?? 0).map((byte) => ({ class: 'field-rest', text: character(byte), bars: [] }));
  for (const frame of stream.frames) {
    const all = parts(frame);
    for (let at = 0; at < frame.length && frame.offset + at < bytes.length; at++) {
      const drawn = shares(all, 8 * at, 8 * at + 8);
      looks[frame.offset + at] = { class: `field-${drawn.length === 1 ? drawn[0].class : 'several'}`, bars: drawn };
    }
  }
  return looks;
}

function character(byte) {
  const code = parseInt(byte, 16);
  return { 13: '\\r', 10: '\\n', 32: '·' }[code] ?? (code > 32 && code < 127 ? String.fromCharCode(code) : byte);
}

// What the receiver was told, and what it wants to send for that.
function outcome({ events, answer }) {
  return [...events.map(eventWords), ...answer ? [`it answers ${shortened(answer.wire)}`] : []];
}

function list(node, texts) {
  node.replaceChildren(...(texts.length ? texts : ['none']).map((text) => el('li', {}, peerText(text))));
}

function shortened(hex) {
  const bytes = hexBytes(hex);
  return bytes.length > 16 ? `${bytes.slice(0, 12).join(' ')} … ${bytes.length} bytes` : bytes.join(' ');
}

function labelled(text, input) {
  return el('label', { for: input.id }, el('span', { text }), input);
}

let cut;

export const bench = {
  id: 'cut',
  title: 'Cut it',
  build(root, lab) {
    cut = new Bench(lab);
    const fragments = new Fragments(lab);
    cut.question = question(lab, {
      id: 'cut', ask: '“Hello” arrives in three pieces: how many messages are that?', choices: ['three', 'one', 'that depends on the cuts'], right: 1,
      then: 'One, wherever the cuts are: TCP is a stream, and where a read ends means nothing. What is not yet whole is kept.',
      hint: 'Cut it in three, and see.',
    });
    root.append(cut.question, el('h1', { class: 'unseen', text: 'Cut it' }), el('h2', { text: 'Cut the stream' }), ...cut.elements(), ...fragments.elements());
    lab.session.on('state', (state) => {
      if (state !== 'open') return;
      cut.again();
      fragments.redo();
    });
    cut.choose('hello');
  },
  show(rest) {
    const [name, id] = rest.split('/');
    if (name === 'frame') cut.choose('watch', id);
    else if (Object.hasOwn(PRESETS, name)) cut.choose(name);
    else if (name) cut.problem.textContent = `There is no stream “${name}” here.`;
  },
  leave() {},
};
