// The knife: a tape of bytes with slits, which mouse, touch and keys move, and what is said of each piece below it.
import { bar } from './bytes.js';
import { el, peerText } from './dom.js';

const PITCH = [36, 66]; // pixels from byte to byte, the least and the most
const CELLS = 256; // of a longer stream, each cell stands for several bytes
const WORDS = 46; // pixels in which words have room
const FAR = 8; // what Page Up and Page Down move
const STOPS = 12; // of more slits only one is reached by Tab, the others by Enter

export class Knife {
  constructor(changed) {
    this.changed = changed;
    this.bytes = [];
    this.cuts = []; // after how many bytes, ascending
    this.slits = []; // their elements, in the same order
    this.said = [];
    this.columns = 8;
    this.pitch = PITCH[0];
    this.tape = el('div', { class: 'tape', onclick: (event) => this.pressed(event) });
    this.element = el('div', { class: 'knife', role: 'group', 'aria-label': 'the bytes, and where they are cut' }, this.tape);
    new ResizeObserver(() => this.resized()).observe(this.element);
  }

  // Bytes as hex pairs, and after how many of them they are cut.
  show(bytes, cuts) {
    this.bytes = bytes;
    this.unit = Math.max(1, Math.ceil(bytes.length / CELLS));
    this.cells = Array.from({ length: Math.ceil(bytes.length / this.unit) }, (_, index) =>
      el('span', { class: 'piece-byte', 'aria-hidden': 'true', text: this.unit === 1 ? bytes[index] : '' }));
    this.said = [];
    this.slits = [];
    this.lanes = [];
    this.tape.replaceChildren(...this.cells);
    this.tape.classList.toggle('coarse', this.unit > 1);
    this.measure();
    this.cut(cuts);
  }

  // One look for each byte: { class, text, bars: [{ class, bits }] }.
  paint(looks) {
    this.cells.forEach((cell, index) => {
      const look = looks[index * this.unit] ?? { class: 'field-rest', bars: [] };
      cell.className = `piece-byte ${look.class}`;
      cell.replaceChildren(this.unit === 1 ? look.text ?? this.bytes[index] : '', el('span', { class: 'under' }, ...look.bars.map(bar)));
    });
  }

  // What is said of each piece.
  say(said) {
    this.said = said;
    this.lay();
  }

  cut(cuts) {
    const wanted = [...new Set(cuts)].filter((at) => at > 0 && at < this.bytes.length).sort((a, b) => a - b);
    while (this.slits.length > wanted.length) this.slits.pop().remove();
    while (this.slits.length < wanted.length) this.slits.push(this.tape.appendChild(this.slit()));
    this.cuts = wanted;
    this.rove(this.slits.includes(document.activeElement) ? document.activeElement : this.slits[0]);
    this.told();
  }

  // A cut more: there, or in the middle of the longest piece.
  add(at = this.middle()) {
    if (at === null || this.cuts.includes(at)) return;
    this.cut([...this.cuts, at]);
    this.slits[this.cuts.indexOf(at)].focus();
  }

  remove(index) {
    const had = this.slits.includes(document.activeElement);
    this.cut(this.cuts.filter((_, other) => other !== index));
    if (had) (this.slits[Math.min(index, this.slits.length - 1)] ?? this.rest)?.focus();
  }

  middle() {
    const ends = [0, ...this.cuts, this.bytes.length];
    const longest = ends.slice(1).reduce((best, end, index) => (end - ends[index] > ends[best + 1] - ends[best] ? index : best), 0);
    const at = Math.floor((ends[longest] + ends[longest + 1]) / 2);
    return at > ends[longest] ? at : null;
  }

  move(index, at) {
    const least = (this.cuts[index - 1] ?? 0) + 1;
    const most = (this.cuts[index + 1] ?? this.bytes.length) - 1;
    const to = Math.min(most, Math.max(least, at));
    if (to === this.cuts[index]) return;
    this.cuts[index] = to;
    this.told();
  }

  told() {
    this.said = [];
    this.lay();
    this.changed();
  }

  slit() {
    const of = () => this.slits.indexOf(slit);
    let held = false;
    const slit = el('span', {
      class: 'slit', role: 'slider', tabindex: '0',
      onfocus: () => this.rove(slit),
      onkeydown: (event) => this.key(event, of()),
      ondblclick: () => this.remove(of()),
      onclick: (event) => event.stopPropagation(),
      onpointerdown: (event) => { held = true; slit.setPointerCapture(event.pointerId); slit.focus(); event.preventDefault(); },
      onpointermove: (event) => { if (held) this.move(of(), this.nearest(event)); },
      onpointerup: () => { held = false; },
      onpointercancel: () => { held = false; },
    });
    return slit;
  }

