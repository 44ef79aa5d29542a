import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { Guard, isLoopback, sameSecret } from "../../src-main/server/guard.js";
import { contentSecurityPolicy } from "../../src-main/server/headers.js";

const TOKEN = "t".repeat(43);
const local = new Guard({ token: TOKEN, port: 8080, remoteNames: [] });
const remote = new Guard({ token: TOKEN, port: 8080, remoteNames: ["0.0.0.0", "orchard", "orchard.local"] });

const request = (headers: IncomingHttpHeaders): IncomingMessage => ({ headers }) as IncomingMessage;

describe("hosts", () => {
  it.each(["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"])("%s is this server", (host) => {
    expect(local.refuseHost(request({ host }))).toBeUndefined();
  });

  it.each([
    undefined,
    "",
    "127.0.0.1",
    "127.0.0.1:8081",
    "evil.example:8080",
    "127.0.0.1.evil.example:8080",
    "localhost.evil.example:8080",
    "192.168.1.4:8080",
    "localhost:8080@evil.example",
    "[::1",
  ])("%s is not", (host) => {
    expect(local.refuseHost(request({ host }))).toMatchObject({ status: 421, code: "server/host" });
  });

  it("beyond loopback are this machine's names and bare addresses, which cannot be rebound", () => {
    for (const host of ["orchard:8080", "orchard.local:8080", "192.168.1.4:8080", "[fe80::1]:8080", "localhost:8080"]) {
      expect(remote.refuseHost(request({ host })), host).toBeUndefined();
    }
    expect(remote.refuseHost(request({ host: "evil.example:8080" }))?.code).toBe("server/host");
  });

  it("know what loopback is", () => {
    expect(["127.0.0.1", "127.9.9.9", "localhost", "::1"].every(isLoopback)).toBe(true);
    expect(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.nip.io", "localhost.evil", "127.0.0"].some(isLoopback)).toBe(false);
  });
});

describe("origins", () => {
  const host = "127.0.0.1:8080";

  it("must be this page for calls", () => {
    expect(local.refuseOrigin(request({ host, origin: `http://${host}` }), true)).toBeUndefined();
    for (const origin of ["http://evil.example", "http://127.0.0.1:9999", `https://${host}`, "null", undefined]) {
      const headers = origin === undefined ? { host } : { host, origin };
      expect(local.refuseOrigin(request(headers), true), String(origin)).toMatchObject({ status: 403 });
    }
  });

  it("may be unstated by a program that shows the token", () => {
    expect(local.refuseOrigin(request({ host, authorization: `Bearer ${TOKEN}` }), true)).toBeUndefined();
    expect(local.refuseOrigin(request({ host, authorization: "Bearer x" }), true)?.code).toBe("server/origin");
  });

  it("are told by Sec-Fetch-Site for pictures", () => {
    for (const site of ["same-origin", "none"]) {
      expect(local.refuseOrigin(request({ host, "sec-fetch-site": site }), false)).toBeUndefined();
    }
    for (const site of ["same-site", "cross-site"]) {
      expect(local.refuseOrigin(request({ host, "sec-fetch-site": site }), false)?.code).toBe("server/origin");
    }
  });
});

describe("tokens", () => {
  it("come as this server's cookie or as bearer", () => {
    expect(local.refuseToken(request({ cookie: `a=b; verger-8080=${TOKEN}` }))).toBeUndefined();
    expect(local.refuseToken(request({ authorization: `Bearer ${TOKEN}` }))).toBeUndefined();
    for (const headers of [
      {},
      { cookie: `verger-8081=${TOKEN}` },
      { cookie: `verger-8080=${TOKEN}x` },
      { cookie: "verger-8080=" },
      { authorization: TOKEN },
      { authorization: `Basic ${TOKEN}` },
    ]) {
      expect(local.refuseToken(request(headers)), JSON.stringify(headers)).toMatchObject({ status: 401 });
    }
  });

  it("are kept where no script and no other site gets them", () => {
    expect(local.cookie).toBe(`verger-8080=${TOKEN}; Path=/; HttpOnly; SameSite=Strict`);
  });

  it("are compared whole", () => {
    expect(sameSecret("abc", "abc")).toBe(true);
    expect(sameSecret("abc", "abd")).toBe(false);
    expect(sameSecret("abc", "abcd")).toBe(false);
  });
});

it("the content security policy allows no script of others, inline or evaluated", () => {
  const policy = contentSecurityPolicy("127.0.0.1:8080");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe-eval");
  expect(policy.match(/'unsafe-inline'/g)).toHaveLength(1);
});
