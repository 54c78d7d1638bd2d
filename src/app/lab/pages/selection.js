// What is selected: one value for the whole page, a frame and a range of its bits. A bit, a byte, a row of the reading
// and a cell of the wire set it, and all of them show it.
import { parts, place, within } from './fields.js';

export class Selection {
  // null, or { record, start, end, name }: bits that count from the start of the frame, and the field if it is one.
  value = null;
  #listeners = new Set();

  set(value) {
    this.value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  record(record) {
    this.set(record ? { record, start: null, end: null, name: null } : null);
  }

  // Selects a field by its name; false if the frame has none of it.
  field(record, name) {
    const part = parts(record.frame ?? {}).find((part) => part.name === name);
    if (part) this.set({ record, start: part.start, end: part.end, name });
    return Boolean(part);
  }

  bits(record, start, end) {
    const found = within(parts(record.frame), start, end);
    this.set({ record, start, end, name: found.length === 1 ? found[0].name : null });
  }

  // A byte; pressed again, the fields in it one after the other, then the byte once more.
  press(record, byte) {
    const [start, end] = [8 * byte, 8 * byte + 8];
    const found = within(parts(record.frame), start, end);
    const { value } = this;
    const steps = [{ start, end }, ...found.filter((part) => part.start !== start || part.end !== end)];
    const now = value?.record === record ? steps.findIndex((it) => it.start === value.start && it.end === value.end) : -1;
    const next = steps[(now + 1) % steps.length];
    this.bits(record, next.start, next.end);
  }

  // How much of [start, end) is selected in that frame: 'all', 'some' or null.
  covers(record, start, end) {
    const { value } = this;
    if (!value || value.start === null || value.record !== record) return null;
    if (value.start <= start && end <= value.end) return 'all';
    return value.start < end && start < value.end ? 'some' : null;
  }

  // "masking key, bytes 2 to 5"
  words(titles = {}) {
    const { value } = this;
    if (!value?.record.frame || value.start === null) return '';
    const names = within(parts(value.record.frame), value.start, value.end).map((it) => titles[it.name]?.title ?? it.label);
    return `${names.join(', ') || 'not read'}, ${place(value.start, value.end)}`;
  }
}

export const selection = new Selection();
