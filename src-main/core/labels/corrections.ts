/** The label corrections of a run, as jobs use them. */
import { createHash } from "node:crypto";
import type { RunFile } from "../../api/contract.js";
import type { FeatureBlock, FeatureSource } from "../features/source.js";
import { compareCodePoints } from "../manifest/order.js";
import { LabelOverlay } from "./overlay.js";

/** Corrections in effect at one moment. */
export interface Corrections {
  /** Label by image path; null takes the label away. */
  readonly labels: ReadonlyMap<string, string | null>;
  /** SHA-256 (hex) over them, whatever the order they were made in; null where there are none. */
  readonly digest: string | null;
}

export const NO_CORRECTIONS: Corrections = { labels: new Map(), digest: null };

/**
 * Reads the corrections that stand beside a run.
 *
 * @throws VergerError `labels/corrupt`, `labels/newer`
 */
export async function readCorrections(folder: string): Promise<Corrections> {
  const overlay = new LabelOverlay(folder);
  await overlay.refresh();
  const { labels } = overlay;
  if (labels.size === 0) return NO_CORRECTIONS;
  const hash = createHash("sha256");
  for (const entry of [...labels].sort(([a], [b]) => compareCodePoints(a, b)))
    hash.update(`${JSON.stringify(entry)}\n`);
  return { labels, digest: hash.digest("hex") };
}

/** The label of an image with the corrections in effect. */
export function correctedLabel({ labels }: Corrections, path: string, label: string | null): string | null {
  const corrected = labels.get(path);
  return corrected === undefined ? label : corrected;
}

/** Features whose labels are those that people corrected. */
export function withCorrections(source: FeatureSource, corrections: Corrections): FeatureSource {
  if (corrections.labels.size === 0) return source;
  return {
    dimension: source.dimension,
    rows: source.rows,
    files: source.files,
    async *blocks(options): AsyncGenerator<FeatureBlock, void, void> {
      for await (const block of source.blocks(options)) {
        const labels = block.labels.map((label, row) => correctedLabel(corrections, block.paths[row] ?? "", label));
        yield { ...block, labels };
      }
    },
  };
}

/** What run.json says of the corrections that `pca/` carries. */
export function applied({ digest }: Corrections, rows: number): NonNullable<RunFile["pca"]>["corrections"] {
  return digest === null ? null : { digest, rows };
}
