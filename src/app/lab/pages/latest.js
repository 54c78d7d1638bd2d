// Work that is asked for faster than it can be done.
import { delay } from './dom.js';

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
      await delay(PAUSE);
    }
    isBusy = false;
  };
}
