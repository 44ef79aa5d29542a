/** Signed requests to one bucket, made again as often as it takes: everything that is sent goes through here. */
import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { VergerError } from "../../core/errors.js";
import { isLoopback } from "../network.js";
import type { S3Options } from "../types.js";
import { Connection, type Handler, noCredentials, type Sdk } from "./connection.js";
import { nameOf, type Purpose } from "./errors.js";
import { Failure, parseRetryAfter } from "./failure.js";
import { Limiter, sharedBandwidth } from "./limiter.js";
import { explained, type Mending, type RetryContext, withRetries } from "./retry.js";
import { EMPTY_SHA256, encodeKey, UNSIGNED_PAYLOAD } from "./signer.js";
import { type Answer, type Body, type Headers, type Receiver, Transport } from "./transport.js";
import { type Tuning, withPartBytes } from "./tuning.js";
import { readError } from "./xml.js";

/** One attempt's part of a request: made anew for each. */
export interface Attempt {
  readonly headers?: Headers;
  readonly body?: Uint8Array | Body | undefined;
  /** SHA-256 of the body where it is known, hexadecimal. */
  readonly sha256?: string | undefined;
  readonly receiver?: Receiver | undefined;
  /** Called when the attempt fails, before the next. */
  failed?(): void;
}

export interface Call {
  readonly purpose: Omit<Purpose, "bucket">;
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The request is about the bucket; the purpose's key is only what it is for. */
  readonly ofBucket?: boolean;
  /** Encoded, in order. */
  readonly query?: string;
  /** Bytes that it moves, as far as is known. */
  readonly bytes?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called for each attempt, from 1. */
  readonly attempt?: (number: number) => Attempt | Promise<Attempt>;
}

const NOTHING: Receiver = { chunk: () => undefined };

export class Requester implements Mending {
  readonly limiter: Limiter;
  readonly tuning: Tuning;
  private readonly transport: Transport;
  private connecting: Promise<Connection> | undefined;
  private connected: Connection | undefined;
  private readonly closing = new AbortController();
  /** The date of the last answer, and when it came by a clock that nobody sets. */
  private told: { readonly date: string; readonly at: number } | undefined;

  constructor(
    readonly bucket: string,
    private readonly options: S3Options,
    tuning: Tuning,
  ) {
    this.tuning = options.partBytes === undefined ? tuning : withPartBytes(tuning, options.partBytes);
    this.limiter = new Limiter(options.concurrency ?? tuning.concurrency);
    this.transport = new Transport(tuning, sharedBandwidth(options.maxBandwidth));
  }

  /** Where the bucket is; found out by the first call. */
  private connection(): Connection | Promise<Connection> {
    if (this.connected) return this.connected;
    this.connecting ??= Connection.open(this.bucket, this.options, this.handler()).then(
      (connection) => {
        this.connected = connection;
        return connection;
      },
      (error: unknown) => {
        this.connecting = undefined;
        throw error;
      },
    );
    return this.connecting;
  }

  /**
   * Makes a request of our own.
   *
   * @throws FinalFailure when no attempt succeeded, VergerError, `cancelled`
   */
  async send(call: Call): Promise<Answer> {
    const connection = this.connected ?? (await this.connection());
    const purpose = { ...call.purpose, bucket: connection.bucket };
    const bytes = call.bytes ?? 0;
    return withRetries(this.context(purpose, bytes, call.signal), async (number) => {
      const attempt = (await call.attempt?.(number)) ?? {};
      try {
        return await this.once(call, attempt, bytes);
      } catch (error) {
        attempt.failed?.();
        throw error;
      }
    });
  }

  private context(purpose: Purpose, bytes: number, signal: AbortSignal | undefined): RetryContext {
    const { tuning, limiter } = this;
    return { tuning, limiter, mending: this, purpose, bytes, signal, closing: this.closing.signal };
  }

