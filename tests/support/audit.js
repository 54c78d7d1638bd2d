// What is wrong with how a page looks and is reached: text of too little contrast, targets that are too small or have no name, and
// what reaches over the edge. An expression; its value is a list of sentences.
(() => {
  const found = new Set();
  const say = (what, node) => {
    const name = node.localName + (node.id ? '#' + node.id : '') + [...node.classList].map((c) => '.' + c).join('');
    found.add(`${what}: ${name} “${(node.textContent ?? '').trim().slice(0, 30)}”`);
  };
  const isShown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });

  // Colours that are on their way count as arrived.
  for (const animation of document.getAnimations()) animation.finish();

  // Contrast, by WCAG 2.2.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colours = new Map();
  const rgba = (text) => {
    if (!colours.has(text)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = '#000';
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      colours.set(text, [r, g, b, a / 255]);
    }
    return colours.get(text);
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = (node) => {
    if (!node) return rgba(getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#fff');
    const own = rgba(getComputedStyle(node).backgroundColor);
    return own[3] === 1 ? own : over(own, ground(node.parentElement));
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !isShown(node) || node.closest('[disabled], .unseen, script, style, noscript')) continue;
    looked += 1;
    const style = getComputedStyle(node);
    const back = ground(node);
    const ratio = contrast(over(rgba(style.color), back), back);
    if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}`, node);
  }
  if (looked < 10) found.add(`only ${looked} texts were looked at`);

  // Targets. A link within a sentence is as high as its line.
  const isInSentence = (node) => getComputedStyle(node).display === 'inline' && node.closest('p, li, dd, td, figcaption, caption');
  for (const node of document.querySelectorAll('a[href], button, input, select, textarea, summary, [role="slider"], [tabindex="0"]')) {
    if (!isShown(node) || node.closest('.unseen')) continue;
    const box = node.getBoundingClientRect();
    const label = node.labels?.[0]?.getBoundingClientRect();
    const size = Math.min(Math.max(box.width, label?.width ?? 0), Math.max(box.height, label?.height ?? 0));
    if (size < 23.9 && !isInSentence(node)) say(`target of ${size.toFixed(1)} px`, node);
    const name = node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.labels?.length || node.textContent.trim() || node.title;
    if (!name) say('no name', node);
  }

  // Nothing reaches over the edge but what can be moved by itself.
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) found.add(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${width}`);
  const canMove = (node) => node && (getComputedStyle(node).overflowX !== 'visible' || canMove(node.parentElement));
  for (const node of document.body.querySelectorAll('*')) {
    if (!isShown(node) || node.closest('.unseen')) continue;
    const box = node.getBoundingClientRect();
    if (box.width && box.right > width + 1 && !canMove(node.parentElement)) say(`reaches to ${box.right.toFixed(0)} of ${width} px`, node);
  }
  return [...found];
})()
