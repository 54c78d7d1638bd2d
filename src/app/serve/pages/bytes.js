// How a message and its echo stood on the wire. The server has taken the frames apart: here is only shown what it says.

const [title, note, sent, received] =
  ['wire-title', 'wire-note', 'sent-bytes', 'received-bytes'].map((id) => document.getElementById(id));

// What the server received is what this page sent, and the other way round.
export function showBytes(told) {
  title.textContent = 'Your latest message on the wire';
  note.textContent = `The server received ${told.received.bytes} bytes for it, as they stand here. ` +
    'The key is new each time, so the same message never looks the same.';
  fill(sent, told.received);
  received.hidden = !told.sent; // it may not have been written yet when this was told
  if (told.sent) fill(received, told.sent);
}

function fill(table, { frames, omitted }) {
  const rows = frames.flatMap((frame, i) => {
    const heading = frames.length > 1 ? [row('', [`Frame ${i + 1}`])] : [];
    return heading.concat(frame.map(([bytes, ...meanings]) => row(bytes, meanings)));
  });
  if (omitted) rows.push(row('…', [`and ${omitted} more of ${frames.length + omitted} frames`]));
  table.tBodies[0].replaceChildren(...rows);
}

// The meanings quote the payload, which is the visitor's: they only ever become textContent.
function row(bytes, meanings) {
  const code = document.createElement('code');
  code.textContent = bytes;
  const line = document.createElement('tr');
  line.insertCell().append(code);
  const cell = line.insertCell();
  for (const meaning of meanings) {
    cell.append(document.createElement('div'));
    cell.lastElementChild.textContent = meaning;
  }
  return line;
}
