/**
 * A run as an interface explores it: rows, labels, columns, scores, features. Everything is read from the run's Parquet
 * once, when it is first asked for, and held as typed arrays; what would take more than a stated bound is streamed.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import type { RunFile } from "../../api/contract.js";
import type { PcaModel } from "../../native/linalg.js";
import { numbersOf } from "../embed/photo-facts.js";
import { VergerError } from "../errors.js";
import { openFeatures } from "../features/index.js";
import { LabelOverlay } from "../labels/overlay.js";
import { compareCodePoints } from "../manifest/index.js";
import { loadPcaModel } from "../pca/model-file.js";
import { listParts, photoRoot, readRunFile } from "../run/index.js";
import { columnBlocks, countRows, originalColumn } from "./columns.js";
import { type Neighbours, nearest } from "./neighbours.js";
import { outlierScores } from "./outliers.js";
import { SearchIndex } from "./search.js";

/** Scores of a PCA that are held in memory: 1,000,000 rows of 64 components. More are streamed from disk. */
const HELD_SCORE_BYTES = 2 ** 28;

/** What the window may know of every row. */
export type ColumnName = "width" | "height" | "size" | "captured" | "modified";

/** A label and how many rows have it; `name` is null for rows without one. */
export interface LabelCount {
  readonly name: string | null;
  readonly rows: number;
}

/** Consecutive rows of the PCA, row-major. */
interface ScoreBlock {
  readonly start: number;
  readonly rows: number;
  readonly scores: Float32Array;
}

interface Base {
  readonly paths: readonly string[];
  readonly originalIds: Uint32Array;
  readonly width: Float64Array | undefined;
  readonly height: Float64Array | undefined;
  /** Microseconds, as `CaptureTime.capturedAt`; NaN where unknown, undefined where no row is known. */
  readonly captured: Float64Array | undefined;
}

/**
 * The last revision of labels given out. One count for all runs of this process: a run that was dropped from memory and is
 * read again must not come with revisions that windows have seen already, for they would take its changes for old news.
 */
let lastRevision = 0;

