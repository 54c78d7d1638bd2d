// The ten steps of the tour. Each asks, does something real, and tells what the records show: { text, right, record, name },
// `right` the choice that came true, `record` and `name` what to select on the wire.
import { count, hexBytes, spaced, toHex, utf8Hex, within } from './dom.js';
import { headerLength } from './fields.js';

const PATIENCE = 10000; // ms for a record that is due

export const steps = [
  {
    title: 'Handshake', bench: 'handshake/key', breaks: 'break/accept-wrong', question: 2, place: ['src/protocol/handshake/accept.rs', 'digest'],
    ask: 'The browser sent a key, 16 bytes in base64. What does the server hash?',
    choices: ['the 16 bytes', 'the characters as they are', 'the whole request'],
    async run(lab) {
      const isHead = (record) => record.type === 'head' && record.sender === 'server' && record.handshake.derivation;
      let head = lab.session.records.findLast(isHead);
      if (!head) {
        const due = next(lab, isHead);
        const { socket } = lab.session.open();
        head = await due;
        socket.close(1000);
      }
      const { key, joined, accept } = head.handshake.derivation;
      return {
        right: joined.startsWith(key) ? 1 : 0,
        text: `The ${key.length} characters, and the GUID behind them: the hash in base64 is ${accept}. Nobody decodes the key; the browser computes the same, and compares.`,
        record: head,
      };
    },
  },
  {
    title: 'One text frame', bench: 'watch', breaks: 'break/opcode-reserved', question: 16, place: ['src/protocol/frame.rs', 'decode'],
    ask: '“Hello” has five letters. How many bytes does the browser send?',
    choices: ['5', '7', '11'],
    run: (lab) => send(lab, 'Hello'),
    seen(lab, records) {
      const [sent] = texts(lab, records, 'client');
      const [back] = texts(lab, records, 'server');
      if (!sent || !back) return null;
      const header = headerLength(sent.frame);
      return {
        right: ['5', '7', '11'].indexOf(String(sent.frame.length)),
        text: `${sent.frame.length}: ${header - 4} of header, 4 of key, ${sent.frame.length - header} of payload. `
          + `Back come ${back.frame.length}, because a server does not mask.`,
        record: sent,
      };
    },
  },
  {
    title: 'Masking', bench: 'watch', breaks: 'break/mask-missing', question: 17, place: ['src/protocol/frame.rs', 'mask'],
    ask: 'The same word twice: which bytes differ?',
    choices: ['none', 'all', 'some'],
    async run(lab) {
      await send(lab, 'Hello');
      await send(lab, 'Hello');
    },
    seen(lab, records) {
      const [second, first] = texts(lab, records, 'client').toReversed();
      if (!first || second.frame.payload !== first.frame.payload || second.frame.payload === '') return null;
      const [one, two] = [first, second].map(({ frame }) => hexBytes(frame.wire));
      const differ = (from, to) => two.slice(from, to).filter((byte, at) => byte !== one[from + at]).length;
      const header = headerLength(second.frame) - 4;
      const all = differ(0);
      const same = differ(0, header) === 0 ? ' The header is the same, and so is the word.' : '';
      return {
        right: all === 0 ? 0 : all === two.length ? 1 : 2,
        text: `${all} of ${two.length}: the key is new, and with it ${all === two.length - header ? 'every byte that it masks' : 'the bytes that it masks'}.${same}`,
        record: second, name: 'masking_key',
      };
    },
  },
  {
    title: 'Three lengths', bench: 'watch', breaks: 'break/length-not-minimal', question: 24, place: ['src/protocol/frame.rs', 'decode_length'],
    ask: 'Texts of 125, 126 and 65,536 bytes: how many bytes stand before each payload?',
    choices: ['6, 6, 6', '6, 7, 10', '6, 8, 14'],
    async run(lab) {
      for (const length of [125, 126, 65536]) await send(lab, 'x'.repeat(length));
    },
    seen(lab, records) {
      const sent = texts(lab, records, 'client');
      const found = [125, 126, 65536].map((length) => sent.findLast(({ frame }) => frame.length - headerLength(frame) === length));
      if (found.includes(undefined)) return null;
      const headers = found.map(({ frame }) => headerLength(frame));
      return {
        right: ['6, 6, 6', '6, 7, 10', '6, 8, 14'].indexOf(headers.join(', ')),
        text: `${headers.join(', ')}: the length fits into 7 bits, or takes 2 bytes more, or 8. The 4 bytes of the key are the same in each.`,
        record: found[1], name: 'payload_length_ext_16',
      };
    },
  },
  {
    title: 'The TCP knife', bench: 'cut/two', breaks: 'break/rsv-not-zero', question: 34, place: ['src/protocol/connection.rs', 'receive'],
    ask: 'Two frames come in one read, or byte by byte. How many messages does the program get?',
    choices: ['as many as there were reads', 'two, either way', 'two, or an error for half a frame'],
    async run(lab) {
      const bytes = hexBytes('818337fa213d589444818337fa213d438d4e');
      const middle = 1 + Math.floor((bytes.length - 1) * Math.random());
      const ways = [[bytes.join('')], [bytes.slice(0, middle).join(''), bytes.slice(middle).join('')], bytes];
      const results = [];
      for (const pieces of ways) results.push(await lab.session.ask('judge', { sender: 'client', pieces }));
      const messages = results.map(({ events }) => events.filter((event) => 'message' in event));
      const isSame = messages.every((of) => JSON.stringify(of) === JSON.stringify(messages[0]));
      return {
        right: isSame && messages[0].length === 2 ? 1 : 2,
        text: `${messages.map((of) => of.length).join(', ')}, in ${ways.map((pieces) => pieces.length).join(', ')} reads: ${messages[0].map(({ text }) => `“${text}”`).join(' and ')}. `
          + 'What is not yet a whole frame is kept until the rest comes.',
      };
    },
  },
  {
    title: 'Fragments', bench: 'watch', breaks: 'break/message-interleaved', question: 38, place: ['src/protocol/connection.rs', 'end_frame'],
    ask: 'plainws sends a message in three frames, and a ping after the first. What does this page get?',
    choices: ['three messages', 'one message', 'one, with the ping in it'],
    async run(lab) {
      const payload = utf8Hex('one message');
      const { frames, pong, got } = await fromServer(lab, { payload, fragments: [4, 4, 3], ping_between: '70696e67' }, 'pong');
      return {
        right: got.length !== 1 ? 0 : toHex(new TextEncoder().encode(got[0])) === payload ? 1 : 2,
        text: `${got.length === 1 ? 'One' : got.length}, “${got.join('”, “')}”, out of ${frames.length} frames. The ping was answered on the way, by a pong that says “${text(pong)}”, and the page knows nothing of it.`,
        record: frames[0], name: 'fin',
      };
    },
  },
  {
    title: 'UTF-8 across a cut', bench: 'watch', breaks: 'break/text-not-utf8', question: 37, place: ['src/protocol/utf8.rs', 'complete_character'],
    ask: '“é” is two bytes. One frame ends after the first. What does this page get?',
    choices: ['two broken characters', 'é', 'a closed connection'],
    async run(lab) {
      const { frames, got } = await fromServer(lab, { payload: utf8Hex('é'), fragments: [1, 1], ping_between: null });
      return {
        right: got.join() === 'é' ? 1 : 0,
        text: `“${got.join()}”: ${frames.map(({ frame }) => frame.payload).join(' in one frame, ')} in the next. Only the whole message has to be UTF-8, so nobody may decode frame by frame.`,
        record: frames.at(-1), name: 'payload',
      };
    },
  },
  {
    title: 'Ping the browser', bench: 'watch', breaks: 'break/control-too-long/server', question: 42, place: ['src/net/keepalive.rs', 'poll'],
    ask: 'plainws sends a ping of eight zeros. Who answers?',
    choices: ['this page', 'the browser, by itself', 'nobody'],
    async run(lab) {
      const { c, opened } = lab.session.main();
      await opened;
      await lab.session.ask('ping', { c, payload: '0000000000000000' });
    },
    seen(lab, records) {
      const pong = records.findLast((record) => isKind(lab, record, 'client', 'pong'));
      const ping = records.findLast((record) => isKind(lab, record, 'server', 'ping') && record.frame.payload === pong?.frame.payload);
      if (!ping) return null;
      const isBare = /^0+$/.test(ping.frame.payload) && pong.frame.masked_payload.startsWith(pong.frame.masking_key);
      return {
        right: 1,
        text: `The browser: ${(1000 * (pong.time - ping.time)).toFixed(1)} ms later a pong brought the same ${count(pong.frame.payload.length / 2)} bytes, and the page was not told. `
          + (isBare ? `Zeros show the mask bare: the payload on the wire is the key, ${spaced(pong.frame.masking_key)}, twice.` : 'It is masked, as all that a client sends.'),
        record: pong, name: 'payload',
      };
    },
  },
  {
    title: 'The cut', bench: 'close', breaks: 'break/close-code-invalid/server', question: 43, place: ['src/protocol/close.rs', 'was_cut_off'],
    ask: 'TCP ends, and nobody has sent a Close. Which code is this page told?',
    choices: ['none', '1000', '1006'],
    async run(lab) {
      const connection = lab.session.open();
      await connection.opened;
      await lab.session.ask('cut', { c: connection.c });
      const event = await within(PATIENCE, connection.closed, 'The connection did not end.');
      const closes = lab.session.records.filter(({ c, frame }) => c === connection.c && frame?.opcode_name === 'close').length;
      return {
        right: event.code === 1006 ? 2 : event.code === 1000 ? 1 : 0,
        text: `${event.code}, ${event.wasClean ? 'clean' : 'not clean'}, ${event.reason ? `“${event.reason}”` : 'without a reason'}: ${closes || 'no'} Close was seen, so the browser makes a code up. `
          + 'It is never sent, and many causes end in the same one.',
      };
    },
  },
  {
    title: 'Break ten rules', bench: 'break', breaks: 'break/mask-present/server', breaksText: 'Now this browser', question: 60, place: ['src/protocol/connection.rs', 'fail'],
    ask: 'Ten streams of bytes, one thing wrong in each. How many does the server take?',
    choices: ['all that it can make sense of', 'a few', 'none'],
    async run(lab) {
      const rules = (await lab.rules()).filter((rule) => !rule.is_head && !rule.is_limit && rule.examples.client).slice(0, 10);
      const seen = [];
      for (const rule of rules) {
        const { stream } = await lab.session.ask('judge', { sender: 'client', pieces: [rule.examples.client] });
        seen.push({ rule, violation: stream.violation });
      }
      const refused = seen.filter(({ rule, violation }) => violation?.rule === rule.id);
      const taken = seen.length - refused.length;
      const codes = [...new Set(refused.map(({ violation }) => violation.close_code))];
      const early = refused.filter(({ violation }) => violation.offset === 0).length;
      return {
        right: taken === 0 ? 2 : taken > 5 ? 0 : 1,
        text: `${taken === 0 ? 'None' : taken} of ${seen.length}: each is answered with a Close, ${codes.map((code) => `${refused.filter(({ violation }) => violation.close_code === code).length} with ${code}`).join(' and ')}. `
          + `For ${early} of them the very first byte was enough.`,
      };
    },
  },
];

