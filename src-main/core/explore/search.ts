/** Text search over paths and labels. */

const ASCII = /^[\0-\x7f]*$/;

/** Lower case without accents: `Pêche` and `peche` are the same word to whoever types. */
export function folded(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
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
    const inLabel = words.map((word) => Uint8Array.from(foldedNames, (name) => (name.includes(word) ? 1 : 0)));
    const found = new Uint32Array(this.paths.length);
    let count = 0;
    for (let row = 0; row < this.paths.length; row += 1) {
      const path = this.paths[row] as string;
      const label = labels[row] as number;
      if (words.every((word, index) => inLabel[index]?.[label] === 1 || path.includes(word))) found[count++] = row;
    }
    return found.slice(0, count);
  }
}