  rove(current) {
    const isStop = (slit) => this.slits.length <= STOPS || slit === current;
    for (const slit of this.slits) slit.tabIndex = isStop(slit) ? 0 : -1;
  }

  key(event, index) {
    const at = this.cuts[index];
    const to = {
      ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
      PageDown: at - FAR * this.unit, PageUp: at + FAR * this.unit, Home: 0, End: this.bytes.length,
    }[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (to !== undefined) this.move(index, to);
    else if (event.key === 'Enter') this.slits[(index + 1) % this.slits.length].focus();
    else if (event.key === 'Delete' || event.key === 'Backspace') this.remove(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  pressed(event) {
    const at = this.nearest(event);
    if (at > 0 && at < this.bytes.length) this.add(at);
  }

  // After how many bytes the gap is that is nearest to the pointer.
  nearest(event) {
    const firsts = this.cells.filter((_, index) => index % this.columns === 0);
    const row = Math.max(0, firsts.findLastIndex((cell) => cell.getBoundingClientRect().top <= event.clientY));
    const column = Math.round((event.clientX - this.tape.getBoundingClientRect().left) / this.pitch);
    const cell = row * this.columns + Math.min(this.columns, Math.max(0, column));
    return Math.min(cell * this.unit, this.bytes.length);
  }

  resized() {
    this.measure();
    this.lay();
  }

  // Few bytes are drawn large; of many there are as many in a row as have room, a multiple of four if that is not small.
  measure() {
    const width = this.element.clientWidth - PITCH[0] / 2;
    const cells = Math.max(1, this.cells?.length ?? 1);
    const fit = Math.max(4, Math.floor(width / PITCH[0]));
    this.columns = cells <= fit ? cells : fit - (fit % (fit < 8 ? 2 : 4));
    this.pitch = Math.max(PITCH[0], Math.min(PITCH[1], Math.floor(width / this.columns)));
    this.tape.style.setProperty('--pitch', `${this.pitch}px`);
    this.tape.classList.toggle('large', this.pitch >= 48);
  }

  // Puts cells, slits and words where they belong; two lines of the grid are a row of bytes.
  lay() {
    if (!this.cells) return;
    this.tape.style.gridTemplateColumns = `repeat(${this.columns}, ${this.pitch}px)`;
    this.cells.forEach((cell, index) => this.place(cell, index));
    this.slits.forEach((slit, index) => {
      const at = this.cuts[index];
      this.place(slit, Math.floor((at - 1) / this.unit));
      const says = {
        'aria-label': `cut ${index + 1} of ${this.cuts.length}`, 'aria-valuetext': `after byte ${at}`, 'aria-valuenow': at,
        'aria-valuemin': (this.cuts[index - 1] ?? 0) + 1, 'aria-valuemax': (this.cuts[index + 1] ?? this.bytes.length) - 1,
      };
      for (const [name, value] of Object.entries(says)) slit.setAttribute(name, value);
    });
    for (const lane of this.lanes) lane.remove();
    this.lanes = this.pieces().flatMap((piece, index) => this.lanesOf(piece, index));
    this.tape.append(...this.lanes);
  }

  place(node, cell, line = 1) {
    node.style.gridRow = 2 * Math.floor(cell / this.columns) + line;
    node.style.gridColumn = (cell % this.columns) + 1;
  }

  // From which byte to which; at least one, though it may be empty.
  pieces() {
    const ends = [0, ...this.cuts, this.bytes.length];
    return ends.slice(1).map((end, index) => ({ start: ends[index], end }));
  }

  // A piece has a line below it in each row that it touches, and words where there is most room.
  lanesOf({ start, end }, index) {
    const last = Math.ceil(end / this.unit);
    const parts = [];
    for (let from = Math.ceil(start / this.unit); from < last; from = parts.at(-1).to) {
      parts.push({ from, to: Math.min(last, (Math.floor(from / this.columns) + 1) * this.columns) });
    }
    const widest = parts.find((part) => part.to - part.from === Math.max(...parts.map(({ from, to }) => to - from)));
    return parts.map((part) => {
      const lane = el('span', { class: `lane ${index % 2 ? 'odd' : 'even'}`, 'aria-hidden': 'true' });
      this.place(lane, part.from, 2);
      lane.style.gridColumnEnd = `span ${part.to - part.from}`;
      if (part === widest) {
        const hasRoom = (part.to - part.from) * this.pitch >= WORDS;
        lane.classList.add('said');
        lane.append(el('b', { text: String(index + 1) }), ' ', peerText(hasRoom ? this.said[index] ?? '' : ''));
      }
      return lane;
    });
  }
}
