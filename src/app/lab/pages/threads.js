// What a WebSocket holds of this server: fifty connections that say nothing, each with a thread.
import { button, clear, delay, el, many } from './dom.js';

const IDLE = 50;

export class Threads {
  constructor(lab) {
    this.lab = lab;
    this.idle = [];
    this.fifty = button(`Open ${IDLE}`, () => this.turn());
    this.stats = el('tbody');
    this.held = el('p', { class: 'cost-live', 'aria-live': 'polite' });
    this.element = el('section', {}, el('h2', { text: 'What a WebSocket holds' }),
      el('p', { text: 'It waits, and here waiting takes a thread: its stack is address space that is reserved, of which '
        + 'only the pages that were touched are memory. A request that is held open takes a thread too.' }),
      el('p', { class: 'cost-fifty' }, this.fifty, ' ', el('a', { href: '#questions/49', text: 'Why a thread each?' })),
      el('table', { class: 'cost-stats', hidden: true },
        el('caption', { class: 'unseen', text: 'Connections and threads of the server' }),
        el('thead', {}, el('tr', {}, ...['when', 'connections', 'threads', 'stacks']
          .map((text) => el('th', { scope: 'col', text })))),
        this.stats),
      this.held);
  }

  async turn() {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      await (this.idle.length > 0 ? this.closeFifty() : this.openFifty());
    } catch (error) {
      this.held.textContent = `That failed: ${error.message}`;
    }
    this.isBusy = false;
    this.fifty.textContent = this.idle.length > 0 ? `Close ${this.idle.length}` : `Open ${IDLE}`;
  }

  // One after the other: a browser delays those that are asked for while many wait.
  async openFifty() {
    clear(this.stats);
    const before = await this.measure('before');
    const mine = [];
    this.idle = mine;
    while (mine.length < IDLE) {
      const connection = this.lab.session.open('lab/idle');
      mine.push(connection);
      const isOpen = await connection.opened.then(() => true, () => false);
      if (this.idle !== mine) return; // closed meanwhile
      if (!isOpen) throw new Error(`the server took ${mine.length - 1} of ${IDLE}.`);
    }
    const now = await this.measure(`with ${IDLE} more`);
    this.held.textContent = `${IDLE} opened: ${many(now.threads - before.threads, 'thread')} more, each with a stack of `
      + `${mebibytes(now.stack_bytes)}.`;
  }

  async closeFifty() {
    const count = this.idle.length;
    await this.closeIdle();
    const after = await this.measure('closed again');
    this.held.textContent = `${count} closed: ${after.threads} threads.`;
  }

  // Nobody waits forever for a server that does not answer.
  closeIdle() {
    const open = this.idle;
    this.idle = [];
    for (const { socket } of open) socket.close(1000);
    this.fifty.textContent = `Open ${IDLE}`;
    return Promise.race([delay(5000), Promise.allSettled(open.map(({ closed }) => closed))]);
  }

  async measure(when) {
    const now = await this.lab.session.ask('threads');
    this.stats.parentElement.hidden = false;
    const figures = [now.connections, now.threads, mebibytes(now.stack_bytes * now.threads)];
    this.stats.append(el('tr', {}, el('th', { scope: 'row', text: when }),
      ...figures.map((text) => el('td', { text: String(text) }))));
    return now;
  }
}

function mebibytes(n) {
  return `${Math.round(n / 1024 / 1024 * 10) / 10} MiB`;
}
