// Starts the lab: the session, the wire, and the benches by the fragment of the address.
import { announce, button, clear, el, focusOn, markCurrent } from './dom.js';
import { session } from './session.js';
import { selection } from './selection.js';
import { Wire } from './wire.js';
import { listen } from './keys.js';
import { tour } from './tour.js';
import { bench as watch } from './watch.js';
import { bench as handshake } from './handshake.js';
import { bench as breakIt } from './break.js';
import { bench as cut } from './cut.js';
import { bench as close } from './close.js';
import { bench as cost } from './cost.js';
import { bench as build } from './build.js';
import { bench as rules } from './rules.js';
import { bench as questions } from './questions.js';

const benches = [watch, handshake, breakIt, cut, close, cost, build, rules, questions];
const references = new Set([rules, questions]);

const lab = {
  session,
  selection,
  go(fragment) {
    const address = `#${fragment.replace(/^#/, '')}`;
    if (location.hash === address) show();
    else location.hash = address;
  },
  rules: () => session.table('rules'),
  questions: () => session.table('questions'),
  stages: () => session.table('stages'),
};

// --- benches ---

const root = document.querySelector('main');
const built = new Map();
let current = null;
const links = new Map();

function buildNav() {
  const nav = document.querySelector('#benches');
  for (const bench of benches) {
    const link = el('a', { href: `#${bench.id}`, text: bench.title, class: references.has(bench) ? 'reference' : null });
    links.set(bench, link);
    nav.append(link);
  }
}

function sectionOf(bench) {
  if (!built.has(bench)) {
    const section = el('section', { class: `bench bench-${bench.id}`, 'aria-label': bench.title });
    built.set(bench, section);
    root.append(section);
    attempt(section, () => bench.build(section, lab));
  }
  return built.get(bench);
}

function fragment() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1).split('/')[0];
  }
}

function show() {
  let [id, ...rest] = fragment().split('/');
  if (id === 'tour') [id, ...rest] = tour.show(rest.join('/')).split('/');
  const bench = benches.find((bench) => bench.id === id) ?? watch;
  if (bench !== current) {
    current?.leave();
    const section = sectionOf(bench);
    const hadFocus = root.contains(document.activeElement);
    for (const other of built.values()) other.hidden = other !== section;
    if (hadFocus) focusOn(section);
    markCurrent(links.values(), links.get(bench), 'page');
    links.get(bench).scrollIntoView({ block: 'nearest', inline: 'nearest' });
    document.title = `${bench.title} - plainws lab`;
    if (current) scrollTo(0, 0);
    current = bench;
  }
  if (bench.id === id) attempt(built.get(bench), () => bench.show(rest.join('/')));
  else {
    if (id) history.replaceState(null, '', `#${bench.id}`);
    bench.show('');
  }
}

// A bench that fails says so, and leaves the others alone.
function attempt(section, work) {
  try {
    work();
  } catch (error) {
    section.append(el('p', { class: 'problem', role: 'alert', text: `This bench has failed: ${error.message}` }));
    console.error(error);
  }
}

// --- the state of the session ---

const state = document.querySelector('#state');

function showState() {
  const held = state.contains(document.activeElement);
  clear(state);
  const word = session.state === 'open' ? 'open' : session.state;
  state.className = word;
  const seconds = el('span', { id: 'seconds' });
  state.append(el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', { role: 'status', text: word }), seconds);
  if (session.state === 'open') tick();
  if (session.state === 'lost') {
    const why = session.wasRefused ? 'the server gave no session: it has stopped, or other tabs have them all' : 'all that was seen stays';
    seconds.textContent = `, ${why}`;
    state.append(button('Connect again', () => session.start()));
  }
  if (held) focusOn(state);
}

function tick() {
  const seconds = document.querySelector('#seconds');
  if (session.state === 'open') seconds.textContent = `, ${Math.floor((performance.now() - session.since) / 1000)} s`;
}

// --- start ---

// The wire is as high as what the parts above it leave.
const above = [document.querySelector('body > header'), document.querySelector('#tour')];
const measure = new ResizeObserver(() => {
  const height = above.reduce((sum, part) => sum + part.offsetHeight, 0);
  document.documentElement.style.setProperty('--above', `${height}px`);
});
for (const part of above) measure.observe(part);

buildNav();
session.on('state', showState);
session.on('state', (now) => { if (now === 'lost' && !session.wasRefused) announce('The session is lost. What was seen stays.'); });
setInterval(tick, 1000);
lab.questions().then(({ fields }) => {
  session.fields = fields ?? {};
  selection.set(selection.value);
}, () => {});
new Wire(document.querySelector('#wire'), lab);
listen(lab, () => current);
tour.build(document.querySelector('#tour'), lab);
const skip = document.querySelector('#skip');
skip.addEventListener('click', () => focusOn(root));
skip.hidden = false;
document.querySelector('#loading').remove();
addEventListener('hashchange', show);
session.start();
show();
