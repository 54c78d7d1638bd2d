// The card beside the reading: what the selected field is for, the questions about it, and its place in the code.
import { el, questionLinks } from './dom.js';
import { barValue, place } from './fields.js';
import { codePlace } from './places.js';
import { session } from './session.js';

// `parts` are the fields in what is selected, from bit `start` to `end` of the frame.
export function explained(parts, { start, end }) {
  if (parts.length === 0) return [el('p', { class: 'muted', text: 'Press a bit, a byte or a row to read what it is.' })];
  if (parts.length === 1) return one(parts[0], place(start, end));
  return [
    el('h3', { text: place(start, end) }),
    ...parts.map((part) => el('p', { class: `field-${part.class}` }, el('b', { text: part.label }), el('span', { class: 'meaning', text: ` ${barValue(part)}` }))),
    el('p', { class: 'muted', text: 'Several fields share this byte. Press it again for one of them.' }),
  ];
}

function one(part, where) {
  const field = session.fields[part.name] ?? { text: [`${part.meaning}: ${where}.`] };
  const rule = part.broken ?? part.met;
  return [
    el('h3', { text: field.title ?? part.label }),
    ...field.text.map((text) => el('p', { text })),
    field.note ? el('p', { class: 'muted', text: field.note }) : '',
    questionLinks({ questions: () => session.table('questions') }, field.questions ?? []),
    rule ? el('p', {}, part.broken ? 'broken: ' : 'kept: ', el('a', { href: `#rules/${rule}`, text: rule })) : '',
    field.place ? el('p', {}, codePlace(field.place)) : '',
  ];
}

// Where this frame can be taken to, if it is one of the session.
export function actions({ id }) {
  if (id === undefined) return '';
  return el('p', { class: 'actions' },
    el('a', { class: 'button', href: `#break/frame/${id}`, text: 'Break this frame' }),
    el('a', { class: 'button', href: `#cut/frame/${id}`, text: 'Cut it' }));
}
