// A client by the package ws, which says what it expects and did not get.
//
//     client.js URL CA VERSION
const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const { isDeepStrictEqual, inspect } = require("node:util");
const WebSocket = require("ws");

const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
// Pieces are sent as a fragmented message.
const MESSAGES = [
  [""],
  ["Grüße, 世界"],
  [bytes],
  ["in ", "three ", "pieces"],
  [Buffer.alloc(1), Buffer.alloc(70000, 255)],
  [Buffer.alloc(5 * 2 ** 20)],
];

async function main(url, ca, version) {
  const options = {
    ca: readFileSync(ca),
    minVersion: `TLSv${version}`,
    maxVersion: `TLSv${version}`,
    ALPNProtocols: ["h2", "http/1.1"],
    maxPayload: 0,
  };

  const echo = new WebSocket(`${url}/echo`, options);
  const [[response]] = await Promise.all([once(echo, "upgrade"), once(echo, "open")]);
  expect(response.socket.getProtocol(), `TLSv${version}`);
  expect(response.socket.alpnProtocol, "http/1.1");
  for (const pieces of MESSAGES) {
    const isBinary = typeof pieces[0] !== "string";
    pieces.forEach((piece, index) => echo.send(piece, { binary: isBinary, fin: index === pieces.length - 1 }));
    const [got, gotBinary] = await once(echo, "message");
    expect(gotBinary, isBinary);
    expect(got, Buffer.concat(pieces.map((piece) => Buffer.from(piece))));
  }
  echo.ping("are you there?");
  expect(String(await once(echo, "pong")), "are you there?");
  echo.close(4001, "said by the peer");
  expect(String(await once(echo, "close")), "4001,said by the peer");

  const closed = new WebSocket(`${url}/close`, options);
  expect(String(await once(closed, "close")), "4002,said by plainws");
}

function expect(got, expected) {
  if (!isDeepStrictEqual(got, expected)) {
    throw new Error(`${inspect(got).slice(0, 100)} is not ${inspect(expected).slice(0, 100)}`);
  }
}

main(...process.argv.slice(2));
