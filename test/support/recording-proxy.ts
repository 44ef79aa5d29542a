/**
 * A reverse proxy in front of a real S3 server: records which calls are made, and may refuse those that a policy does
 * not allow, the way S3 does. Requests pass unchanged, so that the server behind verifies the client's own signature.
 */
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Permission, permissionsOf, type S3Request } from "./iam.js";

/** A call that reached the proxy; its numbers grow until `status` is there. */
export interface Call {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly bucket: string;
  readonly key: string;
  /** Names in lower case. */
  readonly headers: readonly string[];
  /** What it needs of IAM. */
  readonly permissions: readonly Permission[];
  /** Bytes of the request's body. */
  sent: number;
  /** Bytes of the response's body. */
  received: number;
  /** 0 while it is under way, or when a side hung up. */
  status: number;
}

export interface RecordingProxy {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** In order of arrival. */
  readonly calls: readonly Call[];
  /** The IAM actions of the calls so far, refused ones included, sorted. */
  actions(): readonly string[];
  /** Forgets the calls so far. */
  clear(): void;
  /** From now on refuses what this does not allow; undefined allows everything. */
  permit(allows: ((permission: Permission) => boolean) | undefined): void;
  /** From now on answers by itself where this gives an answer; it sees the access key that signed the request. */
  answer(reply: ((call: Call, accessKey: string) => Reply | undefined) | undefined): void;
  /** From now on the server's clock seems to be this many seconds ahead. */
  shiftClock(seconds: number): void;
  stop(): Promise<void>;
}

/** An error that the proxy answers with. */
export interface Reply {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Further elements of the error document. */
  readonly extra?: string;
}

/** @param target endpoint of the server behind, `http://127.0.0.1:port` */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const calls: Call[] = [];
  let allows: ((permission: Permission) => boolean) | undefined;
  let reply: ((call: Call, accessKey: string) => Reply | undefined) | undefined;
  let shiftMs = 0;

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // Seen by the client as a failed request, by the test as its text.
      if (response.headersSent) response.destroy();
      else response.writeHead(501).end(errorXml("ProxyFailure", String(error)));
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = readRequest(request);
    const body = asked.method === "POST" && asked.query.has("delete") ? await bodyOf(request) : undefined;
    const deletes =
      body && [...body.toString("utf8").matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) => unescapeXml(match[1]));
    const permissions = permissionsOf({ ...asked, ...(deletes && { deletes }) });
    const call: Call = {
      method: asked.method,
      path: asked.path,
      query: asked.query,
      bucket: asked.bucket,
      key: asked.key,
      headers: Object.keys(request.headers),
      permissions,
      sent: body?.length ?? 0,
      received: 0,
      status: 0,
    };
    calls.push(call);
    const accessKey = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const said = reply?.(call, accessKey);
    if (said) {
      request
        .resume()
        .once("end", () => answer(call, response, said.status, errorXml(said.code, said.message, said.extra)));
      return;
    }
    const denied = permissions.filter((permission) => allows && !allows(permission));
    if (denied[0] && deletes) return answer(call, response, 200, deletesDenied(deletes));
    if (denied[0]) {
      request.resume().once("end", () => refuse(call, response, denied[0] as Permission));
      return;
    }
    forward(call, request, response, body);
  }

  function forward(call: Call, request: IncomingMessage, response: ServerResponse, body: Buffer | undefined): void {
    const onward = httpRequest(
      { hostname, port, agent, method: request.method, path: request.url, headers: request.headers },
      (answered) => {
        // Whoever may not list a bucket is not told that an object is missing.
        const list = { action: "s3:ListBucket", resource: `arn:aws:s3:::${call.bucket}` };
        const asks =
          call.key !== "" && (call.method === "GET" || call.method === "HEAD") && !call.query.has("uploadId");
        if (answered.statusCode === 404 && asks && allows && !allows(list)) {
          answered.resume();
          refuse(call, response, list);
          return;
        }
        response.sendDate = false;
        response.writeHead(answered.statusCode ?? 502, shifted(answered.rawHeaders, shiftMs));
        answered.on("data", (chunk: Buffer) => {
          call.received += chunk.length;
        });
        answered.on("error", () => response.destroy());
        answered.once("close", () => {
          if (answered.complete) call.status = answered.statusCode ?? 0;
          else response.destroy();
        });
        answered.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    response.once("close", () => {
      if (!response.writableFinished) onward.destroy();
    });
    if (body) onward.end(body);
    else {
      request.on("data", (chunk: Buffer) => {
        call.sent += chunk.length;
      });
      request.pipe(onward);
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    actions: () => [...new Set(calls.flatMap(({ permissions }) => permissions.map(({ action }) => action)))].sort(),
    clear: () => {
      calls.length = 0;
    },
    permit: (next) => {
      allows = next;
    },
    answer: (next) => {
      reply = next;
    },
    shiftClock: (seconds) => {
      shiftMs = seconds * 1000;
    },
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Raw headers with another time in Date. */
function shifted(headers: readonly string[], milliseconds: number): string[] {
  return headers.map((value, index) => {
    if (milliseconds === 0 || index % 2 === 0 || headers[index - 1]?.toLowerCase() !== "date") return value;
    return new Date(Date.parse(value) + milliseconds).toUTCString();
  });
}

/** Takes a path-style request apart. */
function readRequest(request: IncomingMessage): S3Request & { readonly path: string } {
  const [path = "/", search = ""] = (request.url ?? "/").split("?", 2);
  const [, bucket = "", ...key] = path.split("/");
  return {
    method: request.method ?? "GET",
    path,
    query: new URLSearchParams(search),
    bucket: decodeURIComponent(bucket),
    key: decodeURIComponent(key.join("/")),
    headers: request.headers,
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answer(call: Call, response: ServerResponse, status: number, xml: string): void {
  call.status = status;
  response.writeHead(status, { "content-type": "application/xml", "x-amz-request-id": "VERGERPROXY" });
  // The answer to a HEAD has no body.
  response.end(call.method === "HEAD" ? undefined : xml);
}

function refuse(call: Call, response: ServerResponse, { action, resource }: Permission): void {
  const message =
    `User: arn:aws:iam::123456789012:user/verger is not authorized to perform: ${action} on resource: "${resource}" ` +
    `because no identity-based policy allows the ${action} action`;
  answer(call, response, 403, errorXml("AccessDenied", message));
}

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';

function errorXml(code: string, message: string, extra = ""): string {
  const said = `<Code>${code}</Code><Message>${escapeXml(message)}</Message>${extra}<RequestId>VERGERPROXY</RequestId>`;
  return `${XML}<Error>${said}</Error>`;
}

/**
 * S3 answers a batch with 200 and a reason for each key. Here a batch with one refused key is refused as a whole: the
 * rest of it cannot be passed on under the client's signature.
 */
function deletesDenied(keys: readonly string[]): string {
  const errors = keys.map(
    (key) => `<Error><Key>${escapeXml(key)}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`,
  );
  return `${XML}<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${errors.join("")}</DeleteResult>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

function unescapeXml(text = ""): string {
  return text.replace(/&(amp|lt|gt|quot|apos|#x?[0-9a-f]+);/gi, (_, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number.parseInt(name.slice(1), 10));
    return { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[name] ?? "";
  });
}