  private async once(call: Call, attempt: Attempt, bytes: number): Promise<Answer> {
    const connection = this.connected ?? (await this.connection());
    const { site } = connection;
    const current = connection.current();
    const credentials = current instanceof Promise ? await current : current;
    const { body } = attempt;
    const { key } = call.purpose;
    const path = `${site.base}/${key === undefined || call.ofBucket ? "" : encodeKey(key)}`;
    const query = call.query ?? "";
    const payload = body === undefined ? EMPTY_SHA256 : (attempt.sha256 ?? UNSIGNED_PAYLOAD);
    const headers = site.signer.sign(
      { method: call.method, path, query, headers: { ...attempt.headers, host: site.host }, payload },
      credentials,
      connection.now(),
    );
    if (body !== undefined) headers["content-length"] = String(body.length);
    const refused: Buffer[] = [];
    const answer = await this.transport.exchange({
      method: call.method,
      origin: site.origin,
      path: query === "" ? path : `${path}?${query}`,
      headers,
      body: body instanceof Uint8Array && body.length === 0 ? undefined : body,
      receiver: attempt.receiver ?? NOTHING,
      refused: (chunk) => refused.push(chunk),
      signal: call.signal,
      stallMs: this.tuning.stallMs,
      limitMs: this.tuning.attemptMs + (bytes / this.tuning.slowestRate) * 1000,
    });
    const { date } = answer.headers;
    if (date !== undefined) this.told = { date, at: performance.now() };
    if (answer.status >= 300) throw refusal(answer, Buffer.concat(refused).toString());
    return answer;
  }

  /** Where requests go, as far as it is known: a redirect to another region changes it. */
  async address(): Promise<{ readonly origin: string; readonly region: string; readonly pathStyle: boolean }> {
    const { site, region } = await this.connection();
    return { origin: site.origin, region, pathStyle: site.base.endsWith(`/${this.bucket}`) };
  }

  /** True where a body must carry its SHA-256: on a plain connection to another machine. */
  async signsBodies(): Promise<boolean> {
    const { site } = await this.connection();
    const { protocol, hostname } = new URL(site.origin);
    return protocol === "http:" && !isLoopback(hostname);
  }

  /**
   * Has the SDK make a request: for calls where speed does not matter. `run` is called for each attempt.
   *
   * @throws as `send`
   */
  async control<T>(
    purpose: Omit<Purpose, "bucket">,
    signal: AbortSignal | undefined,
    run: (client: S3Client, how: { readonly abortSignal?: AbortSignal }, sdk: Sdk) => Promise<T>,
    bytes = 0,
  ): Promise<T> {
    await this.connection();
    return withRetries(this.context({ ...purpose, bucket: this.bucket }, bytes, signal), async () => {
      const connection = await this.connection();
      try {
        return await run(connection.client, signal === undefined ? {} : { abortSignal: signal }, connection.sdk);
      } catch (error) {
        throw this.ofSdk(error);
      }
    });
  }

  /**
   * The SDK's client, each of whose calls is retried here: for code that makes calls of its own, as lib-storage does.
   * Bodies must be in memory.
   */
  async retryingClient(purpose: Omit<Purpose, "bucket">, signal: AbortSignal | undefined): Promise<S3Client> {
    const { client } = await this.connection();
    return new Proxy(client, {
      get: (target, name) => {
        if (name !== "send") return Reflect.get(target, name, target) as unknown;
        return (command: Parameters<S3Client["send"]>[0], options?: object) =>
          this.control(purpose, signal, (current) => current.send(command, options));
      },
    });
  }

  /** What the SDK throws, as one of ours. */
  private ofSdk(error: unknown): unknown {
    if (error instanceof Failure || error instanceof VergerError) return error;
    if (!(error instanceof Error)) return error;
    if (error.name === "CredentialsProviderError" || error.name === "TokenProviderError") {
      return noCredentials(this.bucket, error);
    }
    const { $metadata, $response, Code } = error as {
      $metadata?: { httpStatusCode?: number };
      $response?: { headers?: Record<string, string>; statusCode?: number };
      Code?: string;
    };
    const status = $metadata?.httpStatusCode ?? $response?.statusCode;
    if (status === undefined) return error;
    const headers = $response?.headers ?? {};
    // A completed answer may still hold an error: the SDK turns its 200 into one.
    return new Failure("answer", error.message === "UnknownError" ? "" : error.message, {
      status: status < 300 ? 500 : status,
      serverCode: Code ?? (/^\d|^Unknown|^NotFound$/.test(error.name) ? "" : error.name),
      ...facts(headers),
      region: headers["x-amz-bucket-region"] ?? regionIn(error.message),
    });
  }

