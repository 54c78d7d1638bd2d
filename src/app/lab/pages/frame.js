// The one view of a frame, live, broken, cut or answered: its bits, its bytes with the mask as a sum, and its reading.
// What the bits mean comes from the server as spans; here they are only drawn.
import { announce, clear, el, focusOn, hexBytes, rove } from './dom.js';
import { bits, byteRows, DRAWN } from './bytes.js';
import { actions, explained } from './card.js';
import { command } from './command.js';
import { parts, within } from './fields.js';
import { listenIn } from './keys.js';
import { broken, head, heading, reading } from './reading.js';
import { Selection, selection } from './selection.js';
import { session } from './session.js';

const range = ({ dataset }) => [Number(dataset.start), Number(dataset.end)];

export class FrameView {
  #parts = [];
  #card = null;

  // `live` follows the selection of the page, as the wire does; otherwise the view has its own.
  // `plain` leaves out the card and the command, for a bench that shows several frames.
  constructor({ live = false, plain = false } = {}) {
    this.element = el('article', { class: `frame${plain ? ' plain-frame' : ''}` });
    this.selection = live ? selection : new Selection();
    this.plain = plain;
    this.record = null;
    this.selection.on((value) => this.#follow(value, live));
    this.element.addEventListener('click', (event) => this.#pressed(event));
    if (!live) listenIn(this);
    this.show(null);
  }

  // A record of the session, or { frame, sender }; null shows that there is none.
  show(record) {
    const held = this.focused;
    this.record = record;
    this.#card = null;
    clear(this.element);
    if (record?.frame) this.#draw(record);
    else if (record?.handshake) this.element.append(...head(record));
    else this.element.append(el('p', { class: 'muted', text: 'No frame yet. Send something: it will stand on the wire as it passed, and here bit by bit.' }));
    this.#mark();
    if (held) this.focus(held);
  }

  #draw(record) {
    const { frame } = record;
    const bytes = hexBytes(frame.wire ?? '');
    this.#parts = parts(frame);
    this.#card = this.plain ? null : el('aside', { class: 'card', 'aria-label': 'The selected field' });
    this.element.append(...heading(record), broken(record) ?? '', bits(this.#parts, bytes), this.#bytes(bytes, DRAWN),
      el('div', { class: 'lower' }, reading(frame, this.#parts), this.#card));
    if (!this.plain) this.element.append(command(record));
  }

  #bytes(bytes, drawn) {
    const more = (shown) => {
      rows.replaceWith(this.#bytes(bytes, Infinity));
      this.#mark();
      this.element.querySelectorAll('.body-bytes button')[shown].focus();
    };
    const rows = byteRows({ frame: this.record.frame, parts: this.#parts, bytes, drawn, more });
    return rows;
  }

  // --- the selection ---

  #pressed({ target }) {
    const { record, selection } = this;
    if (!record?.frame) return;
    const row = target.closest('tr[data-start]');
    const cell = target.closest('[data-kind]') ?? target.closest('.column')?.querySelector('[data-kind]');
    if (row) selection.field(record, row.dataset.name);
    else if (cell?.dataset.kind === 'byte') selection.press(record, Number(cell.dataset.start) / 8);
    else if (cell) selection.bits(record, ...range(cell));
    if (row || cell) announce(selection.words(session.fields));
  }

  #follow(value, live) {
    if (live && (value?.record ?? null) !== this.record) this.show(value?.record ?? null);
    else this.#mark();
  }

  #mark() {
    if (!this.record?.frame) return;
    const stops = { bit: [], byte: [], row: [] };
    for (const node of this.element.querySelectorAll('[data-start]')) {
      const how = this.selection.covers(this.record, ...range(node));
      node.classList.toggle('selected', how === 'all');
      node.classList.toggle('touched', how === 'some');
      const control = node.dataset.kind ? node : node.querySelector('button');
      control.setAttribute('aria-pressed', how === 'all');
      stops[node.dataset.kind ?? 'row'].push({ control, how });
    }
    for (const group of Object.values(stops)) {
      rove(group.map(({ control }) => control), Math.max(0, group.findIndex(({ how }) => how)));
    }
    if (this.#card) this.#drawCard(this.#card);
  }

  #drawCard(card) {
    const { value } = this.selection;
    const isHere = value?.record === this.record && value.start !== null;
    const found = isHere ? within(this.#parts, value.start, value.end) : [];
    const held = card.contains(document.activeElement);
    card.className = `card field-${found.length === 1 ? found[0].class : 'several'}`;
    card.replaceChildren(...explained(found, value ?? {}), actions(this.record));
    if (held) focusOn(card.querySelector('a, h3') ?? card);
  }

  // --- focus ---

  // What of it has the focus: 'bit', 'byte', 'row', or 'byte' for any other part; null if it is elsewhere.
  get focused() {
    const { activeElement } = document;
    if (!this.element.contains(activeElement)) return null;
    return activeElement.dataset.kind ?? (activeElement.closest('tr') ? 'row' : 'byte');
  }

  // Puts the focus on what is selected: its bit, byte or row.
  focus(kind = 'byte') {
    const nodes = [...this.element.querySelectorAll(kind === 'row' ? '.reading button' : `[data-kind="${kind}"]`)];
    const node = nodes.find((node) => node.tabIndex === 0) ?? nodes[0];
    if (node) node.focus({ preventScroll: true });
    else focusOn(this.element.querySelector('h2') ?? this.element);
  }
}
