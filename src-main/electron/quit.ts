/** The end of the app: asked for while a job is under way, and never before the jobs are saved. */

/** What a person may want while a job is under way; `background`: the window goes, the job goes on. */
export type Wanted = "quit" | "stay" | "background";

export interface QuitParts {
  /** Jobs under way or waiting. */
  readonly jobs: () => number;
  /** Asks the person. @param closing the window was closed: `background` can be the answer */
  readonly ask: (closing: boolean) => Promise<Wanted>;
  /** The app stays, after a question. */
  readonly stay: (wanted: Exclude<Wanted, "quit">) => void;
  /** Saves the jobs and ends the engine. */
  readonly close: () => Promise<void>;
  /** Ends the app for good. */
  readonly exit: () => void;
}

export class Quit {
  private state: "open" | "asking" | "closing" = "open";

  constructor(private readonly parts: QuitParts) {}

  /** True once the app is ending: windows may go. */
  get closing(): boolean {
    return this.state === "closing";
  }

  /** Listener of `before-quit`. The end is put off: it comes when everything is saved. */
  request(event: { preventDefault(): void }): void {
    event.preventDefault();
    if (this.state === "open") void this.end(false);
  }

  /** Listener of a window's `close` where the last window takes the app along. It must stand while people are asked. */
  requestByWindow(event: { preventDefault(): void }): void {
    if (this.closing) return;
    event.preventDefault();
    if (this.state === "open") void this.end(true);
  }

  /** The system is shutting down: nobody can be asked. */
  now(): Promise<void> {
    return this.close();
  }

  private async end(closing: boolean): Promise<void> {
    if (this.parts.jobs() > 0) {
      this.state = "asking";
      const wanted = await this.parts.ask(closing).catch(() => "stay" as const);
      // The system may have shut down meanwhile.
      if (this.closing) return;
      if (wanted !== "quit") {
        this.state = "open";
        this.parts.stay(wanted);
        return;
      }
    }
    await this.close();
  }

  private async close(): Promise<void> {
    if (this.closing) return;
    this.state = "closing";
    try {
      await this.parts.close();
    } finally {
      this.parts.exit();
    }
  }
}