// --- what the steps do ---

// Sends a text, and waits until it has come back.
async function send(lab, text) {
  const { socket, opened } = lab.session.main();
  await opened;
  const back = next(lab, (record) => isKind(lab, record, 'server', 'text'));
  socket.send(text);
  await back;
}

// Lets the server send a text in fragments: its frames, what the page got, and what the browser sent of `kind` meanwhile.
async function fromServer(lab, fields, kind = null) {
  const { c, socket, opened } = lab.session.main();
  await opened;
  const frames = [];
  const off = lab.session.on('frame', (record) => {
    if (record.c === c && record.sender === 'server' && record.frame.fragment) frames.push(record);
  });
  const got = [];
  const message = new Promise((resolve) => {
    socket.addEventListener('message', ({ data }) => resolve(got.push(data)), { once: true });
  });
  const last = next(lab, (record) => record.c === c && record.sender === 'server' && record.frame?.fragment && record.frame.fin);
  const answer = kind && next(lab, (record) => isKind(lab, record, 'client', kind));
  try {
    await lab.session.ask('send', { c, kind: 'text', ...fields });
    const [, , pong] = await within(PATIENCE, Promise.all([last, message, answer]), 'The message did not come.');
    return { frames, got, pong };
  } finally {
    off();
  }
}

// --- what they see ---

const isKind = (lab, { c, sender, frame }, who, kind) => lab.session.isMain(c) && sender === who && frame?.opcode_name === kind;

const texts = (lab, records, who) => records.filter((record) => isKind(lab, record, who, 'text') && record.frame.fin);

const text = ({ frame }) => new TextDecoder().decode(Uint8Array.from(hexBytes(frame.payload), (byte) => parseInt(byte, 16)));

// The next record for which `is` holds.
function next(lab, is) {
  let off;
  const found = new Promise((resolve) => {
    off = lab.session.on('record', (record) => { if (is(record)) resolve(record); });
  });
  return within(PATIENCE, found, 'What was awaited did not come.').finally(() => off());
}
