/** Round values along an axis. */

/**
 * About `wanted` round values (1, 2 or 5 times a power of ten apart) between two limits, inclusive.
 *
 * @returns ascending; empty when the limits are equal or not finite
 */
export function ticks(low: number, high: number, wanted: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span) || wanted < 1) return [];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  // The nearest by ratio: between 1 and 2 the border is the square root of 2, and so on.
  const step =
    (rough / power < Math.SQRT2 ? 1 : rough / power < Math.sqrt(10) ? 2 : rough / power < Math.sqrt(50) ? 5 : 10) *
    power;
  const values: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    values.push(Number((i * step).toPrecision(12)));
  return values;
}
