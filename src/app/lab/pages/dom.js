// Making elements. Text goes in as text only, so that what a peer sent can never become markup.

// el('button', { class: 'quiet', text: 'Send', type: 'button', onclick: send }, child, …)
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'text') node.textContent = value;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children);
  return node;
}

export function clear(node) {
  node.replaceChildren();
}
