/** The runs that this person has opened, and those held in memory. */
import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import type { RunCard } from "../api/channels.js";
import type { RunFile } from "../api/contract.js";
import { errorCode, errorMessage, VergerError } from "../core/errors.js";
import { RunData } from "../core/explore/index.js";
import { photoRoot } from "../core/explore/root.js";
import { isAddress } from "../core/remote.js";
import { readRunFile } from "../core/run/index.js";
import { lockFile } from "../native/system.js";
import type { Events } from "./events.js";
import { readState, writeState } from "./state-file.js";
import type { Trash } from "./trash.js";

/** Runs kept in the list. */
const MOST_RECENT = 50;
/** Runs held in memory: two to compare, and one just left. */
const MOST_HELD = 3;
const MOSAIC = 8;

const recentSchema = z.array(z.object({ path: z.string(), openedAt: z.string() }));
type Recent = z.infer<typeof recentSchema>[number];

interface Held {
  readonly version: string;
  readonly data: Promise<RunData>;
}

/** A run's name: the same for one folder on every start. */
export function runId(folder: string): string {
  return createHash("sha256").update(folder).digest("hex").slice(0, 16);
}

/** The real folder of a path, or the path made absolute where nothing is there. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return path.resolve(folder);
  }
}

export class RunRegistry {
  private recents: Recent[] | undefined;
  /** In order of use. */
  private readonly held = new Map<string, Held>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly stateFolder: string,
    private readonly events: Events,
    private readonly trash: Trash | undefined,
  ) {}

  /** Every known run, the latest opened first. */
  async cards(): Promise<RunCard[]> {
    return (await this.list()).map((recent) => this.cardOf(recent));
  }

  /** Makes a run folder known. @throws VergerError `run/not-a-run`, `run/newer`, `run/corrupt` */
  async open(folder: string): Promise<RunCard> {
    if (isAddress(folder)) {
      throw new VergerError(
        "run/not-a-run",
        `Expected a run folder of this machine, but received the address ${folder}; bring it here with "verger sync" first.`,
      );
    }
    const real = realFolder(folder);
    if (!readRunFile(real)) {
      throw new VergerError(
        "run/not-a-run",
        `Expected a run folder, but ${real} holds no run.json; choose the folder that --out named.`,
      );
    }
    return this.remember(real);
  }

  /** Puts a run at the head of the list. */
  async remember(folder: string): Promise<RunCard> {
    const real = realFolder(folder);
    const recent = { path: real, openedAt: new Date().toISOString() };
    await this.change((recents) => [recent, ...recents.filter((other) => other.path !== real)].slice(0, MOST_RECENT));
    return this.cardOf(recent);
  }

  async forget(id: string): Promise<void> {
    const { path: folder } = await this.known(id);
    this.close(id);
    await this.change((recents) => recents.filter((other) => other.path !== folder));
  }

  /** @throws VergerError `run/in-use`, `run/no-trash`, `run/not-a-run` */
  async moveToTrash(id: string): Promise<void> {
    const { path: folder } = await this.known(id);
    if (!this.trash) {
      throw new VergerError(
        "run/no-trash",
        `Expected a trash to move ${folder} to, but this system offers none here; delete the folder yourself.`,
      );
    }
    if (!existsSync(path.join(folder, "run.json"))) {
      throw new VergerError(
        "run/not-a-run",
        `Expected a run folder to move to the trash, but ${folder} holds no run.json; take it off the list instead.`,
      );
    }
    // Nothing is taken away from under a job, of this process or another.
    try {
      lockFile(path.join(folder, ".lock")).unlock();
    } catch (cause) {
      if (errorCode(cause) !== "lock/held") throw cause;
      throw new VergerError(
        "run/in-use",
        `Expected to move ${folder} to the trash, but a Verger process is writing to it; stop that job first.`,
        { cause },
      );
    }
    this.close(id);
    await this.trash(folder);
    await this.forget(id);
  }

  close(id: string): void {
    this.held.delete(id);
  }

  /** @throws VergerError `run/unknown` */
  async card(id: string): Promise<RunCard> {
    return this.cardOf(await this.known(id));
  }

  /**
   * A run's rows, read anew when run.json has changed since.
   *
   * @throws VergerError `run/unknown`, what `RunData.open` throws
   */
  async data(id: string): Promise<RunData> {
    const { path: folder } = await this.known(id);
    const version = versionOf(folder);
    let held = this.held.get(id);
    if (held?.version !== version) {
      held = { version, data: RunData.open(folder) };
      const opened = held;
      held.data.catch(() => {
        if (this.held.get(id) === opened) this.held.delete(id);
      });
    }
    this.held.delete(id);
    this.held.set(id, held);
    for (const oldest of this.held.keys()) {
      if (this.held.size <= MOST_HELD) break;
      this.held.delete(oldest);
    }
    const data = await held.data;
    if (await data.refreshLabels()) this.labelsChanged(id, data);
    return data;
  }

  labelsChanged(id: string, data: RunData): void {
    this.events.emit({ type: "run.changed", run: id, what: "labels", revision: data.revision });
  }

  /** Tells clients that a job has changed a run. */
  contentChanged(folder: string): void {
    this.events.emit({ type: "run.changed", run: runId(realFolder(folder)), what: "content", revision: 0 });
    this.events.emit({ type: "runs" });
  }

  private async known(id: string): Promise<Recent> {
    const found = (await this.list()).find((recent) => runId(recent.path) === id);
    if (found) return found;
    throw new VergerError(
      "run/unknown",
      `Expected a run that has been opened on this machine, but none of them is ${id}; open it by its folder.`,
    );
  }

  private async list(): Promise<Recent[]> {
    this.recents ??= (await readState(this.file, recentSchema)) ?? [];
    return this.recents;
  }

  /** One change after the other; what another process has added meanwhile is kept. */
  private change(edit: (recents: Recent[]) => Recent[]): Promise<void> {
    const next = this.turn.then(async () => {
      const known = await this.list();
      const onDisk = (await readState(this.file, recentSchema)) ?? [];
      const others = onDisk.filter((other) => !known.some((recent) => recent.path === other.path));
      this.recents = edit([...known, ...others]);
      await writeState(this.file, this.recents);
      this.events.emit({ type: "runs" });
    });
    this.turn = next.catch(() => {});
    return next;
  }

  private get file(): string {
    return path.join(this.stateFolder, "recent-runs.json");
  }

  private cardOf({ path: folder, openedAt }: Recent): RunCard {
    const common = { run: runId(folder), path: folder, name: path.basename(folder), openedAt };
    let file: RunFile | undefined;
    let problem: RunCard["problem"] = null;
    try {
      file = readRunFile(folder);
    } catch (error) {
      problem = { code: errorCode(error), message: errorMessage(error) };
    }
    if (!file) {
      problem ??= {
        code: "run/not-a-run",
        message: `Expected the run in ${folder}, but there is no run.json any more; it was moved or deleted.`,
      };
      return { ...common, ...UNREADABLE, problem };
    }
    const { counts, identity, pca } = file;
    const rows = file.state === "done" && photoRoot(file) !== null ? counts.images - counts.setAside : 0;
    return {
      ...common,
      kind: file.kind,
      state: file.state,
      problem: null,
      images: counts.images,
      labels: counts.labels,
      setAside: counts.setAside,
      model: identity?.model ?? null,
      preset: identity?.preset ?? null,
      components: pca?.summary.components ?? null,
      explainedVarianceRatio: pca?.summary.explainedVarianceRatio ?? null,
      seconds: file.timings.total ?? null,
      imagesPerSecond: file.imagesPerSecond,
      createdAt: file.createdAt,
      updatedAt: file.updatedAt,
      version: versionOf(folder),
      mosaic: spread(rows),
    };
  }
}

const UNREADABLE = {
  kind: null,
  state: "unreadable",
  images: 0,
  labels: 0,
  setAside: 0,
  model: null,
  preset: null,
  components: null,
  explainedVarianceRatio: null,
  seconds: null,
  imagesPerSecond: null,
  createdAt: null,
  updatedAt: null,
  version: "0",
  mosaic: [],
} as const satisfies Partial<RunCard>;

/** Up to 8 rows, evenly spread, in the middle of their eighth. */
function spread(rows: number): number[] {
  const wanted = Math.min(MOSAIC, rows);
  return Array.from({ length: wanted }, (_, index) => Math.floor(((index + 0.5) * rows) / wanted));
}

/** Changes whenever run.json is written, which every change of a run's rows is followed by. */
function versionOf(folder: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path.join(folder, "run.json"));
    return createHash("sha256").update(`${mtimeMs} ${size} ${ino}`).digest("hex").slice(0, 12);
  } catch {
    return "0";
  }
}
