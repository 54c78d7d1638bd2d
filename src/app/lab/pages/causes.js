// The causes of the bench "Close". `act` ends an open connection, `why` is said of what came of it: `said` is the browser's own
// Close, `back` a word on a reason that came back, `endedBy` who ended TCP first, `status` the one of a refusal.

// Bytes that no server may send, written as they stand.
const raw = (hex) => ({ c }, session) => session.ask('raw', { c, hex });
export const CAUSES = [
  {
    id: '1000', text: 'The page closes with 1000', call: 'socket.close(1000)', questions: [45, 46],
    act: ({ socket }) => socket.close(1000),
    why: ({ endedBy }) => `Each side sent a Close, and the code came back: a clean end. The server is to end TCP first${endedBy === 'server' ? ', and did' : ''}: whoever does has to keep the old connection in mind for a while (§7.1.1).`,
  },
  {
    id: '4000', text: 'The page closes with 4000 and a reason', call: 'socket.close(4000, "tea is ready")', questions: [59],
    act: ({ socket }) => socket.close(4000, 'tea is ready'),
    why: ({ back }) => `4000 to 4999 mean what page and server agree on (§7.4.2). The reason follows the two bytes of the code, as UTF-8. plainws answers with the same code, as is usual (§5.5.1)${back}.`,
  },
  {
    id: 'no-code', text: 'The page closes without a code', call: 'socket.close()', questions: [44],
    act: ({ socket }) => socket.close(),
    why: () => 'The Close is empty, both ways. 1005 stands for “there was no code”: the page is told so, and nobody ever sends it (§7.4.1).',
  },
  {
    id: 'server-1001', text: 'The server closes with 1001', call: 'Close 1001 “plainws goes away”', questions: [45],
    act: ({ c }, session) => session.ask('close', { c, code: 1001, reason: 'plainws goes away' }),
    why: () => 'No page may send 1001, but it may be told it, with the reason: the browser answered the Close, so the end is clean.',
  },
  {
    id: 'server-no-code', text: 'The server closes without a code', call: 'an empty Close', questions: [44],
    act: ({ c }, session) => session.ask('close', { c, code: null, reason: '' }),
    why: () => 'Again 1005: whichever side sends it, an empty Close says no more than that it is one.',
  },
  {
    id: 'cut', text: 'TCP is cut', call: 'no Close', questions: [43, 56, 57],
    act: ({ c }, session) => session.ask('cut', { c }),
    why: () => 'TCP ended before any Close came. 1006 is the browser’s own word for that; nobody sent it (§7.1.5).',
  },
  {
    id: '1006', text: 'The server puts 1006 on the wire', call: '88 02 03 ee', questions: [43], rule: 'close-code-invalid',
    act: raw('880203ee'),
    why: (seen) => `1006 may not be sent (§7.4.1)${told(seen)}. The page is told 1006 because the connection failed, not because that code stood on the wire.`,
  },
  {
    id: 'masked', text: 'The server sends a masked frame', call: '81 85 37 fa 21 3d 7f 9f 4d 51 58', questions: [19, 56], rule: 'mask-present',
    act: raw('818537fa213d7f9f4d5158'),
    why: (seen) => `A server must not mask (§5.1)${told(seen)}. The page is told 1006 and no reason, so that no page can find out by it what answers at some address.`,
  },
  {
    id: 'not-utf8', text: 'The server sends text that is not UTF-8', call: '81 02 c3 28', questions: [56], rule: 'text-not-utf8',
    act: raw('8102c328'),
    why: (seen) => `Text is UTF-8 (§8.1)${told(seen, 1007)}. The page is told neither what was wrong nor in which message.`,
  },
  {
    id: 'no-websocket', text: 'No WebSocket at this path', call: 'new WebSocket("…/lab/nothing")', questions: [58, 56], path: 'lab/nothing',
    why: ({ status }) => `The answer was ${status ?? 'a refusal'}, where 101 would switch the protocol, so there never was a WebSocket. The console says so; the page is told the same 1006 as if nobody had answered.`,
  },
];

// The one of which the reader chooses code and reason.
export const OWN = { id: 'own', text: 'Your own', questions: [59], why: ({ back }) => `plainws answers with the same code, as is usual (§5.5.1)${back}.` };

// What the browser told the server when it left, which may be more than it tells the page.
function told({ said }, due) {
  if (!said) return ', and this browser left without a word';
  const text = `, and this browser says why it leaves: Close ${said.code ?? 'without a code'}${said.reason ? ` “${said.reason}”` : ''}`;
  return due && said.code !== due ? `${text}, where ${due} would be the code (§7.4.1)` : text;
}
