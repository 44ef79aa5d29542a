/** How unusual each row is among those of its label. */

export interface OutlierInput {
  readonly rows: number;
  readonly components: number;
  /** Variance along each component. */
  readonly variances: Float64Array;
  /** Label id per row, below `labelCount`. */
  readonly labels: Uint32Array;
  readonly labelCount: number;
  /** All scores in row order, row-major; asked for twice. */
  blocks(): AsyncIterable<{ readonly start: number; readonly rows: number; readonly scores: Float32Array }>;
}

/**
 * The Mahalanobis distance (P. C. Mahalanobis, "On the generalised distance in statistics", 1936) of each row to the
 * centre of its label, in the space of the kept components and with the covariance of the whole run, which is diagonal
 * there. Where all rows share a label this is the square root of Hotelling's T-squared of the PCA model (Jackson,
 * "A User's Guide to Principal Components", 1991, section 1.7). Two passes over the scores. The only row of a label is its own centre: 0.
 */
export async function outlierScores(input: OutlierInput): Promise<Float32Array> {
  const { rows, components, variances, labels, labelCount } = input;
  const centres = new Float64Array(labelCount * components);
  const counts = new Float64Array(labelCount);
  for await (const block of input.blocks()) {
    for (let row = 0; row < block.rows; row += 1) {
      const label = labels[block.start + row] as number;
      counts[label] = (counts[label] as number) + 1;
      for (let j = 0; j < components; j += 1) {
        const at = label * components + j;
        centres[at] = (centres[at] as number) + (block.scores[row * components + j] as number);
      }
    }
  }
  for (let at = 0; at < centres.length; at += 1) {
    centres[at] = (centres[at] as number) / Math.max(1, counts[Math.floor(at / components)] as number);
  }
  // A component without variance says nothing about distance.
  const weights = variances.map((variance) => (variance > 0 ? 1 / variance : 0));
  const scores = new Float32Array(rows);
  for await (const block of input.blocks()) {
    for (let row = 0; row < block.rows; row += 1) {
      const from = (labels[block.start + row] as number) * components;
      let sum = 0;
      for (let j = 0; j < components; j += 1) {
        const difference = (block.scores[row * components + j] as number) - (centres[from + j] as number);
        sum += difference * difference * (weights[j] as number);
      }
      scores[block.start + row] = Math.sqrt(sum);
    }
  }
  return scores;
}
