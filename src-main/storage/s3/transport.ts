/**
 * One HTTP exchange: over connections of our own where a receiver has memory for what comes (direct.ts), else over
 * undici, the lean way, without streams. The body of an answer is handed on chunk by chunk as it leaves the socket; a
 * time without a byte, in either direction, ends the exchange.
 */
import { type Dispatcher, EnvHttpProxyAgent, Pool } from "undici";
import { cancelled } from "../../core/errors.js";
import { mayNeedProxy, proxyAgentOptions, trustedCertificates } from "../network.js";
import { DirectConnections, ERROR_BODY_BYTES, KEEP_ALIVE_MS, Unframed } from "./direct.js";
import { Failure } from "./failure.js";
import type { Bandwidth } from "./limiter.js";
import type { Tuning } from "./tuning.js";

export type Headers = Readonly<Record<string, string>>;

/** Bytes to send. `open` is called once for each attempt. */
export interface Body {
  readonly length: number;
  open(): AsyncIterable<Uint8Array>;
}

/** Takes the body of an answer with status 2xx. */
export interface Receiver {
  /** Before the first chunk. Throwing ends the exchange. */
  start?(answer: Answer): void;
  /**
   * Where the next bytes are wanted, not empty before the end; asked anew for each chunk. A receiver with it gets most
   * chunks as a part of that memory, and some elsewhere.
   */
  space?(): Buffer;
  /** @returns a promise where the sender is to wait */
  chunk(chunk: Buffer): Promise<void> | undefined;
  /** All is there: flush. */
  end?(): Promise<void> | undefined;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Headers;
}

export interface Exchange {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly origin: string;
  /** With query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body?: Uint8Array | Body | undefined;
  readonly receiver: Receiver;
  /** Takes the body of any other answer, up to `ERROR_BODY_BYTES`. */
  readonly refused: (chunk: Buffer) => void;
  readonly signal?: AbortSignal | undefined;
  /** Time without a byte after which the exchange is given up. */
  readonly stallMs: number;
  /** Time after which it is given up however it goes. */
  readonly limitMs: number;
}

/** The connections of a store. */
export class Transport {
  private readonly clients = new Map<string, Dispatcher>();
  private readonly direct = new DirectConnections();
  /** Whether a server is reached over connections of our own: not behind a proxy, nor where it frames answers oddly. */
  private readonly directly = new Map<string, boolean>();
  private closed = false;

  constructor(
    private readonly tuning: Tuning,
    private readonly bandwidth: Bandwidth | undefined,
  ) {}

  private client(origin: string): Dispatcher {
    let client = this.clients.get(origin);
    if (!client) {
      const options = {
        // The limiter of the store decides how many; a pool's queue would only hide the wait from the watchdog.
        connections: null,
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE_MS,
        // The watchdog below sees both directions and runs in tests with milliseconds; undici's timers do neither.
        headersTimeout: 0,
        bodyTimeout: 0,
      };
      const connect = { timeout: this.tuning.stallMs, ca: trustedCertificates() };
      client = mayNeedProxy(origin)
        ? new EnvHttpProxyAgent({ ...options, ...proxyAgentOptions() })
        : new Pool(origin, { ...options, connect });
      this.clients.set(origin, client);
    }
    return client;
  }

  private isDirect(origin: string): boolean {
    let direct = this.directly.get(origin);
    if (direct === undefined) {
      // Told here, where nothing is under way yet.
      trustedCertificates();
      direct = !mayNeedProxy(origin);
      this.directly.set(origin, direct);
    }
    return direct;
  }

  /** Ends when the answer has been received whole. @throws Failure, `cancelled`, or what the receiver throws */
  exchange(exchange: Exchange): Promise<Answer> {
    if (this.closed || exchange.signal?.aborted) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      const { method, origin, receiver } = exchange;
      const direct = this.isDirect(origin) && method === "GET" && receiver.space !== undefined;
      const client = direct ? undefined : this.client(origin);
      const running = new Running(exchange, this.bandwidth, resolve, reject);
      if (client) running.dispatch(client);
      else {
        running.dispatchDirectly(this.direct, () => {
          this.directly.set(origin, false);
          running.dispatch(this.client(origin));
        });
      }
    });
  }

  /** Ends every exchange at once. */
  async close(): Promise<void> {
    this.closed = true;
    const clients = [...this.clients.values()];
    this.clients.clear();
    this.direct.destroy(cancelled());
    await Promise.all(clients.map((client) => client.destroy(cancelled())));
  }
}

