import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VergerError } from "../../../src-main/core/errors.js";
import { handleScheme, PAGE, registerScheme } from "../../../src-main/electron/scheme.js";
import type { Engine } from "../../../src-main/engine/index.js";
import { Assets } from "../../../src-main/server/assets.js";
import { contentSecurityPolicy } from "../../../src-main/server/headers.js";
import { FakeSession } from "../../support/electron-stand-in.js";

let folder: string;
let session: FakeSession;
let asked: unknown[][];
let image: Engine["image"];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-scheme-"));
  mkdirSync(path.join(folder, "page", "assets"), { recursive: true });
  writeFileSync(path.join(folder, "page", "index.html"), "<!doctype html><title>Verger</title>");
  writeFileSync(path.join(folder, "page", "assets", "app-1234.js"), "export {};");
  writeFileSync(path.join(folder, "secret.txt"), "secret");
  session = new FakeSession();
  asked = [];
  image = async () => ({ jpeg: new Uint8Array([255, 216]) });
  handleScheme(session.protocol as never, new Assets(path.join(folder, "page")), (...args) => {
    asked.push(args.slice(0, 4));
    return image(...args);
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function get(address: string, init: RequestInit = {}): Promise<Response> {
  if (!session.scheme) throw new Error("no handler");
  // Node's Request refuses credentials in an address; Electron's may hold anything.
  return session.scheme.answer({
    url: address,
    method: init.method ?? "GET",
    headers: new Headers(init.headers),
    signal: new AbortController().signal,
  } as Request);
}

const PICTURE = `${PAGE}images/0123456789abcdef/ab12/7/256`;

it("is an origin of its own, secure, and never asked to bypass the page's policy", () => {
  const registered: unknown[] = [];
  registerScheme({ registerSchemesAsPrivileged: (list) => void registered.push(...list) });
  expect(registered).toEqual([
    { scheme: "verger", privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
  expect(PAGE).toBe("verger://app/");
});

describe("the page", () => {
  it("comes with the same strict policy as from the server, without a socket", async () => {
    const response = await get(PAGE);
    expect(session.scheme?.name).toBe("verger");
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("<title>Verger</title>");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toBe(contentSecurityPolicy());
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("connect-src 'self';");
    expect(policy).not.toMatch(/ws:|unsafe-eval|https?:/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("has its assets", async () => {
    const response = await get(`${PAGE}assets/app-1234.js`);
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("cache-control")).toContain("immutable");
  });

  it.each([
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "assets/../../secret.txt",
    "assets/..%5c..%5csecret.txt",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "assets",
    "secret.txt",
    "index.html%00.js",
    "api/app.info",
  ])("leads nowhere else: %s", async (name) => {
    const response = await get(`${PAGE}${name}`);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain("secret");
    expect(response.headers.get("content-security-policy")).toBe(contentSecurityPolicy());
  });

  it.each(["verger://other/", "verger://user@app/", "https://app/", "not an address"])(
    "is not at %s",
    async (address) => {
      expect((await get(address)).status).toBe(404);
    },
  );

  it.each(["POST", "PUT", "DELETE"])("is not for %s", async (method) => {
    expect((await get(PAGE, { method })).status).toBe(405);
  });

  it("that was never built says so", async () => {
    rmSync(path.join(folder, "page"), { recursive: true });
    const response = await get(PAGE);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "server/no-window" } });
  });
});

describe("pictures", () => {
  it("come from the engine, once for a client that keeps them", async () => {
    const response = await get(PICTURE);
    expect(asked).toEqual([["0123456789abcdef", "ab12", 7, 256]]);
    expect(response.headers.get("content-type")).toBe("image/jpeg");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([255, 216]));
    const etag = response.headers.get("etag") ?? "";
    expect((await get(PICTURE, { headers: { "if-none-match": etag } })).status).toBe(304);
    expect(asked).toHaveLength(1);
  });

  it("may be files, which are streamed", async () => {
    const file = path.join(folder, "photo.png");
    writeFileSync(file, "pixels");
    image = async () => ({ file, format: "png" });
    const response = await get(PICTURE.replace("/256", "/full"));
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(await response.text()).toBe("pixels");
  });

  it("that cannot be had are told by code", async () => {
    image = async () => {
      throw new VergerError("photo/missing", "Expected a photo, but it is gone.");
    };
    const response = await get(PICTURE);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: { code: "photo/missing", message: "Expected a photo, but it is gone." },
    });
  });

  it.each([
    "images/x",
    "images/0123456789abcdef/ab12/7/257",
    "images/0123456789abcdef/ab12/-1/64",
    "images/../index.html",
  ])("of a wrong address (%s) are not asked for", async (name) => {
    const { status } = await get(`${PAGE}${name}`);
    // The last one is the page's file, as the address says.
    expect(status).toBe(name.endsWith(".html") ? 200 : 404);
    expect(asked).toEqual([]);
  });
});
