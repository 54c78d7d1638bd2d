// The other cut: one message in more and more frames. The bytes change, the message does not.
import { button, count, el, hexBytes, many, markCurrent, peerText, questionLinks, utf8Hex, visible } from './dom.js';
import { headerLength, payloadLength } from './fields.js';
import { FrameView } from './frame.js';
import { latest } from './latest.js';
import { eventWords } from './text.js';
import { wireRow } from './row.js';

const MOST = 8; // fragments: each is a command, and the server takes some twenty a second
const KEY = '37fa213d'; // that of the RFC's examples
const LARGE = 300000;

export class Fragments {
  constructor(lab) {
    this.lab = lab;
    this.made = new Map(); // what was asked of the server before
    this.chosen = 0;
    this.wanted = 1;
    this.redo = latest(() => this.make());
    this.text = el('input', { id: 'cut-text', value: 'one message, café', maxlength: '200', autocomplete: 'off', oninput: () => this.redo() });
    this.slider = el('input', { id: 'cut-count', type: 'range', min: '1', max: String(MOST), value: '1', oninput: () => this.wants() });
    this.number = el('output', { for: 'cut-count' });
    this.sum = el('p', { id: 'cut-sum', 'aria-live': 'polite' });
    this.frames = el('ol', { class: 'frames' });
    this.view = new FrameView({ live: false });
    this.ping = el('input', { id: 'cut-between', type: 'checkbox' });
    this.real = el('p', { id: 'cut-real', role: 'status' });
  }

  elements() {
    return [
      el('h2', { text: 'Cut the message' }),
      el('p', { text: 'Fragments are another cut: the sender makes more frames of one message, so the bytes change.' }),
      el('div', { class: 'cut-form' },
        el('label', { for: 'cut-text' }, el('span', { text: 'Message' }), this.text),
        el('label', { for: 'cut-count' }, el('span', {}, 'Fragments ', this.number), this.slider)),
      this.sum, this.frames,
      el('h3', { text: 'For real' }),
      el('p', { class: 'buttons' },
        button('plainws sends it so to this tab', () => this.tried(() => this.fromServer())),
        el('label', { for: 'cut-between', class: 'check' }, this.ping, ' with a ping between')),
      el('p', { class: 'buttons' },
        button(`This browser sends ${count(LARGE)} bytes`, () => this.tried(() => this.fromBrowser()))),
      this.real, questionLinks(this.lab, [31, 36, 37, 38]), this.view.element,
    ];
  }

  wants() {
    this.wanted = Number(this.slider.value);
    this.redo();
  }

  // The payload of each fragment; a fragment may end inside a character.
  payloads() {
    const bytes = hexBytes(utf8Hex(this.text.value));
    const fragments = Math.max(1, Math.min(this.wanted, bytes.length));
    const at = (index) => Math.round((index * bytes.length) / fragments);
    return Array.from({ length: fragments }, (_, index) => bytes.slice(at(index), at(index + 1)).join(''));
  }

  async make() {
    const payloads = this.payloads();
    this.slider.max = String(Math.max(1, Math.min(MOST, hexBytes(payloads.join('')).length)));
    this.slider.value = String(payloads.length);
    this.number.textContent = String(payloads.length);
    this.slider.setAttribute('aria-valuetext', many(payloads.length, 'fragment'));
    try {
      const wires = [];
      for (const [index, payload] of payloads.entries()) {
        wires.push(await this.wire({
          fin: index === payloads.length - 1, rsv: 0, opcode: index ? 0 : 1, masked: true, key: KEY, form: null, length: null, payload,
        }));
      }
      const result = await this.lab.session.ask('judge', { sender: 'client', pieces: [wires.join('')] });
      this.draw(result);
    } catch (error) {
      this.sum.textContent = error.message;
    }
  }

  async wire(fields) {
    const name = JSON.stringify(fields);
    if (!this.made.has(name)) this.made.set(name, (await this.lab.session.ask('make', { fields })).wire);
    return this.made.get(name);
  }

  draw({ stream, events }) {
    const { frames } = stream;
    const header = frames.reduce((sum, frame) => sum + headerLength(frame), 0);
    const payload = frames.reduce((sum, frame) => sum + payloadLength(frame), 0);
    this.sum.replaceChildren(
      `${many(frames.length, 'frame')}, ${count(header + payload)} bytes: ${count(header)} of header and key for ${count(payload)} of payload. `,
      el('strong', { text: events.length === 1 ? 'One message' : many(events.length, 'event') }), ': ', peerText(events.map(eventWords).join(', ')));
    this.chosen = Math.min(this.chosen, frames.length - 1);
    const records = [];
    for (const frame of frames) records.push({ frame, sender: stream.sender, way: 'made by plainws, not sent', before: [...records] });
    const held = [...this.frames.children].findIndex((item) => item.contains(document.activeElement));
    this.frames.replaceChildren(...records.map((record, index) => el('li', {}, this.row(record, index))));
    if (held >= 0) this.frames.children[Math.min(held, frames.length - 1)].querySelector('button').focus();
    this.view.show(records[this.chosen]);
  }

  row(record, index) {
    const row = wireRow(record, { onpress: () => this.choose(index, record), into: this.view.selection });
    if (index === this.chosen) row.setAttribute('aria-current', 'true');
    return row;
  }

  choose(index, record) {
    this.chosen = index;
    const rows = [...this.frames.children].map((item) => item.firstChild);
    markCurrent(rows, rows[index]);
    this.view.show(record);
  }

  async tried(work) {
    this.real.textContent = '…';
    try {
      this.real.textContent = await work();
    } catch (error) {
      this.real.textContent = error.message;
    }
  }

  async fromServer() {
    const { session } = this.lab;
    const { c, socket, opened, closed } = session.main();
    await opened;
    const payloads = this.payloads();
    const frames = this.message(c, 'server');
    const got = new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    await session.ask('send', {
      c, kind: 'text', payload: payloads.join(''), fragments: payloads.map((payload) => payload.length / 2),
      ping_between: this.ping.checked && payloads.length > 1 ? utf8Hex('between') : null,
    });
    const [{ data }, records] = await untilClosed(closed, Promise.all([got, frames]));
    return `The page got one message, “${visible(data)}”. On the wire, ${many(records.length, 'frame')} of it went by: no script can see where one ended.`;
  }

  async fromBrowser() {
    const { c, socket, opened, closed } = this.lab.session.main();
    await opened;
    const frames = this.message(c, 'client');
    socket.send('*'.repeat(LARGE));
    const records = await untilClosed(closed, frames);
    const reads = records.at(-1).reads.last - records[0].reads.first + 1;
    const sizes = records.map(({ frame }) => count(payloadLength(frame))).join(' + ');
    return `The browser made ${many(records.length, 'frame')} of it (${sizes} bytes), and TCP brought them in ${many(reads, 'read')}. `
      + 'How many is its own affair, and may be otherwise the next time.';
  }

  // The records of the next message that this end sends, once all are there.
  message(c, sender) {
    const records = [];
    return new Promise((resolve) => {
      const off = this.lab.session.on('frame', (record) => {
        if (record.c !== c || record.sender !== sender || !record.frame.fragment) return;
        records.push(record);
        if (!record.frame.fin) return;
        off();
        resolve(records);
      });
    });
  }
}

// What is waited for, unless the connection ends before it comes.
const untilClosed = (closed, wanted) => Promise.race([wanted, closed.then(() => { throw new Error('The connection ended meanwhile.'); })]);
