// The composer of Break it: bytes as hex, as switches for the two bytes of a header, as fields, or as the lines of a
// head. Each follows the others, and none is taken apart here: what stands where is what the server's judge says,
// and a frame is made from fields by the server's encoder.
import { clear, el, many, spaced } from './dom.js';
import { parts } from './fields.js';
import { hexToText, readHex, textToHex } from './text.js';

// What the bits of the first two bytes are called (§5.2), whatever they say.
const NAMES = [['FIN', 1, 'control'], ['RSV', 3, 'control'], ['opcode', 4, 'control'], ['MASK', 1, 'key'], ['length', 7, 'length']];
const EMPTY = { fin: true, rsv: 0, opcode: 1, masked: true, key: '', payload: '', form: null, forced: false, length: null };
const PAUSE = 200; // ms between two questions to the judge while somebody types

export class Composer {
  // changed(): other bytes; judged(result): what they are, or null if nobody can say now.
  constructor(session, { changed, judged }) {
    Object.assign(this, { session, changed, judged });
    this.hex = '';
    this.error = null;
    this.sender = 'client';
    this.at = 0; // which frame the switches and fields are about
    this.frames = [];
    this.fields = { ...EMPTY };
    this.element = el('div', { class: 'composer' });
    this.#buildFrames();
    this.#buildHead();
    this.element.append(this.frameForm, this.headForm);
  }

  // A preset, or bytes of a link; `isHead` is null where only the judge can tell.
  set(hex, sender, isHead) {
    this.sender = sender;
    this.at = 0;
    this.frames = [];
    this.fields = { ...EMPTY, masked: sender === 'client' };
    this.length.value = this.key.value = this.payload.value = '';
    this.#take(hex);
    this.#showForm(isHead);
    this.#judge(0);
  }