/** Calls the function once; a failure is not remembered. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** One run folder, as it stood when it was opened. */
export class RunData {
  /** Label names by id: those of the run in code point order, then those that people added. Ids never change. */
  private readonly labelNames: (string | null)[] = [];
  private readonly labelIds = new Map<string | null, number>();
  private readonly overlay: LabelOverlay;
  /** Label id per row with the corrections in effect. */
  private currentIds = new Uint32Array(0);
  /** Grows with every change of labels seen. */
  private labelRevision = ++lastRevision;
  private outliers: { revision: number; scores: Promise<Float32Array> } | undefined;
  private rowOfPath: Map<string, number> | undefined;
  private searchIndex: SearchIndex | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly folder: string,
    readonly file: RunFile,
    readonly components: number,
    private readonly base: Base,
    private readonly model: PcaModel | undefined,
    /** Why the PCA that stands is not shown; null when it is, or when there is none. */
    readonly pcaProblem: VergerError | null,
    private readonly located: string | undefined,
  ) {
    this.overlay = new LabelOverlay(folder);
  }

  /**
   * Reads rows and labels; about 0.1 s for 100,000 rows.
   *
   * @param located the folder that people found the photos in, if not where the run says
   * @throws VergerError `run/not-a-run`, `run/newer`, `run/corrupt`, `labels/*`, Error `parquet/*`, `storage/*`
   */
  static async open(folder: string, located?: string): Promise<RunData> {
    const file = readRunFile(folder);
    if (!file) {
      throw new VergerError(
        "run/not-a-run",
        `Expected a run folder, but ${folder} holds no run.json; choose the folder that --out named.`,
      );
    }
    const features = path.join(folder, "features");
    const pca = path.join(folder, "pca");
    // The rows of a run are those of its features alone, even while there are none: a PCA may be of an earlier state.
    const own = file.kind === "run";
    const names = new Map<string | null, number>();
    const base = await readBase(own ? features : pca, own, names);
    const { model, problem } = await readModel(pca, base.paths.length);
    const data = new RunData(folder, file, model?.components ?? 0, base, model, problem, located);
    data.adoptLabels(names);
    await data.refreshLabels();
    return data;
  }

  /** Rows: images with a feature vector. */
  get rows(): number {
    return this.base.paths.length;
  }

  /** What the paths are relative to: where people found the photos, else where the run says; null where it does not. */
  get root(): string | null {
    const { located } = this;
    // A disk that is not connected today may stand where it stood before.
    return located !== undefined && existsSync(located) ? located : photoRoot(this.file, this.folder);
  }

  /** Which state of the labels this is: larger than that of every state before, of this run or any other of the process. */
  get revision(): number {
    return this.labelRevision;
  }

  get pca(): PcaModel | undefined {
    return this.model;
  }

  get columns(): readonly ColumnName[] {
    const { width, captured } = this.base;
    const inManifest = listParts(path.join(this.folder, "manifest")).length > 0;
    return [
      ...(width ? (["width", "height"] as const) : []),
      ...(inManifest ? (["size"] as const) : []),
      ...(captured ? (["captured"] as const) : []),
      ...(inManifest ? (["modified"] as const) : []),
    ];
  }

  /** When each photo was taken, in microseconds as `CaptureTime.capturedAt`; NaN where unknown, undefined where all are. */
  get capturedAt(): Float64Array | undefined {
    return this.base.captured;
  }

  /** When a photo was taken, in the milliseconds of column `captured`; null where that is unknown. */
  capturedMsOf(row: number): number | null {
    const micros = this.base.captured?.[row] ?? Number.NaN;
    return Number.isNaN(micros) ? null : micros / 1_000;
  }

  /** @throws VergerError `request/invalid` */
  requireRow(row: number): void {
    if (row < this.rows) return;
    throw new VergerError(
      "request/invalid",
      `Expected a row below ${this.rows} of the run in ${this.folder}, but received ${row}; open the run again.`,
    );
  }

  pathOf(row: number): string {
    this.requireRow(row);
    return this.base.paths[row] as string;
  }

  labelOf(row: number): string | null {
    return this.labelNames[this.currentIds[row] as number] ?? null;
  }

  originalLabelOf(row: number): string | null {
    return this.labelNames[this.base.originalIds[row] as number] ?? null;
  }

  isEdited(row: number): boolean {
    return this.currentIds[row] !== this.base.originalIds[row];
  }

  /** Label id per row. A later edit makes a new array. */
  get ids(): Uint32Array {
    return this.currentIds;
  }

  /** By label id. */
  labelCounts(): LabelCount[] {
    const counts = new Array<number>(this.labelNames.length).fill(0);
    for (const id of this.currentIds) counts[id] = (counts[id] as number) + 1;
    return this.labelNames.map((name, id) => ({ name, rows: counts[id] as number }));
  }

  edits(): { rows: number; canUndo: boolean; canRedo: boolean } {
    let rows = 0;
    const { originalIds } = this.base;
    for (const [row, id] of this.currentIds.entries()) if (id !== originalIds[row]) rows += 1;
    return { rows, canUndo: this.overlay.canUndo, canRedo: this.overlay.canRedo };
  }

  /** Takes in corrections that another process has saved. @returns true when labels have changed */
  refreshLabels(): Promise<boolean> {
    return this.inTurn(async () => {
      if (!(await this.overlay.refresh())) return false;
      this.applyOverlay();
      return true;
    });
  }

  /** @throws VergerError `labels/*`, `storage/*`, `request/invalid` */
  editLabels(rows: Uint32Array, label: string | null): Promise<void> {
    return this.inTurn(async () => {
      const paths = Array.from(rows, (row) => this.pathOf(row));
      if (paths.length === 0) return;
      // As the labels of sources are: an é that some keyboards compose of two characters is the same label.
      await this.overlay.edit(paths, label === null ? null : label.normalize("NFC"));
      this.applyOverlay();
    });
  }

  /** @throws VergerError `labels/nothing-to-undo`, `storage/*` */
  undoLabels(): Promise<void> {
    return this.inTurn(async () => {
      await this.overlay.undo();
      this.applyOverlay();
    });
  }

  /** @throws VergerError `labels/nothing-to-undo`, `storage/*` */
  redoLabels(): Promise<void> {
    return this.inTurn(async () => {
      await this.overlay.redo();
      this.applyOverlay();
    });
  }

  /**
   * One value per row, NaN where unknown: pixels, bytes, milliseconds since 1970; of `captured` by the camera's own clock,
   * counted as if that kept UTC.
   *
   * @throws VergerError `request/invalid` for a column that is not there
   */
  async column(name: ColumnName): Promise<Float64Array> {
    if (!this.columns.includes(name)) {
      throw new VergerError(
        "request/invalid",
        `Expected a column of the run in ${this.folder} (${this.columns.join(", ") || "it has none"}), but received ${name}.`,
      );
    }
    if (name === "width" || name === "height") return this.base[name] as Float64Array;
    if (name === "captured") return (this.base.captured as Float64Array).map((micros) => micros / 1_000);
    return (await this.manifestColumns())[name];
  }

  /**
   * Scores along some components, one array each.
   *
   * @throws VergerError `run/no-pca`, `request/invalid`
   */
  async scores(components: readonly number[]): Promise<Float32Array[]> {
    this.requireComponents(components);
    const axes = components.map(() => new Float32Array(this.rows));
    const k = this.components;
    for await (const block of this.scoreBlocks()) {
      for (const [position, component] of components.entries()) {
        const axis = axes[position] as Float32Array;
        for (let row = 0; row < block.rows; row += 1) {
          axis[block.start + row] = block.scores[row * k + component] as number;
        }
      }
    }
    return axes;
  }

  /** @throws VergerError `request/invalid`, `run/no-features`, Error `features/*` */
  async neighbours(row: number, k: number, signal?: AbortSignal): Promise<Neighbours> {
    this.requireRow(row);
    return nearest(await this.features(), row, k, signal);
  }

  /** How far each row lies from the others of its label: see `outlierScores`. @throws VergerError `run/no-pca` */
  outlierScores(): Promise<Float32Array> {
    this.requireComponents([]);
    if (this.outliers?.revision !== this.labelRevision) {
      const scores = outlierScores({
        rows: this.rows,
        components: this.components,
        variances: (this.model as PcaModel).explainedVariance,
        labels: this.currentIds,
        labelCount: this.labelNames.length,
        blocks: () => this.scoreBlocks(),
      });
      this.outliers = { revision: this.labelRevision, scores };
      scores.catch(() => {
        this.outliers = undefined;
      });
    }
    return (this.outliers as { scores: Promise<Float32Array> }).scores;
  }

  /** Rows whose path or label holds every word of the text, ascending. */
  search(text: string): Uint32Array {
    this.searchIndex ??= new SearchIndex(this.base.paths);
    return this.searchIndex.find(text, this.currentIds, this.labelNames);
  }

  /** @throws VergerError `run/no-pca`, `request/invalid` */
  requireComponents(components: readonly number[]): void {
    if (!this.model) {
      if (this.pcaProblem) throw this.pcaProblem;
      throw new VergerError(
        "run/no-pca",
        `Expected the run in ${this.folder} to have principal components, but it has none yet; finish it, or run "verger pca" on it.`,
      );
    }
    for (const component of components) {
      if (component < this.components) continue;
      throw new VergerError(
        "request/invalid",
        `Expected a component below ${this.components}, but received ${component}; the run keeps ${this.components}.`,
      );
    }
  }

  /** All scores in order, from memory or from disk. */
  async *scoreBlocks(): AsyncGenerator<ScoreBlock> {
    if (this.rows * this.components * 4 <= HELD_SCORE_BYTES) yield* await this.heldScores();
    else yield* this.readScores();
  }

  private readonly heldScores = once(async () => {
    const blocks: ScoreBlock[] = [];
    for await (const block of this.readScores()) blocks.push(block);
    return blocks;
  });

  private async *readScores(): AsyncGenerator<ScoreBlock> {
    let start = 0;
    for await (const { pca } of columnBlocks(path.join(this.folder, "pca"), ["pca"])) {
      if (!(pca instanceof Float32Array) || pca.length % this.components !== 0) throw this.changed();
      const rows = pca.length / this.components;
      if (start + rows > this.rows) throw this.changed();
      yield { start, rows, scores: pca };
      start += rows;
    }
    if (start !== this.rows) throw this.changed();
  }

  /** The feature vectors, row by row. @throws VergerError `run/no-features`, `run/changed`, Error `features/*` */
  readonly features = once(async () => {
    const own = this.file.kind === "run";
    const source = own ? this.folder : this.file.featuresFrom;
    if (source === null) {
      throw new VergerError(
        "run/no-features",
        `Expected the run in ${this.folder} to say where its features stand, but it does not; run "verger pca" again.`,
      );
    }
    const features = await openFeatures(source, own ? undefined : (this.file.featureColumns ?? undefined));
    if (features.rows !== this.rows) throw this.changed();
    return features;
  });

  /** Size and time stand in the manifest, whose rows hold those of the run in the same order. */
  private readonly manifestColumns = once(async () => {
    const size = new Float64Array(this.rows).fill(Number.NaN);
    const modified = new Float64Array(this.rows).fill(Number.NaN);
    let row = 0;
    for await (const block of columnBlocks(path.join(this.folder, "manifest"), ["path", "size", "mtime"])) {
      const paths = block.path as (string | null)[];
      for (const [index, name] of paths.entries()) {
        if (row >= this.rows || name !== this.base.paths[row]) continue;
        size[row] = Number(block.size?.[index] ?? Number.NaN);
        const microseconds = Number(block.mtime?.[index] ?? 0);
        modified[row] = microseconds === 0 ? Number.NaN : microseconds / 1_000;
        row += 1;
      }
    }
    return { size, modified };
  });

  private adoptLabels(names: ReadonlyMap<string | null, number>): void {
    // Ids were given in order of appearance: number them anew in code point order, rows without label last.
    const sorted = [...names.keys()].sort((a, b) => (a === null ? 1 : b === null ? -1 : compareCodePoints(a, b)));
    const renumbered = new Uint32Array(names.size);
    for (const name of sorted) renumbered[names.get(name) as number] = this.labelId(name);
    const { originalIds } = this.base;
    for (let row = 0; row < originalIds.length; row += 1) {
      originalIds[row] = renumbered[originalIds[row] as number] as number;
    }
    this.currentIds = originalIds.slice();
  }

  private labelId(name: string | null): number {
    let id = this.labelIds.get(name);
    if (id === undefined) {
      id = this.labelNames.length;
      this.labelNames.push(name);
      this.labelIds.set(name, id);
    }
    return id;
  }

  private applyOverlay(): void {
    const { paths, originalIds } = this.base;
    const { labels } = this.overlay;
    if (labels.size > 0) this.rowOfPath ??= new Map(paths.map((name, row) => [name, row]));
    const ids = originalIds.slice();
    for (const [name, label] of labels) {
      // Corrections of images that are set aside, or gone from the source, wait until they are back.
      const row = this.rowOfPath?.get(name);
      if (row !== undefined) ids[row] = this.labelId(label);
    }
    this.currentIds = ids;
    this.labelRevision = ++lastRevision;
  }

  /** The overlay's calls must not overlap. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => {});
    return turn;
  }

  private changed(): VergerError {
    return new VergerError(
      "run/changed",
      `Expected the run in ${this.folder} as it was when it was opened, but its files have changed; open it again.`,
    );
  }
}

async function readBase(folder: string, own: boolean, names: Map<string | null, number>): Promise<Base> {
  const rows = await countRows(folder);
  const paths = new Array<string>(rows);
  const originalIds = new Uint32Array(rows);
  const width = own ? new Float64Array(rows) : undefined;
  const height = own ? new Float64Array(rows) : undefined;
  let captured: Float64Array | undefined;
  let at = 0;
  // The parts of a PCA also hold the labels that were corrected when it was made.
  const original = own ? "label" : await originalColumn(folder);
  const wanted = own ? ["path", "label", "width", "height"] : ["path", original];
  for await (const block of columnBlocks(folder, wanted, own ? ["captured_at"] : [])) {
    const labels = block[original] as (string | null)[];
    width?.set(block.width as Int32Array, at);
    height?.set(block.height as Int32Array, at);
    const times = numbersOf(block.captured_at, labels.length);
    if (times.some((time) => !Number.isNaN(time))) {
      captured ??= new Float64Array(rows).fill(Number.NaN);
      captured.set(times, at);
    }
    for (const [index, name] of (block.path as (string | null)[]).entries()) {
      const label = labels[index] ?? null;
      let id = names.get(label);
      if (id === undefined) {
        id = names.size;
        names.set(label, id);
      }
      paths[at] = name ?? "";
      originalIds[at] = id;
      at += 1;
    }
  }
  return { paths, originalIds, width, height, captured };
}

async function readModel(
  folder: string,
  rows: number,
): Promise<{ model: PcaModel | undefined; problem: VergerError | null }> {
  if (listParts(folder).length === 0) return { model: undefined, problem: null };
  const scored = await countRows(folder);
  if (scored !== rows) {
    return {
      model: undefined,
      problem: new VergerError(
        "run/no-pca",
        `Expected the components of ${rows} rows, but those that stand are of ${scored}: they belong to an earlier state of ` +
          "this run; finish the run to renew them.",
      ),
    };
  }
  try {
    return { model: await loadPcaModel(folder), problem: null };
  } catch (error) {
    if (error instanceof VergerError) return { model: undefined, problem: error };
    throw error;
  }
}
