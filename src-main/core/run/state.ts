/** run.json while a job changes the run. */
import type { RunFile } from "../../api/contract.js";
import { errorCode, errorMessage, isCancelled } from "../errors.js";
import { peakRssBytes, type Reporter } from "./reporter.js";
import type { RunStore } from "./store.js";

/** What run.json says, written anew with every change. */
export class RunState {
  constructor(
    private readonly store: RunStore,
    private current: RunFile,
  ) {}

  get file(): RunFile {
    return this.current;
  }

  /** @throws VergerError `storage/*`, `s3/*` */
  async save(changes: Partial<RunFile>): Promise<void> {
    this.current = { ...this.current, ...changes, updatedAt: new Date().toISOString() };
    await this.store.write(this.current);
  }

  /** Does the work; where it fails or is stopped, run.json says so before the error goes on. */
  async guard<T>(reporter: Reporter, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const failure = isCancelled(error) ? null : { code: errorCode(error), message: errorMessage(error) };
      // Best effort: the disk that failed the run may fail this too. The parts themselves say what stands.
      await this.save({
        state: this.current.state === "rebuilding" ? "rebuilding" : failure ? "failed" : "interrupted",
        failure,
        timings: { ...this.current.timings, ...reporter.seconds() },
        peakRssBytes: peakRssBytes(),
      }).catch(() => {});
      throw error;
    }
  }
}
