/**
 * An S3 server in memory that misbehaves on demand. Without a script it is honest: objects, ranges, conditions,
 * CRC-32, uploads in parts and listings as Amazon describes them. `fail` scripts what happens to the next requests of a
 * kind; every request is recorded. Signatures are left to the real servers.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

/** What happens instead of, or to, an honest answer. */
export interface Fault {
  /** Answers with an error. */
  readonly status?: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers late, milliseconds. */
  readonly delay?: number;
  /** Never answers. */
  readonly silent?: boolean;
  /** Of the answer's body, then nothing more; the connection stays open. */
  readonly stallAfter?: number;
  /** Of the answer's body, then a reset. */
  readonly resetAfter?: number;
  /** Of the request's body, then a reset. */
  readonly resetUploadAfter?: number;
  /** Of the answer's body, then an orderly end, though more was announced. */
  readonly truncateAfter?: number;
  /** Announces as little as it sends: a short object with status 200. */
  readonly shortBy?: number;
  /** One bit of the answer's body is wrong. */
  readonly corrupt?: boolean;
  /** The object is replaced before the request is looked at. */
  readonly replace?: Buffer;
  /** The request is carried out, but its answer never arrives. */
  readonly loseAnswer?: boolean;
  /** Sends the answer's body a byte at a time, so many milliseconds apart. */
  readonly trickle?: number;
  /** Any other body in place of the answer's. */
  readonly body?: string;
  /** Of an answer with `status`, in place of S3's description. */
  readonly text?: string;
}

export interface SeenRequest {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** When it came, milliseconds. */
  readonly at: number;
  /** Of its body. */
  received: number;
  status: number;
}

type Match = (request: SeenRequest) => boolean;

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modified: Date;
  readonly crc: number;
}

interface OpenParts {
  readonly key: string;
  readonly parts: Map<number, Buffer>;
}

export interface FaultServerOptions {
  /** Ends the connection after each answer. */
  readonly closing?: boolean;
  /** Leaves the CRC-32 out of every answer, as older servers do. */
  readonly withoutChecksums?: boolean;
  /** The server's clock minus ours, milliseconds; requests whose date is 15 minutes off are refused. */
  readonly clockOffsetMs?: number;
  /** Only this bucket exists. */
  readonly bucket?: string;
  /** Says that a listing goes on, but not where. */
  readonly withoutTokens?: boolean;
}

const SKEW_MS = 15 * 60_000;
const base64Crc = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString("base64");
};
const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest("hex");

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(code);
  }
}

export class FaultServer {
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, OpenParts>();
  readonly requests: SeenRequest[] = [];
  /** Credentials other than this token are refused as expired, when it is set. */
  sessionToken: string | undefined;
  private readonly script: { match: Match; fault: Fault }[] = [];
  private readonly server = createServer((request, response) => void this.serve(request, response));
  private uploadCount = 0;
  private modifiedMs = Date.UTC(2026, 0, 1);

  constructor(private readonly options: FaultServerOptions) {}

  async listen(port = 0): Promise<void> {
    // Connections live as long as the client likes, as those of a real server under load do.
    this.server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** The next requests that match meet these faults, one each. */
  fail(match: Match, ...faults: readonly Fault[]): void {
    for (const fault of faults) this.script.push({ match, fault });
  }

  /** Faults that nobody has met. */
  get unmet(): number {
    return this.script.length;
  }

  store(key: string, bytes: Buffer, etag = md5(bytes)): StoredObject {
    // Each write a second later: LastModified counts whole ones.
    this.modifiedMs += 1000;
    const object = { bytes, etag, modified: new Date(this.modifiedMs), crc: crc32(bytes) };
    this.objects.set(key, object);
    return object;
  }

  count(match: Match): number {
    return this.requests.filter(match).length;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://server");
    const [, bucket = "", ...rest] = url.pathname.split("/");
    const seen: SeenRequest = {
      method: request.method ?? "",
      key: decodeURIComponent(rest.join("/")),
      query: url.searchParams,
      headers: request.headers,
      at: performance.now(),
      received: 0,
      status: 0,
    };
    this.requests.push(seen);
    const index = this.script.findIndex(({ match }) => match(seen));
    const fault = index < 0 ? {} : (this.script.splice(index, 1)[0]?.fault ?? {});
    if (this.options.closing) response.setHeader("connection", "close");
    response.on("error", () => {});
    request.on("error", () => {});
    try {
      const body = await receive(request, seen, fault);
      if (body === undefined || fault.silent) return;
      if (fault.delay !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delay));
      if (fault.replace) this.store(seen.key, fault.replace);
      if (fault.status !== undefined) throw new Refusal(fault.status, fault.code ?? "", { ...fault.headers });
      this.checkSender(request, bucket);
      const answer = this.answer(seen, body);
      if (fault.loseAnswer) request.socket.destroy();
      else
        send(
          request,
          response,
          seen,
          { ...answer, headers: { ...answer.headers, ...fault.headers } },
          fault,
          this.date(),
        );
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const text =
        error.code === "" ? "" : `<Error><Code>${error.code}</Code><Message>said the server</Message></Error>`;
      const answer = { status: error.status, headers: error.headers, body: Buffer.from(fault.text ?? text) };
      send(request, response, seen, answer, {}, this.date());
    }
  }

