/** The connections that read straight into memory, before servers that say what a test tells them to, byte by byte. */
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { parseHead, unchunk } from "../../src-main/storage/s3/direct.js";
import { Bandwidth } from "../../src-main/storage/s3/limiter.js";
import { type Answer, type Receiver, Transport } from "../../src-main/storage/s3/transport.js";
import { TUNING } from "../../src-main/storage/s3/tuning.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";

/** What a connection to the server sees: the heads of the requests, and the socket to answer them with. */
type Script = (socket: Socket, request: number, connection: number) => void;

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** Calls the script for each request. */
async function serve(script: Script): Promise<{ origin: string; heads: string[]; connections: () => number }> {
  const heads: string[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        heads.push(text.slice(0, end));
        text = text.slice(end + 4);
        script(socket, heads.length, connection);
      }
    });
  });
  const port = await listen(server);
  return { origin: `http://127.0.0.1:${port}`, heads, connections: () => connections };
}

class Memory implements Receiver {
  bytes = Buffer.alloc(0);
  chunks = 0;
  outside = 0;
  private at = 0;
  constructor(private readonly wait?: () => Promise<void>) {}
  start({ headers }: Answer): void {
    this.bytes = Buffer.alloc(Number(headers["content-length"]));
  }
  space(): Buffer {
    return this.bytes.subarray(this.at);
  }
  chunk(chunk: Buffer): Promise<void> | undefined {
    this.chunks += 1;
    if (chunk.buffer !== this.bytes.buffer) {
      this.outside += chunk.length;
      chunk.copy(this.bytes, this.at);
    }
    this.at += chunk.length;
    return this.wait?.();
  }
}

function transport(bandwidth?: Bandwidth): Transport {
  const made = new Transport(TUNING, bandwidth);
  ends.push(() => made.close());
  return made;
}

async function get(
  by: Transport,
  origin: string,
  options: { receiver?: Receiver; signal?: AbortSignal; stallMs?: number; path?: string } = {},
) {
  const receiver = options.receiver ?? new Memory();
  let refused = "";
  const answer = await by.exchange({
    method: "GET",
    origin,
    path: options.path ?? "/bucket/key",
    headers: { host: origin.slice(origin.indexOf("//") + 2), "x-test": "1" },
    receiver,
    refused: (chunk) => {
      refused += chunk.toString();
    },
    signal: options.signal,
    stallMs: options.stallMs ?? 5_000,
    limitMs: 10_000,
  });
  const { bytes, outside } = receiver as Memory;
  return { ...answer, text: bytes?.toString(), refused, outside };
}

const failure = (promise: Promise<unknown>): Promise<Error & { kind?: string; code?: string }> =>
  promise.then(
    () => expect.unreachable("it succeeded"),
    (error: Error) => error,
  );

