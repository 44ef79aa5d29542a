/** Job threads for tests of the engine. */
import type { Task } from "../../src-main/engine/jobs/protocol.js";
import type { JobThreadListener, SpawnJobThread } from "../../src-main/engine/jobs/spawn.js";

/** Threads whose every word the test speaks. */
export class Threads {
  readonly started: { readonly task: Task; readonly say: JobThreadListener; stops: number }[] = [];
  readonly spawn: SpawnJobThread = (task, say) => {
    const thread = { task, say, stops: 0 };
    this.started.push(thread);
    return {
      stop: () => {
        thread.stops += 1;
      },
    };
  };

  last() {
    const thread = this.started.at(-1);
    if (!thread) throw new Error("no thread was started");
    return thread;
  }

  cancelled(): void {
    const { say } = this.last();
    say.message({ type: "failed", code: "cancelled", message: "stopped" });
    say.end(null);
  }
}
