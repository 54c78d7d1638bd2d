// Counts what the clock on this page has cost, and what it would have cost to ask for the time each second. Tells the
// scheme of the addresses.
import { passed } from './clock.js';
import { socketAddress } from './connection.js';

const [socketPassed, socketBytes, pollPassed, pollBytes, asked, answered] =
  ['socket-passed', 'socket-bytes', 'poll-passed', 'poll-bytes', 'asked', 'answered']
    .map((id) => document.getElementById(id));

const REQUEST_LENGTH = 'request-length'; // the header in which the server tells it
const LINE_END = 2;

let poll; // bytes of a request for the time and of its answer, once they are measured

// A page does not see what its browser sends, so the server says how long the request was. The answer is measured
// here, as HTTP/1.1 has it, but for the header that says so: it would not be there otherwise.
async function measure() {
  const answer = await fetch('time');
  if (!answer.ok) throw new Error(`the time was refused with ${answer.status}`);
  const body = await answer.arrayBuffer();
  let bytes = `HTTP/1.1 ${answer.status} ${answer.statusText}`.length + LINE_END + LINE_END + body.byteLength;
  for (const [name, value] of answer.headers) {
    if (name !== REQUEST_LENGTH) bytes += `${name}: ${value}`.length + LINE_END;
  }
  poll = { asked: Number(answer.headers.get(REQUEST_LENGTH)), answered: bytes };
  asked.textContent = number(poll.asked);
  answered.textContent = number(poll.answered);
  show();
}

function show() {
  socketPassed.textContent = `${counted(passed.connections, 'handshake')}, ${counted(passed.frames, 'message')}`;
  socketBytes.textContent = number(passed.bytes);
  // The clock of performance.now() begins when the page is opened, and that is when polling would have begun.
  const requests = Math.floor(performance.now() / 1000) + 1;
  pollPassed.textContent = counted(requests, 'request');
  if (poll) pollBytes.textContent = number(requests * (poll.asked + poll.answered));
}

function counted(count, thing) {
  return `${number(count)} ${thing}${count === 1 ? '' : 's'}`;
}

function number(value) {
  return Number.isNaN(value) ? '–' : value.toLocaleString('en');
}

setInterval(show, 1000);
show();
measure().catch(() => { /* then what polling costs is not known, and not shown */ });

const scheme = new URL(socketAddress()).protocol;
for (const place of document.getElementsByClassName('scheme')) place.textContent = scheme;
document.getElementById('other-scheme').hidden = true;
