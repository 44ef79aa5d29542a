/** The runs that this person has opened, and those held in memory. */
import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import type { ResponseOf, RunCard } from "../api/channels.js";
import type { RunFile } from "../api/contract.js";
import { errorCode, problemIn, VergerError } from "../core/errors.js";
import { locatePhotos, RunData } from "../core/explore/index.js";
import { isAddress } from "../core/remote.js";
import { photoRoot, readRunFile } from "../core/run/index.js";
import { lockFile } from "../native/system.js";
import type { Events } from "./events.js";
import { readState, writeState } from "./state-file.js";
import type { Restore, Trash } from "./trash.js";

/** Runs kept in the list. */
const MOST_RECENT = 50;
/** Runs held in memory: two to compare, and one just left. */
const MOST_HELD = 3;
const MOSAIC = 8;

const recentSchema = z.array(
  z.object({
    path: z.string(),
    openedAt: z.string(),
    /** Where people found the photos, if not where the run says. */
    photos: z.string().optional(),
  }),
);
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
  private readonly trashed = new Map<string, { readonly folder: string; readonly restore: Restore }>();
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
        { details: { address: folder } },
      );
    }
    const real = realFolder(folder);
    if (!readRunFile(real)) {
      throw new VergerError(
        "run/not-a-run",
        `Expected a run folder, but ${real} holds no run.json; choose the folder that --out named.`,
        { details: { run: real } },
      );
    }
    return this.remember(real);
  }

  /** Puts a run at the head of the list. */
  async remember(folder: string): Promise<RunCard> {
    const real = realFolder(folder);
    let recent: Recent = { path: real, openedAt: new Date().toISOString() };
    await this.change((recents) => {
      recent = { ...recents.find((other) => other.path === real), ...recent };
      return [recent, ...recents.filter((other) => other.path !== real)].slice(0, MOST_RECENT);
    });
    return this.cardOf(recent);
  }

  /** Looks for the photos of a run in another folder: see the channel `runs.locate`. @throws VergerError `photo/no-folder` */
  async locate(id: string, folder: string | null, save: boolean): Promise<ResponseOf<"runs.locate">> {
    const data = await this.data(id);
    const paths = Array.from({ length: data.rows }, (_, row) => data.pathOf(row));
    const asRecorded = photoRoot(data.file, data.folder);
    if (folder === null) {
      if (save) await this.keepPhotos(id, undefined);
      const root = save ? asRecorded : data.root;
      const known = root !== null && existsSync(root) ? locatePhotos(paths, root, null) : { found: 0, total: 0 };
      return { root, found: known.found, total: known.total, saved: save };
    }
    const { root, found, total } = locatePhotos(paths, folder, asRecorded);
    const saved = save && found > 0;
    if (saved) await this.keepPhotos(id, root);
    return { root, found, total, saved };
  }

  private async keepPhotos(id: string, photos: string | undefined): Promise<void> {
    const { path: folder } = await this.known(id);
    await this.change((recents) =>
      recents.map((recent) => {
        if (recent.path !== folder) return recent;
        const { photos: _, ...others } = recent;
        return photos === undefined ? others : { ...others, photos };
      }),
    );
    this.contentChanged(folder);
  }

  async forget(id: string): Promise<void> {
    const { path: folder } = await this.known(id);
    this.close(id);
    await this.change((recents) => recents.filter((other) => other.path !== folder));
  }

  /**
   * @returns undo: whether `restore` can bring it back
   * @throws VergerError `run/in-use`, `run/no-trash`, `run/not-a-run`
   */
  async moveToTrash(id: string): Promise<{ undo: boolean }> {
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
    const restore = await this.trash(folder);
    if (restore) this.trashed.set(id, { folder, restore });
    await this.forget(id);
    return { undo: restore !== undefined };
  }

  /** Brings back what `moveToTrash` took away. @throws VergerError `run/unknown`, `run/not-restored` */
  async restore(id: string): Promise<RunCard> {
    const trashed = this.trashed.get(id);
    if (!trashed) {
      throw new VergerError(
        "run/unknown",
        `Expected a run that this Verger has moved to the trash, but none of them is ${id}; bring it back in the system's trash.`,
      );
    }
    await trashed.restore();
    this.trashed.delete(id);
    return this.open(trashed.folder);
  }

  /** The folder of a run. @throws VergerError `run/unknown` */
  async folderOf(id: string): Promise<string> {
    return (await this.known(id)).path;
  }

  close(id: string): void {
    this.held.delete(id);
  }

  /** @throws VergerError `run/unknown` */
  async card(id: string): Promise<RunCard> {
    return this.cardOf(await this.known(id));
  }

  /** What `RunCard.version` says, without reading the run. @throws VergerError `run/unknown` */
  async version(id: string): Promise<string> {
    return versionOf(await this.known(id));
  }

  /** @throws VergerError `run/changed` where the run is no longer what the window shows, `run/unknown` */
  async requireVersion(id: string, shown: string | undefined): Promise<void> {
    if (shown === undefined) return;
    const recent = await this.known(id);
    const current = versionOf(recent);
    if (shown === current) return;
    throw new VergerError(
      "run/changed",
      `Expected photos of the run in ${recent.path} as it is now (${current}), but received some of ${shown}; choose them again.`,
    );
  }

  /**
   * A run's rows, read anew when run.json has changed since; the windows are told of that, whoever has changed it.
   *
   * @throws VergerError `run/unknown`, what `RunData.open` throws
   */
  async data(id: string): Promise<RunData> {
    const recent = await this.known(id);
    const version = versionOf(recent);
    let held = this.held.get(id);
    if (held?.version !== version) {
      if (held) this.contentChanged(recent.path);
      held = { version, data: RunData.open(recent.path, recent.photos) };
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

  private cardOf(recent: Recent): RunCard {
    const { path: folder, openedAt, photos } = recent;
    const common = { run: runId(folder), path: folder, name: path.basename(folder), openedAt, located: photos ?? null };
    let file: RunFile | undefined;
    let problem: RunCard["problem"] = null;
    try {
      file = readRunFile(folder);
    } catch (error) {
      problem = problemIn(error);
    }
    if (!file) {
      problem ??= {
        code: "run/not-a-run",
        message: `Expected the run in ${folder}, but there is no run.json any more; it was moved or deleted.`,
        details: { run: folder },
      };
      return { ...common, ...UNREADABLE, problem };
    }
    const { counts, identity, pca } = file;
    const seen = file.state === "done" && (photos ?? photoRoot(file, folder)) !== null;
    const rows = seen ? counts.images - counts.setAside : 0;
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
      version: versionOf(recent),
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

/**
 * Changes whenever run.json is written, which every change of a run's rows is followed by, and when the photos are found
 * elsewhere.
 */
function versionOf({ path: folder, photos }: Recent): string {
  try {
    const { mtimeMs, size, ino } = statSync(path.join(folder, "run.json"));
    const state = `${mtimeMs} ${size} ${ino} ${photos ?? ""}`;
    return createHash("sha256").update(state).digest("hex").slice(0, 12);
  } catch {
    return "0";
  }
}