  /** The transport of the SDK's requests: the same connections, watchdog and bandwidth as ours. */
  private handler(): Handler {
    const { transport, tuning } = this;
    return {
      metadata: { handlerProtocol: "http/1.1" },
      async handle(request: WireRequest, options?: { abortSignal?: unknown }) {
        const chunks: Buffer[] = [];
        const keep = (chunk: Buffer) => {
          chunks.push(chunk);
          return undefined;
        };
        const query = queryOf(request.query);
        const headers: Record<string, string> = {};
        for (const [name, value] of Object.entries(request.headers)) {
          if (name.toLowerCase() !== "expect") headers[name.toLowerCase()] = value;
        }
        const body = await bodyOf(request.body);
        const port = request.port === undefined ? "" : `:${request.port}`;
        const answer = await transport.exchange({
          method: request.method as "GET",
          origin: `${request.protocol}//${request.hostname}${port}`,
          path: query === "" ? request.path : `${request.path}?${query}`,
          headers,
          body,
          receiver: { chunk: keep },
          refused: keep,
          signal: options?.abortSignal as AbortSignal | undefined,
          stallMs: tuning.workMs,
          limitMs: tuning.workMs + ((body?.length ?? 0) / tuning.slowestRate) * 1000,
        });
        const { status: statusCode, headers: received } = answer;
        return {
          response: { statusCode, headers: { ...received }, body: Readable.from(chunks, { objectMode: false }) },
        };
      },
    } as unknown as Handler;
  }

  get changes(): number {
    return this.connected?.changes ?? 0;
  }

  async refreshCredentials(): Promise<boolean> {
    return (await this.connection()).refresh();
  }

  correctClock(serverTimeMs: number): boolean {
    return this.connected?.correctClock(serverTimeMs) ?? false;
  }

  async moveTo(region: string | undefined): Promise<boolean> {
    const connection = await this.connection();
    const target = region ?? (await this.askRegion(connection));
    // Another request has moved there meanwhile: then there is something new to try.
    if (target === undefined) return false;
    if (this.connected !== undefined && target === this.connected.region) return this.connected !== connection;
    this.connected = await connection.inRegion(target);
    return true;
  }

  /** Any answer to a HEAD of the bucket names its region, even one that denies access. */
  private async askRegion(connection: Connection): Promise<string | undefined> {
    const { site } = connection;
    const asked = this.transport.exchange({
      method: "HEAD",
      origin: site.origin,
      path: `${site.base}/`,
      headers: { host: site.host },
      receiver: NOTHING,
      refused: () => {},
      signal: this.closing.signal,
      stallMs: this.tuning.stallMs,
      limitMs: this.tuning.attemptMs,
    });
    const answer = await asked.catch((error: unknown) => {
      // Then nobody knows the region; the refusal that raised the question is told.
      if (error instanceof Failure) return undefined;
      throw error;
    });
    return answer?.headers["x-amz-bucket-region"];
  }

  /** The server's clock, right to two seconds; ours before its first answer. Milliseconds since 1970. */
  now(): number {
    const said = Date.parse(this.told?.date ?? "");
    if (this.told === undefined || Number.isNaN(said)) return this.connected?.now() ?? Date.now();
    return said + performance.now() - this.told.at;
  }

  /** The server's clock in whole seconds, milliseconds since 1970. @param date of an answer, where there is one */
  serverSecond(date?: string): number {
    const said = Date.parse(date ?? "");
    const now = Number.isNaN(said) ? (this.connected?.now() ?? Date.now()) : said;
    return Math.floor(now / 1000) * 1000;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.limiter.close();
    await this.transport.close();
  }

  /** `s3://bucket/key` */
  name(key: string | undefined): string {
    return nameOf(this.bucket, key);
  }
}

/** Ends a promise of `send` or `control` with a sentence instead of a FinalFailure. */
export async function told<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw explained(error);
  }
}

interface WireRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Record<string, string | string[] | null>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

function queryOf(query: WireRequest["query"]): string {
  return Object.entries(query ?? {})
    .flatMap(([name, value]) => {
      const key = encodeURIComponent(name);
      if (value === null) return [key];
      return [value].flat().map((one) => `${key}=${encodeURIComponent(one)}`);
    })
    .join("&");
}

/** Bodies of the SDK's requests are short documents and parts held in memory. */
async function bodyOf(body: unknown): Promise<Uint8Array | undefined> {
  if (body === undefined || body === null || body === "") return undefined;
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array | string>) {
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  }
  return Buffer.concat(chunks);
}

function facts(headers: Headers) {
  const date = Date.parse(headers.date ?? "");
  return {
    retryAfterMs: parseRetryAfter(headers["retry-after"], Date.now()),
    serverTimeMs: Number.isNaN(date) ? undefined : date,
  };
}

/** `the region 'us-east-1' is wrong; expecting 'eu-west-3'` */
function regionIn(message: string): string | undefined {
  return /expecting '([a-z0-9-]+)'/.exec(message)?.[1];
}

function refusal(answer: Answer, body: string): Failure {
  const { code, message = "", region } = readError(body);
  return new Failure("answer", message, {
    status: answer.status,
    serverCode: code,
    ...facts(answer.headers),
    region: answer.headers["x-amz-bucket-region"] ?? region ?? regionIn(message),
  });
}