/** What an exchange may do to its connection. */
export interface Controller {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** What a connection tells: undici's handler, and a place for the bytes. */
export interface Handler {
  onRequestStart(controller: Controller): void;
  onResponseStart(controller: Controller, status: number, headers: Record<string, string | string[] | undefined>): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: Controller | null, error: Error): void;
  space(): Buffer | undefined;
}

/** The state of one exchange; connections call its `on...` methods. */
class Running implements Handler {
  private controller: Controller | undefined;
  private answer: Answer | undefined;
  private failure: unknown;
  private settled = false;
  private expected = -1;
  private received = 0;
  private refusedBytes = 0;
  /** Waits of receiver and bandwidth under way; the connection rests while there are any. */
  private waits = 0;
  private paused = false;
  /** Called when the last wait is over. */
  private rested: (() => void) | undefined;
  /** Makes the request by another way, should the answer be one that this way cannot read. */
  private otherwise: (() => void) | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly deadline: number;
  private readonly onAbort = () => this.stop(cancelled());

  constructor(
    private readonly exchange: Exchange,
    private readonly bandwidth: Bandwidth | undefined,
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.deadline = performance.now() + exchange.limitMs;
    this.timer = setTimeout(() => this.stalled(), exchange.stallMs);
    exchange.signal?.addEventListener("abort", this.onAbort, { once: true });
  }

  /** @param otherwise called instead of failing where the answer has no length of its own */
  dispatchDirectly(connections: DirectConnections, otherwise: () => void): void {
    this.otherwise = otherwise;
    connections.dispatch(this.exchange, this);
  }

  dispatch(client: Dispatcher): void {
    this.otherwise = undefined;
    const { method, path, headers, body } = this.exchange;
    let sent: unknown = null;
    if (body instanceof Uint8Array) sent = body;
    else if (body) sent = this.outgoing(body);
    try {
      client.dispatch(
        // undici takes any async iterable as a body; its types name only some.
        {
          method,
          origin: this.exchange.origin,
          path,
          headers: headers as Record<string, string>,
          body: sent as Uint8Array | null,
          // By itself undici gives a connection up after each HEAD.
          reset: false,
        },
        this,
      );
    } catch (error) {
      this.finish(networkFailure(error));
    }
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    if (this.settled || this.failure !== undefined) controller.abort(asError(this.failure));
  }

