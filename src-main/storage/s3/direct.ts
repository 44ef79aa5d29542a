/**
 * GETs over connections of our own, which read straight into the memory of whoever receives: undici reads 64 KiB at a
 * time into buffers of its own, copies each to its parser and leaves it to the garbage collector, which is more work
 * than all the rest of a download.
 *
 * Only what S3 answers to a GET of an object is understood here: HTTP/1.1 (RFC 9112) with a content-length. Anything
 * else that is a success (`Unframed`) is for a whole HTTP client.
 */
import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { trustedCertificates } from "../network.js";
import type { Controller, Handler } from "./transport.js";

export interface DirectRequest {
  readonly origin: string;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A success without a length of its own: the request has to be made another way. */
export class Unframed extends Error {}

/** Longer heads are no answers of S3. */
const HEAD_BYTES = 64 * 1024;
/** Of an error's description no more is kept. */
export const ERROR_BODY_BYTES = 64 * 1024;
/** Idle connections are closed before common servers and load balancers close theirs. */
export const KEEP_ALIVE_MS = 4_000;
const HEAD_END = "\r\n\r\n";

/** The connections of one store, kept alive between requests. */
export class DirectConnections {
  private readonly idle = new Map<string, Connection[]>();
  private readonly all = new Set<Connection>();

  /** The handler's calls tell how it goes; they begin before this returns. */
  dispatch(request: DirectRequest, handler: Handler): void {
    if (unsendable(request)) {
      handler.onResponseError(null, new Error("the request has characters that HTTP does not allow"));
      return;
    }
    this.begin(request, handler, this.take(request.origin));
  }

  private begin(request: DirectRequest, handler: Handler, standing: Connection | undefined): void {
    const connection = standing ?? new Connection(new URL(request.origin), this.settled);
    this.all.add(connection);
    // The server may have closed a connection that stood idle just when it was taken: nobody's failure.
    const again = standing ? () => this.begin(request, handler, undefined) : undefined;
    connection.send(request, handler, again);
  }

  private take(origin: string): Connection | undefined {
    const standing = this.idle.get(origin);
    for (;;) {
      const connection = standing?.pop();
      if (!connection || connection.isFresh()) return connection;
      connection.destroy();
    }
  }

  private readonly settled = (connection: Connection, reusable: boolean): void => {
    if (!this.all.has(connection)) return;
    if (reusable) {
      const standing = this.idle.get(connection.origin);
      if (standing) standing.push(connection);
      else this.idle.set(connection.origin, [connection]);
      return;
    }
    this.all.delete(connection);
    const standing = this.idle.get(connection.origin);
    const at = standing?.indexOf(connection) ?? -1;
    if (at >= 0) standing?.splice(at, 1);
  };

  /** Ends every exchange. */
  destroy(reason: Error): void {
    for (const connection of [...this.all]) connection.abort(reason);
    this.all.clear();
    this.idle.clear();
  }
}

/** Where in an answer the next byte belongs. */
type Phase = "idle" | "head" | "body" | "refused";

class Connection implements Controller {
  readonly origin: string;
  private readonly socket: Socket;
  /** Heads, refusals, and bodies for which the receiver has no place. */
  private readonly own = Buffer.allocUnsafeSlow(HEAD_BYTES);
  /** Where the socket reads to. */
  private reading: Buffer = this.own;
  private phase: Phase = "idle";
  private filled = 0;
  private rest = 0;
  private refusal: Refusal | undefined;
  private reusable = true;
  private handler: Handler | undefined;
  private again: (() => void) | undefined;
  private paused = false;
  private failure: Error | undefined;
  private idleSince = 0;

  constructor(
    url: URL,
    private readonly settled: (connection: Connection, reusable: boolean) => void,
  ) {
    this.origin = url.origin;
    const onread: OnReadOpts = {
      buffer: () => this.reading,
      callback: (bytes) => {
        this.take(this.reading.subarray(0, bytes));
        this.reading = this.space();
        return !this.paused;
      },
    };
    // An address in brackets is one of version 6.
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const secure = url.protocol === "https:";
    const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
    this.socket = secure
      ? connectTls({
          host,
          port,
          ALPNProtocols: ["http/1.1"],
          ca: trustedCertificates(),
          ...(isIP(host) === 0 && { servername: host }),
          // Passed on to the socket; the types do not know it.
          ...({ onread } as ConnectionOptions),
        })
      : connectPlain({ host, port, onread });
    this.socket
      .setNoDelay(true)
      .on("error", (error) => this.end(error))
      .on("end", () => this.ended())
      .on("close", () => this.end(undefined));
  }

