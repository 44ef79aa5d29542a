/** Medians and spreads of repeated measurements. */

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @typedef {{ median: number, min: number, max: number, n: number }} Summary
 * @param {readonly number[]} values at least one
 * @returns {Summary}
 */
export function summarise(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), n: values.length };
}