  #showForm(isHead) {
    this.isHead = isHead;
    this.frameForm.hidden = Boolean(isHead);
    this.headForm.hidden = !isHead;
    if (isHead) this.lines.value = hexToText(this.hex, '\n');
  }

  #take(hex) {
    this.error = null;
    this.hex = hex;
    this.input.removeAttribute('aria-invalid');
    this.problem.textContent = '';
    if (document.activeElement !== this.input || this.#clean() !== hex) this.input.value = spaced(hex);
    this.size.textContent = many(hex.length / 2, 'byte');
    this.#showBits();
  }

  #clean() {
    try { return readHex(this.input.value); } catch { return null; }
  }

  // Asks what the bytes are, a little later, and only about the latest ones.
  #judge(pause = PAUSE, isOwn = false) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const { hex, sender } = this;
      await this.session.ready();
      if (hex !== this.hex || sender !== this.sender) return;
      const result = hex && hex.length / 2 <= this.most ? await this.session.ask('judge', { sender, pieces: [hex] }).catch(() => null) : null;
      if (hex !== this.hex || sender !== this.sender) return;
      this.frames = result?.stream?.frames ?? [];
      this.at = Math.min(this.at, Math.max(0, this.frames.length - 1));
      if (this.isHead === null && result) this.#showForm(Boolean(result.stream.handshake));
      this.#showFrame(isOwn);
      this.judged(result);
    }, pause);
  }

  // How many bytes one command carries, as hex.
  get most() {
    return Math.floor((this.session.bounds?.command ?? 65536) / 2) - 100;
  }

  get #frame() {
    return this.frames[this.at];
  }

  // Switches

  #buildFrames() {
    this.bits = el('div', { class: 'switches', role: 'group', 'aria-label': 'Bits of the header: arrows move, Space switches' });
    this.switches = [];
    this.captions = [];
    for (const byte of [0, 1]) {
      this.bits.append(this.#buildByte(byte));
    }
    this.bits.addEventListener('keydown', (event) => this.#move(event));
    this.step = el('div', { class: 'step', hidden: true });
    this.input = el('textarea', { id: 'break-hex', class: 'hex', rows: 1, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off',
      'aria-describedby': 'break-problem', oninput: () => this.#typedHex(), onchange: () => this.#tidy() });
    this.size = el('span', { class: 'muted' });
    this.problem = el('p', { id: 'break-problem', class: 'problem' });
    this.frameForm = el('div', { class: 'frame-form' }, this.step, this.bits,
      el('label', { class: 'wide' }, el('span', {}, 'hex ', this.size), this.input), this.problem, this.#buildFields());
  }

  #buildByte(byte) {
    const row = el('div', { class: 'switch-row' });
    const names = el('div', { class: 'switch-row', 'aria-hidden': 'true' });
    let bit = 0;
    for (const [name, count, kind] of byte === 0 ? NAMES.slice(0, 3) : NAMES.slice(3)) {
      names.append(el('span', { class: `name span-${count} field-${kind}` }, el('span', { class: 'bar' }), name));
      for (let of = 0; of < count; of++, bit++) {
        const number = 8 * byte + bit;
        const button = el('button', { type: 'button', class: `switch field-${kind}`, tabindex: number ? -1 : 0, onclick: () => this.#flip(number) });
        button.dataset.name = count === 1 ? `byte ${byte}, ${name}` : `byte ${byte}, ${name}, bit ${of + 1} of ${count}`;
        this.switches.push(button);
        row.append(button);
      }
    }
    const caption = el('div', { class: 'switch-caption' });
    this.captions.push(caption);
    return el('div', {}, caption, row, names);
  }

  get #offset() {
    return this.#frame?.offset ?? 0;
  }

  #showBits() {
    for (const byte of [0, 1]) {
      const at = this.#offset + byte;
      const hex = this.hex.slice(2 * at, 2 * at + 2);
      this.captions[byte].replaceChildren(`byte ${at} `, el('b', { text: hex || '–' }));
      for (let bit = 0; bit < 8; bit++) {
        const button = this.switches[8 * byte + bit];
        const one = hex ? (parseInt(hex, 16) >> (7 - bit)) & 1 : null;
        button.textContent = one ?? '·';
        button.disabled = one === null;
        button.setAttribute('aria-pressed', String(one === 1));
        button.setAttribute('aria-label', `${button.dataset.name}: ${one ?? 'no byte'}`);
      }
    }
  }

  #flip(number) {
    const at = 2 * (this.#offset + (number >> 3));
    const byte = parseInt(this.hex.slice(at, at + 2), 16) ^ (0x80 >> (number & 7));
    this.#take(this.hex.slice(0, at) + byte.toString(16).padStart(2, '0') + this.hex.slice(at + 2));
    this.changed();
    this.#judge();
  }

  #move(event) {
    const now = this.switches.indexOf(document.activeElement);
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: 15 }[event.key];
    if (now < 0 || to === undefined || !this.switches[to]) return;
    event.preventDefault();
    event.stopPropagation();
    for (const [index, button] of this.switches.entries()) button.tabIndex = index === to ? 0 : -1;
    this.switches[to].focus();
  }

  // Hex

  #typedHex() {
    try {
      this.#take(readHex(this.input.value));
      this.#judge();
    } catch (error) {
      this.error = error.message;
      this.problem.textContent = error.message;
      this.input.setAttribute('aria-invalid', 'true');
    }
    this.changed();
  }

  #tidy() {
    if (!this.error) this.input.value = spaced(this.hex);
  }

  // Fields

  #buildFields() {
    const change = (fields) => this.#make(fields);
    this.payload = el('input', { id: 'break-payload', type: 'text', spellcheck: 'false', autocomplete: 'off', oninput: () => change({ payload: textToHex(this.payload.value) }) });
    this.length = el('input', { id: 'break-length', type: 'text', inputmode: 'numeric', size: 12, autocomplete: 'off', oninput: () => change({ length: this.length.value.trim() }) });
    this.masked = el('input', { id: 'break-masked', type: 'checkbox', onchange: () => change({ masked: this.masked.checked }) });
    this.key = el('input', { id: 'break-key', type: 'text', size: 9, maxlength: 11, spellcheck: 'false', autocomplete: 'off', placeholder: 'a new one', oninput: () => change({ key: this.key.value }) });
    this.forms = ['7', '16', '64'].map((form) => el('input', { type: 'radio', name: 'break-form', value: form, onchange: () => change({ form: Number(form) }) }));
    return el('div', { class: 'fields' },
      el('label', { class: 'grow' }, 'payload', this.payload),
      el('fieldset', { class: 'forms' }, el('legend', { text: 'form of the length, bits' }),
        el('div', {}, ...this.forms.map((radio) => el('label', {}, radio, radio.value)))),
      el('label', { class: 'short' }, 'length field', this.length),
      el('label', { class: 'check' }, this.masked, 'masked'),
      el('label', { class: 'short' }, 'key', this.key));
  }

  // Fields of the frame as the judge read it. What it did not read any more stays as it was; and what somebody has just
  // put into a field stays too.
  #showFrame(isOwn) {
    this.#showBits();
    this.#showStep();
    const frame = this.#frame;
    if (!frame) return;
    const { fields } = this;
    const length = parts(frame).findLast((part) => part.name.startsWith('payload_length'));
    Object.assign(fields, {
      fin: frame.fin ?? fields.fin,
      rsv: frame.rsv ?? fields.rsv,
      opcode: frame.opcode ?? fields.opcode,
      masked: frame.mask ?? fields.masked,
      key: frame.masking_key ?? fields.key,
      payload: isOwn ? fields.payload : frame.payload ?? fields.payload,
    });
    const form = Number(/\d+$/.exec(length?.name)?.[0] ?? 7);
    // The judge may have stopped within it; and more than 125 in seven bits is only the name of a longer form.
    const isRead = length?.bits === form && (form > 7 || length.value <= 125);
    if (length && !isOwn) {
      // A length that is no true word, or not the shortest one, stays so when the payload changes.
      if (isRead) fields.length = frame.status === 'complete' ? null : String(length.value);
      fields.forced = form > 7 && length.broken !== undefined;
      fields.form = form;
    }
    if (isRead) this.#put(this.length, String(length.value));
    if (length) for (const radio of this.forms) radio.checked = Number(radio.value) === form && (isRead || form > 7);
    const isWhole = frame.status !== 'complete' || frame.payload.length / 2 === length.value;
    this.payload.disabled = !isWhole;
    this.#put(this.payload, hexToText(fields.payload));
    this.#put(this.key, spaced(fields.key));
    this.masked.checked = fields.masked;
  }

  // Never under the hands of somebody who types.
  #put(input, value) {
    if (input !== document.activeElement) input.value = value;
  }

  #make(change) {
    const { fields } = this;
    Object.assign(fields, change);
    if ('form' in change) fields.forced = true;
    this.changed();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), PAUSE);
  }

  async #ask() {
    const { fields } = this;
    try {
      const key = fields.masked && fields.key ? readHex(fields.key) : null;
      if (key && key.length !== 8) throw new Error('A masking key has four bytes: eight hex digits.');
      if (fields.length && !/^\d{1,20}$/.test(fields.length)) throw new Error('The length is a whole number.');
      // As it stands: a length of 64 bits may be more than a number holds here.
      const length = fields.length ? JSON.rawJSON?.(BigInt(fields.length).toString()) ?? Number(fields.length) : null;
      const { wire } = await this.session.ask('make', { fields: {
        fin: fields.fin, rsv: fields.rsv, opcode: fields.opcode, masked: fields.masked, key,
        form: fields.forced ? fields.form : null, length, payload: fields.payload } });
      this.#replace(wire);
    } catch (error) {
      this.error = error.message;
      this.problem.textContent = error.message;
      this.changed();
    }
  }

  // Puts a frame in the place of the one that the fields are about. Behind one that is not whole there is no other.
  #replace(wire) {
    const frame = this.#frame;
    const start = 2 * this.#offset;
    const end = frame?.status === 'complete' ? start + 2 * frame.length : this.hex.length;
    this.#take(this.hex.slice(0, start) + wire + this.hex.slice(end));
    this.changed();
    this.#judge(0, true);
  }

  // Which of several frames
  #showStep() {
    const { frames, at } = this;
    this.step.hidden = frames.length < 2;
    clear(this.step);
    if (frames.length < 2) return;
    const go = (by) => () => {
      this.at += by;
      this.#showFrame();
      this.step.querySelector(`[data-by="${by}"]:enabled, button:enabled`)?.focus();
    };
    this.step.append(
      el('button', { type: 'button', text: '‹', 'aria-label': 'frame before', 'data-by': -1, disabled: at === 0, onclick: go(-1) }),
      el('span', { text: `frame ${at + 1} of ${frames.length}` }),
      el('button', { type: 'button', text: '›', 'aria-label': 'next frame', 'data-by': 1, disabled: at === frames.length - 1, onclick: go(1) }));
  }

  // A head, line by line

  #buildHead() {
    this.lines = el('textarea', { id: 'break-head', class: 'lines', rows: 9, wrap: 'off', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off',
      'aria-describedby': 'break-head-hint', onkeydown: (event) => this.#enter(event), oninput: () => this.#typedLines() });
    this.headForm = el('div', { hidden: true }, el('label', { class: 'wide' }, 'head', this.lines),
      el('p', { id: 'break-head-hint', class: 'muted', text: '\\r\\n is the end of a line, \\xNN any byte; Enter writes both. Line breaks by themselves are for the eye only.' }));
  }

  #enter(event) {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    const { selectionStart, selectionEnd } = this.lines;
    this.lines.setRangeText('\\r\\n\n', selectionStart, selectionEnd, 'end');
    this.#typedLines();
  }

  #typedLines() {
    this.#take(textToHex(this.lines.value));
    this.changed();
    this.#judge();
  }
}