  private date(): string {
    return new Date(Date.now() + (this.options.clockOffsetMs ?? 0)).toUTCString();
  }

  private checkSender(request: IncomingMessage, bucket: string): void {
    if (bucket !== (this.options.bucket ?? "bucket")) throw new Refusal(404, "NoSuchBucket");
    const date = String(request.headers["x-amz-date"] ?? "");
    const sent = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
    const now = Date.now() + (this.options.clockOffsetMs ?? 0);
    if (!(Math.abs(sent - now) < SKEW_MS)) throw new Refusal(403, "RequestTimeTooSkewed");
    if (this.sessionToken !== undefined && request.headers["x-amz-security-token"] !== this.sessionToken) {
      throw new Refusal(400, "ExpiredToken");
    }
  }

  private answer(seen: SeenRequest, body: Buffer): Reply {
    const { method, key, query } = seen;
    const uploadId = query.get("uploadId");
    if (key === "" && method === "GET" && query.get("list-type") === "2") return this.list(query);
    if (key === "" && method === "POST" && query.has("delete")) return this.deleteAll(body);
    if (key === "" && method === "GET" && query.has("uploads")) return this.listUploads();
    if (method === "POST" && query.has("uploads")) return this.create(key);
    if (uploadId !== null) return this.ofUpload(seen, uploadId, body);
    if (method === "PUT") return this.put(seen, body);
    if (method === "GET" || method === "HEAD") return this.read(seen);
    if (method === "DELETE") {
      this.objects.delete(key);
      return { status: 204 };
    }
    throw new Refusal(501, "NotImplemented");
  }

  private checksum(crc: number): Record<string, string> {
    if (this.options.withoutChecksums) return {};
    return { "x-amz-checksum-crc32": base64Crc(crc), "x-amz-checksum-type": "FULL_OBJECT" };
  }

  private checkBody(seen: SeenRequest, body: Buffer): void {
    const given = seen.headers["x-amz-checksum-crc32"];
    if (given !== undefined && given !== base64Crc(crc32(body))) throw new Refusal(400, "BadDigest");
    const digest = seen.headers["content-md5"];
    if (digest !== undefined && digest !== createHash("md5").update(body).digest("base64")) {
      throw new Refusal(400, "BadDigest");
    }
  }

  private put(seen: SeenRequest, body: Buffer): Reply {
    this.checkBody(seen, body);
    if (seen.headers["if-none-match"] === "*" && this.objects.has(seen.key))
      throw new Refusal(412, "PreconditionFailed");
    const { etag, crc } = this.store(seen.key, body);
    return { status: 200, headers: { etag: `"${etag}"`, ...this.checksum(crc) } };
  }

  private read(seen: SeenRequest): Reply {
    const object = this.objects.get(seen.key);
    if (!object) throw new Refusal(404, seen.method === "HEAD" ? "" : "NoSuchKey");
    const condition = seen.headers["if-match"];
    if (condition !== undefined && condition !== `"${object.etag}"`) throw new Refusal(412, "PreconditionFailed");
    const headers: Record<string, string> = {
      etag: `"${object.etag}"`,
      "last-modified": object.modified.toUTCString(),
      "accept-ranges": "bytes",
    };
    const range = /^bytes=(\d+)-(\d+)$/.exec(String(seen.headers.range ?? ""));
    if (range) {
      const [first, last] = [Number(range[1]), Math.min(Number(range[2]), object.bytes.length - 1)];
      headers["content-range"] = `bytes ${first}-${last}/${object.bytes.length}`;
      return { status: 206, headers, body: object.bytes.subarray(first, last + 1) };
    }
    if (seen.headers["x-amz-checksum-mode"] === "ENABLED") Object.assign(headers, this.checksum(object.crc));
    return { status: 200, headers, body: object.bytes };
  }

