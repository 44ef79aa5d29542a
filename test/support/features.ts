/** Feature vectors drawn for tests. */

/** Uniform numbers in [-1, 1) from a 32-bit seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  };
}

/** n rows of d features, row-major: eight latent factors of falling weight plus noise. */
export function correlatedRows(n: number, d: number, seed: number): Float32Array {
  const next = uniform(seed);
  const factors = 8;
  const weights = Float32Array.from({ length: factors * d }, (_, i) => next() / (1 + Math.floor(i / d)));
  const rows = new Float32Array(n * d);
  const latent = new Float32Array(factors);
  for (let i = 0; i < n; i += 1) {
    for (let f = 0; f < factors; f += 1) latent[f] = next();
    for (let j = 0; j < d; j += 1) {
      let value = 0.1 * next();
      for (let f = 0; f < factors; f += 1) value += (latent[f] as number) * (weights[f * d + j] as number);
      rows[i * d + j] = value;
    }
  }
  return rows;
}
