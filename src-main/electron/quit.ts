/** The end of the app: asked for while a job is under way, and never before the jobs are saved. */

export interface QuitParts {
  /** Jobs under way or waiting. */
  readonly jobs: () => number;
  /** Asks the person. @returns true to quit */
  readonly ask: () => Promise<boolean>;
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
    if (this.state === "open") void this.end();
  }

  /** The system is shutting down: nobody can be asked. */
  now(): Promise<void> {
    return this.close();
  }

  private async end(): Promise<void> {
    if (this.parts.jobs() > 0) {
      this.state = "asking";
      const quit = await this.parts.ask().catch(() => false);
      // The system may have shut down meanwhile.
      if (this.closing) return;
      if (!quit) {
        this.state = "open";
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
