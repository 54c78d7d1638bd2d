// Helpers of the two cuts.
import { spaced } from './dom.js';

const PAUSE = 60; // milliseconds from one round of commands to the next

// Does the work one at a time; of the calls that come meanwhile, only the latest counts.
export function latest(work) {
  let isBusy = false;
  let isDue = false;
  return async () => {
    isDue = true;
    if (isBusy) return;
    isBusy = true;
    while (isDue) {
      isDue = false;
      await work();
      await new Promise((done) => { setTimeout(done, PAUSE); });
    }
    isBusy = false;
  };
}

// An event in words.
export function words(event) {
  const [kind, value] = Object.entries(event)[0];
  if (kind === 'message') return event.text === undefined ? `${value} message` : `text “${event.text}”`;
  if (kind === 'close') return `Close ${value ?? 'without a code'}${event.reason ? ` “${event.reason}”` : ''}`;
  return value ? `${kind} ${spaced(value)}` : `${kind}, empty`;
}
