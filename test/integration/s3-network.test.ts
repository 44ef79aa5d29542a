/** What stands between this machine and the server: a proxy, certificates that only a company vouches for, IPv6. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openS3, type S3Store } from "../../src-main/storage/s3/index.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";
import { type FaultServer, startFaultServer } from "../support/fault-server.js";

const PART = 64 * 1024;
const QUICK = { attempts: 2, backoffBaseMs: 1, rangeBytes: PART, rangesAbove: 2 * PART, stallMs: 5_000 };
/** Resolved by nobody but the proxy. */
const HOST = "storage.example.test";

let folder: string;
let server: FaultServer;
const ends: (() => unknown)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-s3-network-"));
  for (const name of Object.keys(process.env)) {
    if (/^AWS_|_proxy$/i.test(name)) vi.stubEnv(name, undefined);
  }
  vi.stubEnv("AWS_ACCESS_KEY_ID", "PLANTEDACCESSKEY");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "planted+secret/key0of+forty0characters00");
  server = await startFaultServer();
  ends.push(() => server.stop());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(one: Server | TcpServer, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => one.listen(0, host, resolve));
  ends.push(() => new Promise<void>((resolve) => one.close(() => resolve())));
  return (one.address() as AddressInfo).port;
}

/** Passes bytes on. */
const relay = (port: number) => (socket: NodeJS.ReadWriteStream) => {
  const on = connect(port, "127.0.0.1");
  for (const end of [on, socket]) end.on("error", () => {});
  socket.pipe(on).pipe(socket);
};

/** A proxy as companies run them: plain requests in absolute form, tunnels for the rest. All lead to one port. */
async function proxy(port: number): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const one = createServer((request, response) => {
    const url = new URL(request.url ?? "");
    asked.push(`${request.method} ${url.host} ${request.headers["proxy-authorization"] ?? ""}`.trim());
    const { "proxy-authorization": _own, "proxy-connection": _hop, ...headers } = request.headers;
    const on = httpRequest(
      { port, host: "127.0.0.1", method: request.method, path: url.pathname + url.search, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      },
    );
    on.on("error", () => response.destroy());
    request.pipe(on);
  });
  one.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    relay(port)(socket);
  });
  const address = `http://127.0.0.1:${await listen(one)}`;
  ends.push(() => one.closeAllConnections());
  return { address, asked };
}

function open(endpoint: string): S3Store {
  const store = openS3("bucket", { endpoint, region: "us-east-1" }, QUICK);
  ends.push(() => store.close());
  return store;
}

/** Every kind of request: bytes from memory, a listing, a small object, ranges into a file. */
async function everything(store: S3Store): Promise<void> {
  const bytes = randomBytes(5 * PART);
  const info = await store.put("large", bytes);
  for await (const page of store.list("")) expect(page.map(({ key }) => key)).toEqual(["large"]);
  expect(Buffer.compare((await store.get("large")).bytes, bytes)).toBe(0);
  await store.download(info, path.join(folder, "large"));
  expect(Buffer.compare(readFileSync(path.join(folder, "large")), bytes)).toBe(0);
}

async function secure(): Promise<number> {
  return listen(createTlsServer({ key: KEY, cert: CERTIFICATE }, relay(server.port)));
}

function trust(): void {
  const file = path.join(folder, "authority.pem");
  writeFileSync(file, CERTIFICATE);
  vi.stubEnv("AWS_CA_BUNDLE", file);
}

describe("a proxy", () => {
  it("is used for plain connections, with the name and password that it asks for", async () => {
    const { address, asked } = await proxy(server.port);
    vi.stubEnv("http_proxy", address.replace("http://", "me:pass@"));
    await everything(open(`http://${HOST}:9000`));
    expect(new Set(asked.map((line) => line.split(" ").slice(1).join(" ")))).toEqual(
      new Set([`${HOST}:9000 Basic ${Buffer.from("me:pass").toString("base64")}`]),
    );
    expect(asked.length).toBe(server.requests.length);
  });

  it("tunnels secure ones, whose certificate is checked as ever", async () => {
    const { address, asked } = await proxy(await secure());
    vi.stubEnv("HTTPS_PROXY", address);
    // With its dot it is the name in the certificate, and none that is excepted as this machine's own.
    const endpoint = "https://localhost.:9000";
    await expect(open(endpoint).get("large")).rejects.toMatchObject({ code: "s3/unreachable" });
    trust();
    await everything(open(endpoint));
    expect(new Set(asked)).toEqual(new Set(["CONNECT localhost.:9000"]));
  });

  it("is left out for this machine and for what NO_PROXY names", async () => {
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
    await everything(open(server.endpoint));
    vi.stubEnv("NO_PROXY", "elsewhere.test,.example.test");
    // Nobody resolves the name, and nobody was asked on port 1.
    const error = await open(`http://${HOST}:9000`)
      .get("x")
      .catch((reason: unknown) => reason);
    expect((error as Error).message).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  it("that makes no address is told without its password", async () => {
    vi.stubEnv("HTTPS_PROXY", "ftp://me:planted@proxy");
    const error = await open(`https://${HOST}`)
      .get("x")
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "network/proxy" });
    expect((error as Error).message).not.toContain("planted");
  });
});

describe("a company's certificate", () => {
  it("is trusted when AWS_CA_BUNDLE names it, by every kind of request", async () => {
    const endpoint = `https://localhost:${await secure()}`;
    const error = await open(endpoint)
      .get("x")
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "s3/unreachable", details: { attempts: 1 } });
    expect((error as Error).message).toContain("AWS_CA_BUNDLE");
    trust();
    await everything(open(endpoint));
  });

  it.each([
    ["is not there", undefined],
    ["holds none", "no certificate"],
  ])("is told when its file %s", async (_name, text) => {
    const file = path.join(folder, "bad.pem");
    if (text !== undefined) writeFileSync(file, text);
    vi.stubEnv("AWS_CA_BUNDLE", file);
    const store = open(server.endpoint);
    await expect(store.get("x")).rejects.toMatchObject({ code: "network/certificates" });
    await expect(store.put("x", Buffer.from("x"))).rejects.toMatchObject({ code: "network/certificates" });
  });
});

it("an address of version 6 is an endpoint like others", async () => {
  const port = await listen(createTcpServer(relay(server.port)), "::1");
  await everything(open(`http://[::1]:${port}`));
});