describe("an answer", () => {
  it("is read straight into the receiver's memory, request after request over one connection", async () => {
    const server = await serve((socket, request) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "a"\r\nX-Two: 1\r\nX-Two: 2\r\n\r\nfive${request}`);
    });
    const by = transport();
    for (const text of ["five1", "five2", "five3"]) {
      const answer = await get(by, server.origin);
      expect(answer).toMatchObject({ status: 200, text, outside: 0, headers: { etag: '"a"', "x-two": "1, 2" } });
    }
    expect(server.connections()).toBe(1);
    expect(server.heads[0]?.split("\r\n").sort()).toEqual(
      ["GET /bucket/key HTTP/1.1", `host: ${server.origin.slice(7)}`, "x-test: 1"].sort(),
    );
  });

  it("may come byte by byte, behind others that only announce it", async () => {
    const text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    const server = await serve(async (socket) => {
      socket.setNoDelay(true);
      for (const byte of `${text}HTTP/1.1 206 Partial Content\r\ncontent-length:  3 \r\n\r\nabc`) {
        socket.write(byte);
        await setTimeout(1);
      }
    });
    expect(await get(transport(), server.origin)).toMatchObject({ status: 206, text: "abc" });
  });

  it("may be empty", async () => {
    const server = await serve((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    const by = transport();
    expect(await get(by, server.origin)).toMatchObject({ text: "" });
    expect(await get(by, server.origin)).toMatchObject({ text: "" });
    expect(server.connections()).toBe(1);
  });

  it("of many megabytes arrives whole while the receiver makes it wait", async () => {
    const body = Buffer.alloc(8 << 20, "0123456789abcdef");
    const server = await serve((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    const receiver = new Memory(() => setTimeout(1));
    await get(transport(), server.origin, { receiver });
    expect(receiver.bytes.equals(body)).toBe(true);
    expect(receiver.outside).toBe(0);
    expect(receiver.chunks).toBeGreaterThan(1);
  });

  it("obeys the bandwidth", async () => {
    const body = Buffer.alloc(300_000, 1);
    const server = await serve((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    const began = performance.now();
    await get(transport(new Bandwidth(1_000_000)), server.origin);
    // 300 ms by its rate; the first bytes may come at once.
    expect(performance.now() - began).toBeGreaterThan(100);
  });

  it("over TLS is the same, and one whose certificate nobody vouches for is none", async () => {
    const body = Buffer.alloc(3 << 20, "pear");
    const server = createTlsServer({ key: KEY, cert: CERTIFICATE }, (_request, response) => {
      response.setHeader("content-length", body.length);
      response.end(body);
    });
    const origin = `https://localhost:${await listen(server)}`;
    expect(await failure(get(transport(), origin))).toMatchObject({
      kind: "network",
      serverCode: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    ends.push(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
    const receiver = new Memory();
    await get(transport(), origin, { receiver });
    expect(receiver.bytes.equals(body)).toBe(true);
    expect(receiver.outside).toBe(0);
  });
});

describe("a refusal", () => {
  it("tells its body, whatever its frame, and keeps the connection where it can", async () => {
    const bodies = [
      "content-length: 7\r\n\r\n<Error>",
      "transfer-encoding: chunked\r\n\r\n3;x=y\r\n<Er\r\n4\r\nror>\r\n0\r\n\r\n",
      "connection: close\r\n\r\n<Error>",
    ];
    let next = 0;
    const server = await serve((socket) => {
      const body = bodies[next++] as string;
      socket.write(`HTTP/1.1 403 Forbidden\r\n${body}`);
      if (body.includes("close")) socket.end();
    });
    const by = transport();
    for (const _ of bodies) expect(await get(by, server.origin)).toMatchObject({ status: 403, refused: "<Error>" });
    // The second one came over the first connection; its own was not used again.
    expect(server.connections()).toBe(2);
  });

  it("without an end is taken up to a limit", async () => {
    const server = await serve((socket) => {
      socket.write("HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n");
      const piece = `4000\r\n${"x".repeat(0x4000)}\r\n`;
      for (let count = 0; count < 100; count++) socket.write(piece);
    });
    const answer = await get(transport(), server.origin);
    expect(answer.status).toBe(500);
    expect(answer.refused.length).toBeGreaterThan(0);
    expect(answer.refused.length).toBeLessThanOrEqual(64 * 1024);
  });
});

describe("what is no answer of S3", () => {
  it("is asked for again through a whole HTTP client, from then on at once", async () => {
    const server = await serve((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    });
    class Whole extends Memory {
      override start(): void {
        this.bytes = Buffer.alloc(3);
      }
    }
    const by = transport();
    expect(await get(by, server.origin, { receiver: new Whole() })).toMatchObject({ text: "abc" });
    expect(server.heads.length).toBe(2);
    expect(await get(by, server.origin, { receiver: new Whole() })).toMatchObject({ text: "abc" });
    expect(server.heads.length).toBe(3);
  });

  it.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["a head without end", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`],
    ["a folded line", "HTTP/1.1 200 OK\r\nx: 1\r\n 2\r\ncontent-length: 1\r\n\r\na"],
    ["more than was announced", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab"],
  ])("fails: %s", async (_name, text) => {
    const server = await serve((socket) => socket.write(text));
    expect(await failure(get(transport(), server.origin))).toMatchObject({ kind: "network" });
  });

  it("fails when the connection breaks in mid-body, and says how far it came", async () => {
    const server = await serve((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"));
    const error = await failure(get(transport(), server.origin));
    expect(error.message).toBe("the connection broke after 3 of 10 bytes");
  });

  it("fails when nothing comes for a while", async () => {
    const server = await serve((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-le"));
    expect(await failure(get(transport(), server.origin, { stallMs: 50 }))).toMatchObject({ kind: "stalled" });
  });

  it("sends nothing that would be two requests", async () => {
    const server = await serve(() => {});
    const path = "/bucket/key HTTP/1.1\r\nx: y\r\n\r\nGET /other";
    expect(await failure(get(transport(), server.origin, { path }))).toMatchObject({ kind: "network" });
    expect(server.heads).toEqual([]);
  });
});

describe("a connection", () => {
  it("that the server closed while it stood idle is replaced without a failure", async () => {
    const server = await serve((socket, request, connection) => {
      // The second request of the first connection is never answered.
      if (connection === 1 && request === 2) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na");
    });
    const by = transport();
    expect(await get(by, server.origin)).toMatchObject({ text: "a" });
    expect(await get(by, server.origin)).toMatchObject({ text: "a" });
    expect(server.connections()).toBe(2);
  });

  it("that closes itself, or is of HTTP/1.0, is not used again", async () => {
    const heads = [
      "HTTP/1.1 200 OK\r\nConnection: Close",
      "HTTP/1.0 200 OK",
      "HTTP/1.0 200 OK\r\nconnection: keep-alive",
    ];
    let next = 0;
    const server = await serve((socket) => {
      socket.write(`${heads[next++] ?? "HTTP/1.1 200 OK"}\r\ncontent-length: 1\r\n\r\na`);
    });
    const by = transport();
    for (let count = 0; count < 4; count++) expect(await get(by, server.origin)).toMatchObject({ text: "a" });
    expect(server.connections()).toBe(3);
  });

  it("is given up by an abort before and in mid-body, and by the end of the transport", async () => {
    const server = await serve((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"));
    const by = transport();
    expect(await failure(get(by, server.origin, { signal: AbortSignal.abort() }))).toMatchObject({ code: "cancelled" });
    const abort = new AbortController();
    const receiver = new Memory();
    const running = failure(get(by, server.origin, { signal: abort.signal, receiver }));
    while (receiver.chunks === 0) await setTimeout(1);
    abort.abort();
    expect(await running).toMatchObject({ code: "cancelled" });
    const other = failure(get(by, server.origin));
    while (server.heads.length < 2) await setTimeout(1);
    await by.close();
    expect(await other).toMatchObject({ code: "cancelled" });
  });

  it("is refused by a port where nobody listens", async () => {
    const port = await listen(createServer());
    await ends.pop()?.();
    expect(await failure(get(transport(), `http://127.0.0.1:${port}`))).toMatchObject({
      kind: "network",
      serverCode: "ECONNREFUSED",
    });
  });
});

describe("the parts of HTTP", () => {
  it("reads heads as RFC 9112 has them, and takes no others", () => {
    expect(parseHead("HTTP/1.1 200")).toEqual({ status: 200, headers: {}, persistent: true });
    expect(parseHead("HTTP/1.1 404 Not Found\r\nA:\r\nb: c:d ")).toMatchObject({
      status: 404,
      headers: { a: "", b: "c:d" },
    });
    for (const text of ["", "HTTP/2 200", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 200 OK\r\nno colon"])
      expect(parseHead(text)).toBeUndefined();
    for (const line of [" a: b", "a b: c", "a : b", ": b", "a: b\nc: d", "a: \0"])
      expect(parseHead(`HTTP/1.1 200 OK\r\n${line}`)).toBeUndefined();
  });

  it("takes the frame off chunks, as far as they have come", () => {
    const whole = "5\r\nhello\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
    expect(unchunk(Buffer.from(whole))).toEqual({ body: Buffer.from("hello0123456789"), ended: true });
    for (let length = 0; length <= whole.length; length++) {
      const { body } = unchunk(Buffer.from(whole.slice(0, length)));
      expect("hello0123456789".startsWith(body.toString())).toBe(true);
    }
    expect(unchunk(Buffer.from("zz\r\nhello"))).toEqual({ body: Buffer.alloc(0), ended: false });
  });
});
