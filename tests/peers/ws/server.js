// Sends each message back, by the package ws. Its limit for messages, 100 MiB, is enough for all cases.
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => console.log(`ws://127.0.0.1:${server.address().port}`));
server.on("connection", (connection) => {
  connection.on("error", () => {});
  connection.on("message", (message, binary) => connection.send(message, { binary }));
});
