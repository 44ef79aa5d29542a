/** The main process's end of the engine: asks, gives answers back, and starts the process again when it has crashed. */
import { decodeFrame } from "../api/binary.js";
import type { ApiEvent, Channel, Problem, RequestOf, ResponseOf, ThumbnailSize } from "../api/channels.js";
import { cancelled, errorMessage, VergerError } from "../core/errors.js";
import type { Thumbnail } from "../core/thumbnails/thumbnails.js";
import type { FromEngine, ToEngine, Wish } from "./engine-messages.js";

/** What is needed of Electron's UtilityProcess. */
export interface EngineChild {
  postMessage(message: ToEngine): void;
  on(event: "message", listener: (message: FromEngine) => void): unknown;
  once(event: "exit", listener: (code: number) => void): unknown;
  kill(): boolean;
}

/** What listeners are told. */
export type EngineNews =
  | { readonly type: "event"; readonly event: ApiEvent }
  | { readonly type: "link"; readonly online: boolean };

interface Waiting {
  resolve(message: FromEngine): void;
  reject(error: Error): void;
}

interface Options {
  readonly fork: () => EngineChild;
  /** Each rejects with the reason. */
  readonly wishes: Readonly<Record<Wish, (folder: string) => Promise<void>>>;
}

/** Milliseconds before a crashed engine is started again; the last one repeats. */
const WAITS = [250, 1_000, 5_000];
/** One that has lived this long did not crash at its start. */
const HEALTHY_MS = 60_000;

const REFUSALS: Readonly<Record<Wish, (folder: string, reason: string) => Problem>> = {
  trash: (folder, reason) => ({
    code: "run/no-trash",
    message: `Expected to move ${folder} to the trash, but: ${reason}; delete the folder yourself.`,
  }),
  reveal: (folder, reason) => ({
    code: "run/no-reveal",
    message: `Expected to show ${folder} in the file manager, but: ${reason}; copy the path and open it yourself.`,
  }),
};

type Question = Extract<ToEngine, { type: "call" | "image" }>;
/** `Omit` of a union keeps only what all its members share. */
type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

export class EngineHost {
  private child: EngineChild | undefined;
  private hello: ApiEvent | undefined;
  private lastId = 0;
  private crashes = 0;
  private startedAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;
  private readonly waiting = new Map<number, Waiting>();
  /** Asked before the engine was there. */
  private readonly early: (() => void)[] = [];
  private readonly listeners = new Set<(news: EngineNews) => void>();

  constructor(private readonly options: Options) {}

  /** The first event for whoever begins to listen; undefined while there is no engine. */
  get greeting(): ApiEvent | undefined {
    return this.hello;
  }

  /** Starts the process, unless it is there. */
  start(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.child || this.closing) return;
    const child = this.options.fork();
    this.child = child;
    this.startedAt = Date.now();
    child.on("message", (message) => this.take(child, message));
    child.once("exit", (code) => this.ended(child, code));
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: (news: EngineNews) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * One call, its response as a frame.
   *
   * @throws VergerError what the call throws; `desktop/engine-ended` when the engine crashes meanwhile; `cancelled`
   */
  async call(channel: string, request: unknown, signal?: AbortSignal): Promise<Uint8Array> {
    const message = await this.ask({ type: "call", channel, request }, signal);
    if (message.type !== "answer") throw new Error(`The engine answered a call with ${message.type}.`);
    return message.frame;
  }

  /** One call of the main process's own. @throws VergerError as `call` */
  async request<C extends Channel>(channel: C, request: RequestOf<C>): Promise<ResponseOf<C>> {
    return decodeFrame(await this.call(channel, request)) as ResponseOf<C>;
  }

  /** See `Engine.image`. */
  async image(
    run: string,
    version: string,
    row: number,
    size: ThumbnailSize | "full",
    signal?: AbortSignal,
  ): Promise<Thumbnail> {
    const message = await this.ask({ type: "image", image: { run, version, row, size } }, signal);
    if (message.type !== "picture") throw new Error(`The engine answered for a picture with ${message.type}.`);
    return message.picture;
  }

  /** Has the jobs saved and ends the process. Also right when it has crashed or was never started. */
  close(): Promise<void> {
    clearTimeout(this.timer);
    const { child } = this;
    this.closing ??= child
      ? new Promise((resolve) => {
          child.on("message", ({ type }) => {
            if (type === "closed") child.kill();
          });
          child.once("exit", () => resolve());
          this.whenReady(() => child.postMessage({ type: "close" }));
        })
      : Promise.resolve();
    return this.closing;
  }

  private ask(question: WithoutId<Question>, signal: AbortSignal | undefined): Promise<FromEngine> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(cancelled());
        return;
      }
      const abandon = (): void => {
        this.child?.postMessage({ type: "abandon", id });
        this.waiting.get(id)?.reject(cancelled());
      };
      const settled = (): void => {
        this.waiting.delete(id);
        signal?.removeEventListener("abort", abandon);
      };
      this.waiting.set(id, {
        resolve: (message) => {
          settled();
          resolve(message);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal?.addEventListener("abort", abandon, { once: true });
      this.whenReady(() => {
        if (this.waiting.has(id)) this.child?.postMessage({ ...question, id } as Question);
      });
    });
  }

  private whenReady(action: () => void): void {
    if (this.hello) action();
    else this.early.push(action);
  }

  private take(child: EngineChild, message: FromEngine): void {
    switch (message.type) {
      case "ready":
        this.hello = message.hello;
        this.tell({ type: "link", online: true });
        this.tell({ type: "event", event: message.hello });
        for (const action of this.early.splice(0)) action();
        return;
      case "answer":
      case "picture":
        this.waiting.get(message.id)?.resolve(message);
        return;
      case "failed":
        this.waiting.get(message.id)?.reject(problemError(message.problem));
        return;
      case "event":
        this.tell(message);
        return;
      case "wish":
        void this.grant(child, message);
    }
  }

  private async grant(child: EngineChild, { id, wish, folder }: Extract<FromEngine, { type: "wish" }>): Promise<void> {
    let problem: Problem | null = null;
    try {
      await this.options.wishes[wish](folder);
    } catch (error) {
      problem = REFUSALS[wish](folder, errorMessage(error));
    }
    child.postMessage({ type: "done", id, problem });
  }

  private ended(child: EngineChild, code: number): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.hello = undefined;
    const error = new VergerError(
      "desktop/engine-ended",
      `Expected an answer of the engine, but its process ended with ${code}; it is started again, and jobs can be resumed.`,
    );
    for (const waiting of [...this.waiting.values()]) waiting.reject(error);
    if (this.closing) return;
    this.tell({ type: "link", online: false });
    this.crashes = Date.now() - this.startedAt < HEALTHY_MS ? this.crashes + 1 : 1;
    this.timer = setTimeout(() => this.start(), WAITS[Math.min(this.crashes, WAITS.length) - 1]);
  }

  private tell(news: EngineNews): void {
    for (const listener of [...this.listeners]) listener(news);
  }
}

/** The error that a problem was made of on the other side. */
function problemError({ code, message, details }: Problem): VergerError {
  return new VergerError(code, message, details ? { details } : {});
}
