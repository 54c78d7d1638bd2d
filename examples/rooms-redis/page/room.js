const [name, status, log, form, input] = ['h1', '[role=status]', '[role=log]', 'form', 'input'].map(
    selector => document.querySelector(selector));
name.textContent = decodeURIComponent(location.pathname.split('/').pop());
document.title = name.textContent;

const show = line => {
    log.append(Object.assign(document.createElement('p'), { textContent: line }));
};

let ws;
// The last id that was seen: where to go on after a loss, at whichever instance.
let since;
let failures = 0;
// What was sent and not answered yet. The answers come in the same order.
let unanswered = [];

const heard = {
    here: ({ id }) => { since = id; failures = 0; status.textContent = 'Connected.'; },
    message: ({ id, text }) => { since = id; show(text); },
    said: () => { unanswered.shift(); },
    refused: ({ text, why }) => { unanswered.shift(); show(`Not said: “${text}” (${why})`); },
    unknown: ({ text, why }) => { unanswered.shift(); show(`Perhaps said, perhaps not: “${text}” (${why})`); },
    away: () => { status.textContent = 'Nothing can be said for the moment.'; },
    back: () => { status.textContent = 'Connected.'; },
    gap: () => { show('Something may be missing here.'); },
};

const connect = () => {
    const query = since ? `?since=${since}` : '';
    ws = new WebSocket(location.origin.replace('http', 'ws') + location.pathname + query);
    ws.onmessage = event => {
        const message = JSON.parse(event.data);
        heard[message.type]?.(message);
    };
    ws.onclose = event => {
        // Whether these were said will be seen: then they come among what was missed.
        for (const text of unanswered) {
            show(`Perhaps said, perhaps not: “${text}”`);
        }
        unanswered = [];
        // A random time, so that not all come back at once, out of a span that doubles with each failure.
        const wait = Math.random() * Math.min(1000 * 2 ** failures++, 30000);
        status.textContent = `Not connected (${event.code} ${event.reason}). The next attempt is in ${Math.ceil(wait / 1000)} s.`;
        setTimeout(connect, wait);
    };
};
connect();

form.onsubmit = event => {
    event.preventDefault();
    // Otherwise it stays where it was typed.
    if (ws.readyState === WebSocket.OPEN && input.value) {
        ws.send(input.value);
        unanswered.push(input.value);
        input.value = '';
    }
};