  private list(query: URLSearchParams): Reply {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
    const limit = Number(query.get("max-keys") ?? 1000);
    const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && bytewise(key, after) > 0)
      .sort(bytewise);
    const page = keys.slice(0, limit);
    const contents = page.map((key) => {
      const { bytes, etag, modified } = this.objects.get(key) as StoredObject;
      return `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${bytes.length}</Size></Contents>`;
    });
    const more = keys.length > limit;
    const token =
      more && !this.options.withoutTokens
        ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? "")}</NextContinuationToken>`
        : "";
    return xml(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${contents.join("")}${token}</ListBucketResult>`,
    );
  }

  private deleteAll(body: Buffer): Reply {
    for (const [, key = ""] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) this.objects.delete(key);
    return xml("<DeleteResult></DeleteResult>");
  }

  private listUploads(): Reply {
    const uploads = [...this.uploads].map(
      ([id, { key }]) =>
        `<Upload><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId><Initiated>${new Date().toISOString()}</Initiated></Upload>`,
    );
    return xml(
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join("")}</ListMultipartUploadsResult>`,
    );
  }

  private create(key: string): Reply {
    this.uploadCount += 1;
    const id = `upload-${this.uploadCount}`;
    this.uploads.set(id, { key, parts: new Map() });
    const headers: Record<string, string> = this.options.withoutChecksums
      ? {}
      : { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" };
    return xml(
      `<InitiateMultipartUploadResult><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      headers,
    );
  }

  private ofUpload(seen: SeenRequest, uploadId: string, body: Buffer): Reply {
    const upload = this.uploads.get(uploadId);
    if (!upload || upload.key !== seen.key) throw new Refusal(404, "NoSuchUpload");
    if (seen.method === "DELETE") {
      this.uploads.delete(uploadId);
      return { status: 204 };
    }
    if (seen.method === "PUT") {
      this.checkBody(seen, body);
      upload.parts.set(Number(seen.query.get("partNumber")), body);
      return { status: 200, headers: { etag: `"${md5(body)}"` } };
    }
    if (seen.method === "GET") {
      const parts = [...upload.parts]
        .sort(([a], [b]) => a - b)
        .map(([number, bytes]) => {
          const crc = this.options.withoutChecksums ? "" : `<ChecksumCRC32>${base64Crc(crc32(bytes))}</ChecksumCRC32>`;
          return `<Part><PartNumber>${number}</PartNumber><ETag>"${md5(bytes)}"</ETag><Size>${bytes.length}</Size>${crc}</Part>`;
        });
      return xml(`<ListPartsResult><IsTruncated>false</IsTruncated>${parts.join("")}</ListPartsResult>`);
    }
    return this.complete(seen, uploadId, upload);
  }

  private complete(seen: SeenRequest, uploadId: string, upload: OpenParts): Reply {
    if (seen.headers["if-none-match"] === "*" && this.objects.has(seen.key))
      throw new Refusal(412, "PreconditionFailed");
    const numbers = [...upload.parts.keys()].sort((a, b) => a - b);
    const parts = numbers.map((number) => upload.parts.get(number) as Buffer);
    const whole = Buffer.concat(parts);
    const given = seen.headers["x-amz-checksum-crc32"];
    if (given !== undefined && given !== base64Crc(crc32(whole))) throw new Refusal(400, "BadDigest");
    const etag = `${md5(Buffer.concat(parts.map((part) => Buffer.from(md5(part), "hex"))))}-${parts.length}`;
    this.uploads.delete(uploadId);
    this.store(seen.key, whole, etag);
    return xml(
      `<CompleteMultipartUploadResult><Key>${escapeXml(seen.key)}</Key><ETag>"${etag}"</ETag></CompleteMultipartUploadResult>`,
    );
  }
}

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
}

function xml(text: string, headers: Record<string, string> = {}): Reply {
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body: Buffer.from(text) };
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** @returns undefined where the fault has ended the connection */
async function receive(request: IncomingMessage, seen: SeenRequest, fault: Fault): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      seen.received += chunk.length;
      if (fault.resetUploadAfter !== undefined && seen.received >= fault.resetUploadAfter) {
        request.socket.resetAndDestroy();
        return undefined;
      }
    }
  } catch {
    // The client hung up.
    return undefined;
  }
  return Buffer.concat(chunks);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
  answer: Reply,
  fault: Fault,
  date: string,
): void {
  let body = fault.body === undefined ? (answer.body ?? Buffer.alloc(0)) : Buffer.from(fault.body);
  if (fault.corrupt && body.length > 0) {
    body = Buffer.from(body);
    body[body.length >> 1] = (body[body.length >> 1] as number) ^ 1;
  }
  if (fault.shortBy !== undefined) body = body.subarray(0, body.length - fault.shortBy);
  seen.status = answer.status;
  response.sendDate = false;
  response.writeHead(answer.status, { date, ...answer.headers, "content-length": body.length });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  if (fault.trickle !== undefined) {
    let at = 0;
    const timer = setInterval(() => {
      if (at < body.length && !response.destroyed) response.write(body.subarray(at, ++at));
      else clearInterval(timer);
    }, fault.trickle);
    return;
  }
  const cut = fault.stallAfter ?? fault.resetAfter ?? fault.truncateAfter;
  if (cut === undefined) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, cut), () => {
    if (fault.resetAfter !== undefined) request.socket.resetAndDestroy();
    else if (fault.truncateAfter !== undefined) request.socket.end();
  });
}

/** Starts a server on a free port of the loopback. */
export async function startFaultServer(options: FaultServerOptions = {}): Promise<FaultServer> {
  const server = new FaultServer(options);
  await server.listen();
  return server;
}