  space(): Buffer | undefined {
    return this.exchange.receiver.space?.();
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.timer.refresh();
    const flat = headers as Record<string, string>;
    for (const name in headers) if (Array.isArray(headers[name])) flat[name] = headers[name].join(", ");
    this.answer = { status, headers: flat };
    const length = flat["content-length"];
    if (length !== undefined && this.exchange.method !== "HEAD") this.expected = Number(length);
    if (status >= 300) return;
    try {
      this.exchange.receiver.start?.(this.answer);
    } catch (error) {
      this.failure = error;
      controller.abort(asError(error));
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.received += chunk.length;
    this.timer.refresh();
    if (performance.now() > this.deadline) {
      this.stop(this.tooSlow());
      return;
    }
    if (this.answer === undefined || this.answer.status >= 300) {
      if (this.refusedBytes < ERROR_BODY_BYTES) this.exchange.refused(chunk);
      this.refusedBytes += chunk.length;
      return;
    }
    try {
      const wait = this.exchange.receiver.chunk(chunk);
      if (wait) this.pauseFor(controller, wait);
      const debt = this.bandwidth?.take(chunk.length) ?? 0;
      if (debt > 0) this.pauseFor(controller, sleep(debt, this.exchange.signal));
    } catch (error) {
      this.stop(error);
    }
  }

  onResponseEnd(): void {
    const answer = this.answer;
    if (!answer) {
      this.finish(new Failure("network", "the server sent no answer"));
      return;
    }
    // Of a refusal the beginning is enough, and may be all that was read.
    if (answer.status < 300 && this.expected >= 0 && this.received !== this.expected) {
      this.finish(new Failure("damaged", `${this.received} of ${this.expected} bytes arrived`));
      return;
    }
    if (this.waits > 0) this.rested = () => this.complete(answer);
    else this.complete(answer);
  }

  /** All has arrived, and nobody waits. */
  private complete(answer: Answer): void {
    clearTimeout(this.timer);
    let flushed: Promise<void> | undefined;
    try {
      if (answer.status < 300) flushed = this.exchange.receiver.end?.();
    } catch (error) {
      this.finish(error);
      return;
    }
    if (flushed)
      flushed.then(
        () => this.finish(undefined, answer),
        (error: unknown) => this.finish(error),
      );
    else this.finish(undefined, answer);
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    if (error instanceof Unframed && this.otherwise && this.failure === undefined) this.otherwise();
    else if (this.failure !== undefined) this.finish(this.failure);
    else if (this.answer && this.expected >= 0 && codeOf(error) !== "cancelled") {
      this.finish(
        new Failure("network", `the connection broke after ${this.received} of ${this.expected} bytes`, {
          serverCode: codeOf(error),
        }),
      );
    } else this.finish(networkFailure(error));
  }

  /** The connection rests while someone waits; that is no stall of the server's. */
  private pauseFor(controller: Controller, wait: Promise<void>): void {
    this.waits += 1;
    if (!this.paused && this.mayPause()) {
      this.paused = true;
      controller.pause();
    }
    wait.then(
      () => {
        this.waits -= 1;
        if (this.waits > 0 || this.settled) return;
        this.timer.refresh();
        if (this.paused) {
          this.paused = false;
          controller.resume();
        }
        // Resuming may have brought the end of the answer, and a wait of its own.
        if (this.waits === 0) this.rested?.();
      },
      (error: unknown) => this.stop(error),
    );
  }

  /**
   * undici's parser asserts, outside of every handler, that it is not paused when a connection ends that is not kept
   * alive. Such an answer is taken as it comes, which costs memory up to its length; the wait is made up for at its end.
   */
  private mayPause(): boolean {
    if (this.expected < 0 || this.received >= this.expected) return false;
    return this.otherwise !== undefined || !/\bclose\b/i.test(this.answer?.headers.connection ?? "");
  }

  private async *outgoing(body: Body): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body.open()) {
        if (performance.now() > this.deadline) throw this.tooSlow();
        const debt = this.bandwidth?.take(chunk.length) ?? 0;
        if (debt > 0) {
          this.waits += 1;
          await sleep(debt, this.exchange.signal);
          this.waits -= 1;
        }
        // Asked for the next chunk means: the socket took the one before.
        this.timer.refresh();
        yield chunk;
      }
    } catch (error) {
      this.failure ??= error;
      throw error;
    }
  }

  private stalled(): void {
    if (this.waits > 0) {
      this.timer.refresh();
      return;
    }
    this.stop(new Failure("stalled", `nothing moved for ${this.exchange.stallMs / 1000} seconds`));
  }

  private tooSlow(): Failure {
    return new Failure("stalled", `it was not done after ${Math.round(this.exchange.limitMs / 1000)} seconds`);
  }

  /** Ends the exchange from this side. */
  private stop(error: unknown): void {
    if (this.settled) return;
    this.failure ??= error;
    this.controller?.abort(asError(error));
    // Without a connection yet, undici calls back only when it has one; nobody waits for that.
    this.finish(this.failure);
  }

  private finish(error: unknown, answer?: Answer): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.timer);
    this.exchange.signal?.removeEventListener("abort", this.onAbort);
    if (answer) this.resolve(answer);
    else this.reject(error);
  }
}

/** Whether a chunk was received straight into memory. @param at byte of the memory where it belongs */
export function liesAt(chunk: Buffer, memory: Buffer, at: number): boolean {
  return chunk.buffer === memory.buffer && chunk.byteOffset === memory.byteOffset + at;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

/** The reason for an exchange without an answer, in few words and without the request. */
export function networkFailure(error: unknown): unknown {
  if (error instanceof Failure || codeOf(error) === "cancelled") return error;
  // Connecting to several addresses fails with one error for each.
  const inner = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  const code = codeOf(inner);
  const message = inner instanceof Error ? inner.message : String(inner);
  return new Failure("network", code === "UND_ERR_SOCKET" ? "the server closed the connection" : message, {
    serverCode: code,
  });
}

/** A pause that an abort of any signal ends with `cancelled`. */
export function sleep(milliseconds: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (end: () => void) => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", abort);
      end();
    };
    const abort = () => done(() => reject(cancelled()));
    const timer = setTimeout(() => done(resolve), milliseconds);
    for (const signal of signals) signal?.addEventListener("abort", abort, { once: true });
    if (signals.some((signal) => signal?.aborted)) abort();
  });
}