  /** @param again instead of a failure, where the connection turns out to have been closed before */
  send({ path, headers }: DirectRequest, handler: Handler, again: (() => void) | undefined): void {
    this.handler = handler;
    this.again = again;
    this.phase = "head";
    this.filled = 0;
    this.reading = this.own;
    this.socket.ref();
    handler.onRequestStart(this);
    if (this.failure) return;
    let head = `GET ${path} HTTP/1.1\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    this.socket.write(`${head}\r\n`, "latin1");
  }

  isFresh(): boolean {
    return !this.socket.destroyed && this.socket.readable && performance.now() - this.idleSince < KEEP_ALIVE_MS;
  }

  abort(reason: Error): void {
    this.again = undefined;
    this.end(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.socket.resume();
  }

  destroy(): void {
    this.end(undefined);
  }

  private space(): Buffer {
    if (this.phase === "head") return this.own.subarray(this.filled);
    if (this.phase !== "body") return this.own;
    const given = this.handler?.space();
    if (!given || given.length === 0) return this.own;
    return given.length > this.rest ? given.subarray(0, this.rest) : given;
  }

  private take(bytes: Buffer): void {
    this.again = undefined;
    if (this.phase === "body") this.body(bytes);
    else if (this.phase === "head") this.head(bytes.length);
    else if (this.phase === "refused") this.refused(bytes);
    // Nobody asked for anything.
    else this.end(undefined);
  }

  private head(bytes: number): void {
    // The end may lie across two reads.
    const from = Math.max(0, this.filled - HEAD_END.length);
    this.filled += bytes;
    const end = this.own.subarray(0, this.filled).indexOf(HEAD_END, from, "latin1");
    if (end < 0) {
      if (this.filled === this.own.length) this.end(new Error("the head of the answer does not end"));
      return;
    }
    const rest = this.own.subarray(end + HEAD_END.length, this.filled);
    const head = parseHead(this.own.toString("latin1", 0, end));
    if (!head) {
      this.end(new Error("the server's answer is not HTTP/1.1"));
      return;
    }
    const { status, headers } = head;
    if (status < 200) {
      // On the way to the answer (RFC 9110, 15.2).
      this.own.copyWithin(0, end + HEAD_END.length, this.filled);
      this.filled = 0;
      if (rest.length > 0) this.head(rest.length);
      return;
    }
    this.reusable = head.persistent;
    const length = status === 304 ? 0 : lengthOf(headers);
    if (status >= 300) {
      this.refusal = new Refusal(headers["transfer-encoding"], length);
      this.phase = "refused";
      this.handler?.onResponseStart(this, status, headers);
      this.refused(rest);
      return;
    }
    if (length === undefined || rest.length > length) {
      this.end(length === undefined ? new Unframed("the answer has no content-length") : tooMuch());
      return;
    }
    this.phase = "body";
    this.rest = length;
    this.handler?.onResponseStart(this, status, headers);
    this.hand(rest);
    if (this.phase === "body" && this.rest === 0) this.finish();
  }

  /** What came with the head is put where the receiver wants it. */
  private hand(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.phase === "body"; ) {
      const space = this.handler?.space() ?? Buffer.allocUnsafeSlow(bytes.length - at);
      const copied = bytes.copy(space, 0, at, Math.min(bytes.length, at + space.length));
      at += copied;
      this.rest -= copied;
      this.handler?.onResponseData(this, space.subarray(0, copied));
    }
  }

  private body(bytes: Buffer): void {
    // Of our own memory the receiver may keep nothing.
    const kept = bytes.buffer === this.own.buffer ? Buffer.from(bytes) : bytes;
    this.rest -= kept.length;
    this.handler?.onResponseData(this, kept);
    if (this.phase === "body" && this.rest === 0) this.finish();
  }

  private refused(bytes: Buffer): void {
    const refusal = this.refusal as Refusal;
    refusal.add(bytes);
    const whole = refusal.whole();
    if (whole) this.deliver(whole, refusal.clean);
  }

  private deliver(body: Buffer, clean: boolean): void {
    this.reusable &&= clean;
    if (body.length > 0) this.handler?.onResponseData(this, body);
    if (this.phase === "refused") this.finish();
  }

  /** The server has closed its side. */
  private ended(): void {
    // The body of an error may end so.
    const { refusal } = this;
    if (this.phase === "refused" && refusal) this.deliver(refusal.soFar(), false);
    this.end(undefined);
  }

  /** The answer is there. */
  private finish(): void {
    const handler = this.handler as Handler;
    this.handler = undefined;
    this.refusal = undefined;
    this.phase = "idle";
    if (this.reusable && !this.socket.destroyed) {
      if (this.paused) this.resume();
      this.idleSince = performance.now();
      this.socket.unref();
      this.settled(this, true);
    } else this.end(undefined);
    handler.onResponseEnd();
  }

  /** No more comes through this connection. */
  private end(error: Error | undefined): void {
    this.failure ??= error ?? closed();
    this.socket.destroy();
    const { handler, again } = this;
    this.handler = undefined;
    this.phase = "idle";
    this.settled(this, false);
    if (!handler) return;
    if (again) again();
    else handler.onResponseError(this, this.failure);
  }
}

function tooMuch(): Error {
  return new Error("the server sent more than it had announced");
}

function closed(): Error {
  return Object.assign(new Error("the server closed the connection"), { code: "ECONNRESET" });
}

/** Line breaks would make two requests of one. */
function unsendable({ path, headers }: DirectRequest): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return /[^\x21-\x7e]/.test(path) || Object.values(headers).some((value) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value));
}

interface Head {
  readonly status: number;
  /** Names in lower case; what comes twice is joined by commas. */
  readonly headers: Record<string, string>;
  /** The connection may be used again. */
  readonly persistent: boolean;
}

/** @param text without the empty line. @returns undefined for what is no head of an answer */
export function parseHead(text: string): Head | undefined {
  const status = /^HTTP\/1\.([01]) (\d{3})(?: |\r|$)/.exec(text);
  if (!status) return undefined;
  const headers: Record<string, string> = {};
  let at = text.indexOf("\r\n");
  while (at >= 0) {
    const begin = at + 2;
    at = text.indexOf("\r\n", begin);
    const line = at < 0 ? text.slice(begin) : text.slice(begin, at);
    const colon = line.indexOf(":");
    // Without a name, or with the folding that RFC 9112 has abolished.
    if (colon < 1 || /[\s\0]/.test(line.slice(0, colon)) || /[\r\n\0]/.test(line)) return undefined;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const standing = headers[name];
    headers[name] = standing === undefined ? value : `${standing}, ${value}`;
  }
  const asked = headers.connection?.toLowerCase() ?? "";
  const persistent = status[1] === "1" ? !/\bclose\b/.test(asked) : /\bkeep-alive\b/.test(asked);
  return { status: Number(status[2]), headers, persistent };
}

/** @returns undefined where the body is framed otherwise, or contradictorily */
function lengthOf(headers: Readonly<Record<string, string>>): number | undefined {
  const length = headers["content-length"];
  if (length === undefined || headers["transfer-encoding"] !== undefined || !/^\d{1,15}$/.test(length))
    return undefined;
  return Number(length);
}

/** The body of an error, in whatever frame it comes. */
class Refusal {
  private bytes: Buffer = Buffer.alloc(0);

  constructor(
    private readonly encoding: string | undefined,
    private readonly length: number | undefined,
  ) {}

  add(bytes: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }

  /** Nothing of it is left in the connection. */
  get clean(): boolean {
    return this.bytes.length === this.length;
  }

  /** @returns undefined while more is to come */
  whole(): Buffer | undefined {
    const { length, bytes } = this;
    if (length !== undefined) return bytes.length >= length ? bytes.subarray(0, length) : this.enough();
    if (this.encoding === undefined) return this.enough();
    const { body, ended } = unchunk(bytes);
    return ended ? body : this.enough();
  }

  soFar(): Buffer {
    return this.length === undefined && this.encoding !== undefined ? unchunk(this.bytes).body : this.bytes;
  }

  private enough(): Buffer | undefined {
    return this.bytes.length >= ERROR_BODY_BYTES ? this.soFar().subarray(0, ERROR_BODY_BYTES) : undefined;
  }
}

/** Takes the chunked frame (RFC 9112, 7.1) off what has come of a body. */
export function unchunk(bytes: Buffer): { readonly body: Buffer; readonly ended: boolean } {
  const chunks: Buffer[] = [];
  let ended = false;
  for (let at = 0; ; ) {
    const line = bytes.indexOf("\r\n", at, "latin1");
    if (line < 0) break;
    const size = /^[0-9a-f]{1,8}(?=[\s;]|$)/i.exec(bytes.toString("latin1", at, line));
    if (!size) break;
    const length = Number.parseInt(size[0], 16);
    if (length === 0) {
      ended = true;
      break;
    }
    chunks.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return { body: Buffer.concat(chunks), ended };
}
