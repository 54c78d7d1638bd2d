// Figures in words: bytes, seconds, shares.

export function bytes(n) {
  return n < 1000 ? `${Math.round(n)} B` : `${(n / 1000).toFixed(n < 100_000 ? 1 : 0)} kB`;
}

export function seconds(s) {
  return s < 0.1 ? `${(s * 1000).toFixed(s < 0.01 ? 1 : 0)} ms` : `${s.toFixed(2)} s`;
}

export function percent(part, whole) {
  if (whole === 0) return '–';
  const share = 100 * part / whole;
  return `${share.toFixed(share < 10 ? 1 : 0)} %`;
}
