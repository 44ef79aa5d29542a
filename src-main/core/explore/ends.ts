/** The rows at both ends of a component. */

/** Row numbers and their scores, outermost first. */
export interface Ends {
  readonly low: Uint32Array;
  readonly lowScores: Float32Array;
  readonly high: Uint32Array;
  readonly highScores: Float32Array;
}

/** @param axis the score of every row; equal scores are ordered by row */
export function endsOf(axis: Float32Array, count: number): Ends {
  const order = Uint32Array.from(axis, (_, row) => row).sort((a, b) => {
    const difference = (axis[a] as number) - (axis[b] as number);
    return difference || a - b;
  });
  const low = order.slice(0, count);
  const high = order.slice(Math.max(0, order.length - count)).reverse();
  const scores = (rows: Uint32Array): Float32Array => Float32Array.from(rows, (row) => axis[row] as number);
  return { low, lowScores: scores(low), high, highScores: scores(high) };
}
