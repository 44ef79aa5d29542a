/** Text search over paths and labels. */

/** Lower case without accents: `Pêche` and `peche` are the same word to whoever types. */
export function folded(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Paths in the form they are searched in. */
export class SearchIndex {
  private readonly paths: readonly string[];

  constructor(paths: readonly string[]) {
    this.paths = paths.map(folded);
  }

  /**
   * Rows whose path or label holds every word of the text, ascending; all rows for a text without words.
   *
   * @param labels label id per row
   * @param names label names by id
   */
  find(text: string, labels: Uint32Array, names: readonly (string | null)[]): Uint32Array {
    const words = folded(text).split(/\s+/).filter(Boolean);
    const foldedNames = names.map((name) => folded(name ?? ""));
    const found: number[] = [];
    for (const [row, path] of this.paths.entries()) {
      const label = foldedNames[labels[row] as number] ?? "";
      if (words.every((word) => path.includes(word) || label.includes(word))) found.push(row);
    }
    return Uint32Array.from(found);
  }
}
