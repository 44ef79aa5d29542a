/** The engine in a browser: HTTP for calls, pictures and the page, one WebSocket a tab for events. */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { hostname } from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { encodeFrame, FRAME_TYPE } from "../api/binary.js";
import { HTTP } from "../api/channels.js";
import { errorCode, errorMessage, VergerError } from "../core/errors.js";
import type { Engine } from "../engine/index.js";
import { packageRoot } from "../native/root.js";
import { Assets } from "./assets.js";
import { readBody } from "./body.js";
import { type Answer, assetAnswer, failureAnswer, IMAGES, imageAnswer, jsonAnswer, refusedAddress } from "./content.js";
import { Guard, isLoopback, type Refusal } from "./guard.js";
import { securityHeaders } from "./headers.js";
import { Sockets } from "./sockets.js";

export interface ServeOptions {
  readonly engine: Engine;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Must be true for a host that other machines can reach. */
  readonly allowRemote?: boolean;
  /** Where the window's files stand; `dist/renderer` by default. */
  readonly assets?: string;
}

export interface RunningServer {
  /** The page with its token: whoever has it may do everything that the window can. */
  readonly url: string;
  /** Without the token. */
  readonly origin: string;
  readonly port: number;
  /** Ends connections and the engine, its jobs saved. */
  close(): Promise<void>;
}

/**
 * Starts serving.
 *
 * @throws VergerError `server/remote` (a host beyond loopback without leave), `server/port`, `server/address`
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const remote = !isLoopback(host);
  if (remote && !options.allowRemote) {
    throw new VergerError(
      "server/remote",
      `Expected a --host of this machine alone, but received ${host}; --allow-remote opens it to others, who could then, ` +
        "with the token, list every folder, read every photo, start jobs and write files as you.",
    );
  }
  const token = randomBytes(32).toString("base64url");
  const http = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 });
  await listen(http, host, options.port ?? 0);
  const { port } = http.address() as AddressInfo;
  const guard = new Guard({
    token,
    port,
    remoteNames: remote ? [host, hostname(), `${hostname()}.local`] : [],
  });
  const app = new App(
    options.engine,
    guard,
    new Assets(options.assets ?? path.join(packageRoot(), "dist", "renderer")),
  );
  http.on("request", (request, response) => void app.answer(request, response));
  http.on("upgrade", (request, socket, head) => app.upgrade(request, socket, head));
  const shown = host === "0.0.0.0" || host === "::" ? hostname() : isIPv6(host) ? `[${host}]` : host;
  const origin = `http://${shown}:${port}`;
  return {
    url: `${origin}/?token=${token}`,
    origin,
    port,
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      // The engine says goodbye to the tabs while they are still connected.
      await options.engine.close();
      app.close();
      http.closeIdleConnections();
      setTimeout(() => http.closeAllConnections(), 1_000).unref();
      await closed;
    },
  };
}

function listen(http: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", (cause) => {
      const code = errorCode(cause);
      if (code === "EADDRINUSE" || code === "EACCES") {
        const reason = code === "EACCES" ? "may not be used by you" : "is taken by another program";
        reject(
          new VergerError(
            "server/port",
            `Expected to listen on port ${port}, but it ${reason}; choose another --port, or leave it out for a free one.`,
            { cause },
          ),
        );
        return;
      }
      reject(
        new VergerError(
          "server/address",
          `Expected to listen on ${host}, but: ${errorMessage(cause)}; give an address of this machine as --host.`,
          { cause },
        ),
      );
    });
    http.listen(port, host, resolve);
  });
}

/** Routes. */
class App {
  private readonly sockets: Sockets;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly engine: Engine,
    private readonly guard: Guard,
    private readonly assets: Assets,
  ) {
    this.sockets = new Sockets(() => engine.hello());
    this.unsubscribe = engine.subscribe((event) => this.sockets.send(event));
  }

  close(): void {
    this.unsubscribe();
    this.sockets.close();
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      for (const [name, value] of Object.entries(securityHeaders(request.headers.host ?? ""))) {
        response.setHeader(name, value);
      }
      await this.route(request, response);
    } catch (error) {
      await this.fail(request, response, error);
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const { pathname } = addressOf(request);
    const refused = this.guard.refuseHost(request) ?? this.refuseStranger(request, true);
    if (refused || pathname !== `/${HTTP.events}`) {
      const status = refused ? `${refused.status} Refused` : "404 Not Found";
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.sockets.accept(request, socket, head);
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = addressOf(request);
    const stray = this.guard.refuseHost(request);
    if (stray) return refuse(response, stray);
    const name = pathname.slice(1);
    const reads = request.method === "GET" || request.method === "HEAD";
    const isCall = name.startsWith(HTTP.call);
    if (isCall || name.startsWith(IMAGES)) {
      const refused = this.refuseStranger(request, isCall);
      if (refused) return refuse(response, refused);
      if (isCall ? request.method !== "POST" : !reads) return send(response, refusedAddress(405), request);
      if (isCall) return this.call(name.slice(HTTP.call.length), request, response);
      const known = request.headers["if-none-match"];
      return send(response, await imageAnswer(this.engine.image, name, known, abandoned(response)), request);
    }
    if (!reads) return send(response, refusedAddress(405), request);
    const token = name === "" ? searchParams.get("token") : null;
    if (token !== null) return this.welcome(token, response);
    // The page itself is no secret, and a browser that comes from elsewhere brings no strict cookie along.
    return send(response, await assetAnswer(this.assets, name), request);
  }

  private refuseStranger(request: IncomingMessage, changes: boolean): Refusal | undefined {
    return this.guard.refuseOrigin(request, changes) ?? this.guard.refuseToken(request);
  }

  /** Keeps the token as a cookie; it leaves the address bar, and with it the history and every screenshot. */
  private welcome(token: string, response: ServerResponse): void {
    if (!this.guard.isToken(token)) {
      refuse(response, this.guard.wrongToken);
      return;
    }
    response.writeHead(303, { location: "/", "set-cookie": this.guard.cookie, "cache-control": "no-store" });
    response.end();
  }

  private async call(channel: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const answer = await this.engine.call(channel, body, { signal: abandoned(response) });
    const frame = encodeFrame(answer);
    response.writeHead(200, {
      "content-type": FRAME_TYPE,
      "content-length": frame.length,
      "cache-control": "no-store",
    });
    response.end(frame);
  }

  private async fail(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    if (process.env.VERGER_DEBUG === "1") console.error(error);
    await send(response, failureAnswer(error), request);
  }
}

/** The address without the origin; one that cannot be parsed is no address of ours. */
function addressOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "/", "http://verger");
  } catch {
    return new URL("http://verger/%");
  }
}

/** Aborts when the client goes away before it has been answered. */
function abandoned(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): Promise<void> {
  return send(response, jsonAnswer(status, { error: { code, message } }));
}

/** @param request where a HEAD may have been asked for */
async function send(
  response: ServerResponse,
  { status, headers, body }: Answer,
  request?: IncomingMessage,
): Promise<void> {
  response.writeHead(status, headers);
  if (request?.method === "HEAD" || body === null) response.end();
  else if ("file" in body) await pipeline(createReadStream(body.file), response);
  else response.end(body);
}
