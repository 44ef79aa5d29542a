/** The k largest of a stream of similarities. */

/**
 * Keeps the `k` rows of largest similarity; of equal ones those with the smaller row. A heap of k: rows that are worse
 * than all of it, nearly all, cost one comparison.
 */
export class TopK {
  /** The worst of the chosen stands at the top. */
  private readonly rows: number[] = [];
  private readonly values: number[] = [];

  constructor(private readonly k: number) {}

  offer(row: number, similarity: number): void {
    if (this.rows.length < this.k) {
      this.rows.push(row);
      this.values.push(similarity);
      this.rise();
    } else if (this.k > 0 && isBetter(similarity, row, this.values[0] as number, this.rows[0] as number)) {
      this.rows[0] = row;
      this.values[0] = similarity;
      this.sink();
    }
  }

  /** What is kept so far, best first. */
  best(): { readonly rows: Uint32Array<ArrayBuffer>; readonly similarities: Float64Array<ArrayBuffer> } {
    const { rows, values } = this;
    const order = [...rows.keys()].sort((a, b) =>
      isBetter(values[a] as number, rows[a] as number, values[b] as number, rows[b] as number) ? -1 : 1,
    );
    return {
      rows: Uint32Array.from(order, (at) => rows[at] as number),
      similarities: Float64Array.from(order, (at) => values[at] as number),
    };
  }

  private isWorse(a: number, b: number): boolean {
    const { rows, values } = this;
    return isBetter(values[b] as number, rows[b] as number, values[a] as number, rows[a] as number);
  }

  private swap(a: number, b: number): void {
    const { rows, values } = this;
    [rows[a], rows[b]] = [rows[b] as number, rows[a] as number];
    [values[a], values[b]] = [values[b] as number, values[a] as number];
  }

  private sink(): void {
    for (let at = 0; ; ) {
      let worst = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.rows.length && this.isWorse(child, worst)) worst = child;
      }
      if (worst === at) return;
      this.swap(at, worst);
      at = worst;
    }
  }

  private rise(): void {
    for (let at = this.rows.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.isWorse(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }
}

function isBetter(similarity: number, row: number, than: number, otherRow: number): boolean {
  return similarity > than || (similarity === than && row < otherRow);
}
