// A server by the package ws. It sends back what comes; a text may be an order instead.
//
//     server.js CERT KEY VERSION
const { readFileSync } = require("node:fs");
const { createServer } = require("node:https");
const { WebSocketServer } = require("ws");

const [cert, key, version] = process.argv.slice(2);
const server = createServer({
  cert: readFileSync(cert),
  key: readFileSync(key),
  minVersion: `TLSv${version}`,
  maxVersion: `TLSv${version}`,
  ALPNProtocols: ["http/1.1"],
});

new WebSocketServer({ server, maxPayload: 0 }).on("connection", (connection) => {
  connection.on("pong", () => connection.send("a pong came"));
  connection.on("message", (message, isBinary) => {
    const order = isBinary ? "" : String(message);
    if (order === "fragments") {
      ["in ", "three ", "pieces"].forEach((piece, index) => connection.send(piece, { fin: index === 2 }));
    } else if (order === "ping") {
      connection.ping("are you there?");
    } else if (order === "close") {
      connection.close(4001, "said by the peer");
    } else {
      connection.send(message, { binary: isBinary });
    }
  });
});

server.listen(0, "127.0.0.1", () => console.log(`wss://localhost:${server.address().port}`));
