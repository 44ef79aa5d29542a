/** Sums up to and including each component. */
export function cumulate(ratios: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(ratios.length);
  let sum = 0;
  for (let i = 0; i < ratios.length; i++) {
    sum += ratios[i] as number;
    sums[i] = sum;
  }
  return sums;
}

/** The fewest components whose sum reaches the target; undefined when all of them do not. */
export function componentsFor(sums: Float64Array, target: number): number | undefined {
  // Sums of ratios end a rounding error below what was asked for.
  const at = sums.findIndex((sum) => sum >= target - 1e-9);
  return at < 0 ? undefined : at + 1;
}
