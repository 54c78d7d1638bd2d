// Plays all cases of `plainws check --listen` as a client, by the package ws.
const WebSocket = require("ws");

const url = process.argv[2];

function connect(path, onMessage) {
  return new Promise((closed) => {
    const connection = new WebSocket(url + path);
    connection.on("message", (message, binary) => onMessage(connection, message, binary));
    connection.on("error", () => {});
    connection.on("close", closed);
  });
}

async function main() {
  let count = 0;
  await connect("/getCaseCount", (_, message) => (count = Number(message)));
  for (let number = 1; number <= count; number += 1) {
    const echo = (connection, message, binary) => connection.send(message, { binary });
    await connect(`/runCase?case=${number}&agent=ws`, echo);
  }
  await connect("/updateReports?agent=ws", () => {});
}

main();
