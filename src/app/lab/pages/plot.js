// A plot of totals over time. Its lines differ by dash and mark; a table beside it says the same in figures.
import { clear, el } from './dom.js';
import { bytes } from './figures.js';

const SPANS = [[10, 2], [30, 5], [60, 10], [120, 20], [300, 60], [600, 120]]; // seconds that the axis may show, and steps
const EM = 13; // the letters of the plot, in its own units
const KEPT = 400; // points of a line; one more, and every other one goes, though not the last
const still = matchMedia('(prefers-reduced-motion: reduce)');

export class Plot {
  // lines: [{ id, name }], at most three: the marks are a circle, a square and a triangle.
  constructor(lines) {
    this.lines = lines.map((line, i) => ({ ...line, mark: MARKS[i], nth: i, points: [] }));
    this.svg = svg('svg', { class: 'plot', role: 'img',
      'aria-label': 'Bytes since the start, over time. The table after it holds the same figures.' });
    this.rows = el('tbody');
    this.element = el('figure', { class: 'plot-figure' },
      el('figcaption', { text: 'Bytes, up and down together, since the start' }), this.svg,
      el('details', {}, el('summary', { text: 'The plot as a table' }), this.table()));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  // The sign of a line: its dash with its mark, to stand beside its name.
  sign(id) {
    const line = this.lines.find((line) => line.id === id);
    const sign = svg('svg', { class: 'plot-sign', viewBox: '0 0 36 14', 'aria-hidden': 'true' });
    sign.append(path(line, 'M0 7H36'), line.mark(18, 7, line.id));
    return sign;
  }

  clear() {
    for (const line of this.lines) line.points = [];
    this.draw();
  }

  add(id, seconds, total) {
    const line = this.lines.find((line) => line.id === id);
    line.points.push({ seconds, total });
    if (line.points.length > KEPT) line.points = line.points.filter((_, i) => i % 2 === 0);
    this.drawSoon();
  }

  // Twice a second, or every five seconds for those who want nothing to move.
  drawSoon() {
    if (this.due) return;
    this.due = setTimeout(() => { this.due = undefined; this.draw(); }, still.matches ? 5000 : 500);
  }

  draw() {
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // all grows with the letters of the page
    const width = this.svg.clientWidth / scale;
    if (width === 0) return; // not on the page
    const last = Math.max(0, ...this.lines.map((line) => line.points.at(-1)?.seconds ?? 0));
    const most = Math.max(1000, ...this.lines.map((line) => line.points.at(-1)?.total ?? 0));
    const [span, apart] = SPANS.find(([span]) => span >= last) ?? [last, last / 5];
    const step = niceStep(most);
    const top = Math.ceil(most / step) * step;
    const named = width >= 560; // is there room for names at the ends of the lines?
    const height = 18 * EM;
    const area = { left: 4.5 * EM, right: width - EM * (named ? 8 : 1.5), top: EM, bottom: height - 2 * EM };
    const x = (seconds) => area.left + (area.right - area.left) * seconds / span;
    const y = (total) => area.bottom - (area.bottom - area.top) * total / top;

    clear(this.svg);
    this.svg.setAttribute('height', height * scale);
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    for (let total = 0; total <= top; total += step) this.level(area, y(total), bytes(total).replace('.0', ''));
    for (const seconds of moments(span, width < 480 ? 2 * apart : apart)) this.moment(area, x(seconds), `${seconds} s`);
    for (const line of this.lines) this.line(line, x, y, span, last);
    if (named) this.names(area, x(last), y);
    this.fill(moments(span, apart), last);
  }

  level(area, y, text) {
    this.svg.append(svg('line', { class: 'plot-grid', x1: area.left, x2: area.right, y1: y, y2: y }),
      svg('text', { class: 'plot-text', x: area.left - EM / 2, y: y + EM / 4, 'text-anchor': 'end' }, text));
  }

  moment(area, x, text) {
    this.svg.append(svg('line', { class: 'plot-grid', x1: x, x2: x, y1: area.bottom, y2: area.bottom + 4 }),
      svg('text', { class: 'plot-text', x, y: area.bottom + 1.4 * EM, 'text-anchor': 'middle' }, text));
  }

  // A total stays until the next, so a line climbs in steps. Marks stand a twelfth of the span apart, those of each line
  // at other moments, for two lines may lie on each other.
  line(line, x, y, span, last) {
    if (line.points.length === 0) return;
    const steps = line.points.map(({ seconds, total }) => `H${x(seconds).toFixed(1)}V${y(total).toFixed(1)}`);
    this.svg.append(path(line, `M${x(0)} ${y(0)}${steps.join('')}H${x(last)}`));
    for (let seconds = span * (line.nth + 1) / 36; seconds <= last; seconds += span / 12)
      this.svg.append(line.mark(x(seconds), y(totalAt(line, seconds)), line.id));
  }

  // Names at the ends of the lines, pushed apart where they would meet.
  names({ bottom }, x, y) {
    const ends = this.lines.filter((line) => line.points.length > 0)
      .map((line) => ({ line, y: y(line.points.at(-1).total) + EM / 4 }));
    ends.sort((a, b) => b.y - a.y);
    let free = bottom;
    for (const end of ends) {
      const place = Math.min(end.y, free);
      free = place - 1.2 * EM;
      this.svg.append(svg('text', { class: `plot-name line-${end.line.id}`, x: x + 10, y: place }, end.line.name));
    }
  }

  table() {
    const heads = this.lines.map((line) => el('th', { scope: 'col', text: line.name }));
    return el('table', { class: 'plot-table' },
      el('caption', { text: 'Bytes up to each moment', class: 'unseen' }),
      el('thead', {}, el('tr', {}, el('th', { scope: 'col', text: 'after' }), ...heads)), this.rows);
  }

  fill(moments, last) {
    const times = moments.filter((seconds) => seconds > 0 && seconds <= last);
    if (last > 0 && !times.includes(Math.round(last))) times.push(Math.round(last));
    this.rows.replaceChildren(...times.map((seconds) => el('tr', {}, el('th', { scope: 'row', text: `${seconds} s` }),
      ...this.lines.map((line) => el('td', { text: bytes(totalAt(line, seconds)) })))));
  }
}

const MARKS = [
  (x, y, id) => svg('circle', { class: `plot-mark line-${id}`, cx: x, cy: y, r: 4 }),
  (x, y, id) => svg('rect', { class: `plot-mark line-${id}`, x: x - 4, y: y - 4, width: 8, height: 8 }),
  (x, y, id) => svg('path', { class: `plot-mark line-${id}`, d: `M${x} ${y - 5}L${x + 5} ${y + 4}H${x - 5}Z` }),
];
const DASHES = ['8 4', '2 3', null];

function path(line, d) {
  return svg('path', { class: `plot-line line-${line.id}`, d, 'stroke-dasharray': DASHES[line.nth] });
}

function totalAt(line, seconds) {
  return line.points.findLast((point) => point.seconds <= seconds)?.total ?? 0;
}

function moments(span, apart) {
  return Array.from({ length: Math.floor(span / apart) + 1 }, (_, i) => Math.round(apart * i));
}

// 1, 2 or 5 times a power of ten, so that four or five of them reach `most`.
function niceStep(most) {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => most / step <= 5);
}

function svg(name, attributes, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
