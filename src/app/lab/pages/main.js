// Starts the lab: the benches by the fragment of the address.
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
const root = document.querySelector('main');

function show() {
  const [id, ...rest] = location.hash.slice(1).split('/');
  const bench = benches.find((bench) => bench.id === id) ?? watch;
  root.replaceChildren();
  bench.build(root, {});
  bench.show(rest.join('/'));
}
addEventListener('hashchange', show);
show();
