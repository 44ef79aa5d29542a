/** The candidates most like what was typed, nearest first: for "did you mean" sentences. */
export function nearest(typed: string, candidates: readonly string[], count: number): string[] {
  const wanted = typed.toLowerCase();
  return candidates
    .map((candidate) => ({ candidate, distance: distance(wanted, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Levenshtein distance, where what follows the best matching beginning of `b` counts little: names are abbreviated. */
function distance(a: string, b: string): number {
  if (a === b) return 0;
  if (b.includes(a)) return 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const change = (row[j] ?? 0) + (left === b[j] ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return 1 + Math.min(...row.map((steps, end) => steps + 0.1 * (b.length - end)));
}
