// The wire: what passed between this browser and the server, in the order in which it passed.
import { announce, button, count, el, focusOn, many } from './dom.js';
import { payloadLength } from './fields.js';
import { spoken, way, wireRow } from './row.js';
import { connections, saved } from './saved.js';
import { selection } from './selection.js';
import { senderForm } from './sender.js';
import { session } from './session.js';

// Rows that stay; older ones go.
const ROWS = 2000;
const SHOWN = ['head', 'frame', 'body', 'unfinished', 'end', 'dropped'];

export class Wire {
  #lab;
  #list = el('ol', { class: 'rows', 'aria-label': 'Heads and frames, in time order' });
  #problem = el('p', { class: 'problem', role: 'alert' });
  #rows = new Map();

  constructor(element, lab) {
    this.#lab = lab;
    lab.wire = this;
    const form = senderForm({ awaits: (sender) => { this.#awaited = sender; }, problem: this.#problem });
    element.append(form, this.#heading(), this.#list);
    for (const type of SHOWN) session.on(type, (record) => this.#take(record));
    session.on('state', (state) => this.#state(state));
    selection.on((value) => this.#mark(value));
  }

  // --- for the keyboard and the benches ---

  // The record before or after one, of those that can be selected.
  neighbour(record, step) {
    const all = [...this.#rows.keys()];
    const at = all.indexOf(record);
    return at < 0 ? all.at(step > 0 ? 0 : -1) : all[at + step];
  }

  // Brings the row that is selected into sight, and the focus with it if it was on a row.
  reveal(takesFocus) {
    const row = this.#rows.get(selection.value?.record);
    if (!row) return;
    scrollTo(this.#list, row);
    if (takesFocus) row.focus({ preventScroll: true });
  }

  // What is selected, in words: the frame only when it is another one.
  words() {
    const { record } = selection.value ?? {};
    if (!record) return 'Nothing is selected';
    const isNew = this.#told !== record;
    this.#told = record;
    return [isNew ? spoken(record) : '', selection.words(session.fields)].filter(Boolean).join('; ');
  }

  #told = null;

  // A line of its own between the rows.
  note(text, ...more) {
    this.#append(el('li', { class: 'note' }, el('span', { text }), ...more));
  }

  // --- rows ---

  #add(record) {
    if (!record.frame && !record.handshake) return this.note(noteWords(record));
    const row = wireRow(record, { onpress: () => this.#pressed() });
    row.tabIndex = -1;
    this.#rows.set(record, row);
    this.#open(record);
    this.#append(el('li', {}, row));
    this.#close(record);
    this.#choose(record);
    if (this.#rows.size > ROWS) this.#forget();
    if (!this.#stop) this.#stopAt(row);
  }

  #append(item) {
    this.#followEnd();
    (this.#groups.at(-1)?.list ?? this.#list).append(item);
  }

  // Who looks at the end goes on seeing it, unless the focus is on a row. Measured once for all that comes together.
  #followEnd() {
    const list = this.#list;
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    requestAnimationFrame(() => {
      this.#isFollowing = false;
      if (isAtEnd && !list.contains(document.activeElement)) list.scrollTop = list.scrollHeight;
    });
  }

  #isFollowing = false;

  // The one row that Tab stops at.
  #stopAt(row) {
    if (this.#stop) this.#stop.tabIndex = -1;
    this.#stop = row;
    row.tabIndex = 0;
  }

  #stop = null;

  #forget() {
    const [[record, row], [, next]] = this.#rows;
    this.#rows.delete(record);
    if (row === this.#stop) this.#stopAt(next);
    if (row === document.activeElement) next.focus({ preventScroll: true });
    const group = row.closest('.group');
    row.closest('li').remove();
    if (group && !group.querySelector('.row')) group.remove();
  }

  // --- messages of several frames ---

  // Those that are not complete yet. Each has a box, in which stands also what comes between its frames.
  #groups = [];

  #groupOf = ({ c, sender }) => this.#groups.find((group) => group.c === c && group.sender === sender);

  #open(record) {
    const { frame, c, sender, reads } = record;
    if (frame?.status !== 'complete' || !frame.fragment) return;
    if (frame.fragment.index === 0 && !frame.fin) {
      const group = { c, sender, heading: el('p', { class: 'group-heading' }), list: el('ol'), frames: 0, bytes: 0, first: reads?.first };
      this.#append(el('li', { class: 'group' }, group.heading, group.list));
      this.#groups.push(group);
    }
    const group = this.#groupOf(record);
    if (!group) return;
    group.frames += 1;
    group.bytes += payloadLength(frame);
    group.last = reads?.last;
    group.heading.textContent = groupWords(group);
  }

  #close(record) {
    const { frame } = record;
    const isLast = frame && (frame.status !== 'complete' || frame.fragment && frame.fin);
    if (isLast) this.#groups = this.#groups.filter((group) => group !== this.#groupOf(record));
  }

  // --- the selection ---

  #selected = null;
  // Whose frame the form waits for.
  #awaited = null;

  // What the form made is selected as it comes, with the field that was selected before: two keys are soon compared.
  #choose(record) {
    if (!record.frame) return;
    const isAwaited = session.isMain(record.c) && record.sender === this.#awaited;
    if (!isAwaited && selection.value) return;
    this.#awaited = null;
    const name = selection.value?.name;
    if (!name || !selection.field(record, name)) selection.record(record);
    announce(spoken(record));
  }

  // On another bench, pressing a row goes to where its frame is shown.
  #pressed() {
    announce(this.words());
    const { record, name } = selection.value;
    if (!/^(#watch|$)/.test(location.hash)) this.#lab.go(`watch/${record.id}${name ? `.${name}` : ''}`);
  }

  #mark(value) {
    const row = this.#rows.get(value?.record) ?? null;
    if (this.#selected !== row) {
      this.#selected?.removeAttribute('aria-current');
      for (const cell of this.#selected?.querySelectorAll('[data-start]') ?? []) cell.classList.remove('selected', 'touched');
      row?.setAttribute('aria-current', 'true');
      if (row) this.#stopAt(row);
      this.#selected = row;
    }
    for (const cell of row?.querySelectorAll('[data-start]') ?? []) {
      const how = selection.covers(value.record, Number(cell.dataset.start), Number(cell.dataset.end));
      cell.classList.toggle('selected', how === 'all');
      cell.classList.toggle('touched', how === 'some');
    }
  }

  // --- pause, save, open ---

  #isPaused = false;
  #waiting = [];
  // How many of those that came meanwhile are more than the list holds.
  #missed = 0;
  #pauseButton = button('Pause', () => this.pause(), { class: 'quiet', 'aria-pressed': 'false' });

  #heading() {
    const file = el('input', { type: 'file', class: 'unseen', tabindex: -1, 'aria-hidden': 'true' });
    file.addEventListener('change', () => this.#openFile(file));
    return el('div', { class: 'wire-heading' }, el('b', { text: 'this tab' }),
      el('span', { class: 'ways' }, this.#pauseButton,
        button('Save', save, { class: 'quiet', title: 'As text that plainws decode reads' }),
        button('Open', () => file.click(), { class: 'quiet', title: 'A saved session, or anything that plainws decode reads' }), file),
      el('b', { text: 'plainws' }));
  }

  pause() {
    this.#isPaused = !this.#isPaused;
    if (!this.#isPaused) this.#catchUp();
    this.#showPause();
    announce(this.#isPaused ? 'Paused' : 'Goes on');
  }

  #take(record) {
    if (!this.#isPaused) return this.#add(record);
    this.#waiting.push(record);
    if (this.#waiting.length > ROWS) {
      this.#waiting.shift();
      this.#missed += 1;
    }
    this.#showPause();
  }

  #catchUp() {
    if (this.#missed) this.note(`${many(this.#missed, 'record')} of the pause left out: the list holds ${count(ROWS)}`);
    this.#missed = 0;
    for (const record of this.#waiting.splice(0)) this.#add(record);
  }

  #showPause() {
    const waiting = this.#waiting.length + this.#missed;
    this.#pauseButton.setAttribute('aria-pressed', this.#isPaused);
    this.#pauseButton.textContent = this.#isPaused ? (waiting ? `Go on (${count(waiting)})` : 'Go on') : 'Pause';
  }

  async #openFile(input) {
    const [file] = input.files;
    if (!file) return;
    this.#problem.textContent = '';
    try {
      const all = connections(await file.text());
      this.note(`opened: ${file.name}`);
      for (const [name, text] of all) {
        for (const record of session.adopt(await session.ask('open', { text }), name)) this.#add(record);
      }
    } catch (error) {
      this.#problem.textContent = `${file.name}: ${error.message}`;
    }
    input.value = '';
  }

  // --- the session ---

  #again = null;

  #state(state) {
    this.#problem.textContent = '';
    if (state === 'open') session.main();
    if (state === 'lost') return this.#lost();
    if (this.#again?.contains(document.activeElement)) focusOn(this.#list);
    this.#again?.remove();
    this.#again = null;
  }

  #lost() {
    this.#groups = [];
    this.#again = button('Connect again', () => session.start(), { class: 'quiet' });
    this.note(session.wasRefused ? 'There is no session. ' : 'The session is lost. What was seen stays. ', this.#again);
  }
}

function save() {
  const url = URL.createObjectURL(new Blob([saved(session.records)], { type: 'text/plain' }));
  el('a', { href: url, download: 'session.txt' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function scrollTo(list, row) {
  const [box, at] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
  if (at.top < box.top) list.scrollTop += at.top - box.top;
  if (at.bottom > box.bottom) list.scrollTop += at.bottom - box.bottom;
}

const peer = (c) => session.isOwn(c) ? 'the browser' : c;

// "one message of 300,000 bytes: the browser made 3 frames of it, TCP 7 reads"
function groupWords({ c, sender, bytes, frames, first, last }) {
  const number = last - first + 1;
  const [maker, how] = sender === 'client' ? [peer(c), `TCP ${many(number, 'read')}`] : ['plainws', `in ${many(number, 'write')}`];
  return `one message of ${many(bytes, 'byte')}: ${maker} made ${many(frames, 'frame')} of it${number ? `, ${how}` : ''}`;
}

function noteWords(record) {
  const length = many(record.length ?? 0, 'byte');
  switch (record.type) {
    case 'dropped': return `${many(record.records, 'record')} dropped: the page was too slow`;
    case 'body': return `${way(record)}: ${length} of a body`;
    case 'unfinished': return `${way(record)}: ${record.what} unfinished, ${length}`;
    default: return endWords(record);
  }
}

function endWords({ c, ended_by: by, close_code: code, status }) {
  const who = { client: `${peer(c)} ended TCP first`, server: 'plainws ended TCP first', cut: 'TCP was cut' }[by] ?? 'TCP ended';
  const which = session.isOwn(c) && !session.isMain(c) ? `${c}: ` : '';
  return which + who + (code ? `, close code ${code}` : '') + (status && status !== 101 ? `, status ${status}` : '');
}
