import type { Session, WebContents } from "electron";
import { beforeEach, describe, expect, it } from "vitest";
import { FUSES } from "../../../src-main/electron/fuses.js";
import {
  HELP_LINKS,
  hardenContents,
  hardenSession,
  isHelpLink,
  isOwnFrame,
  WEB_PREFERENCES,
} from "../../../src-main/electron/security.js";
import { FakeContents, FakeSession, Refusable } from "../../support/electron-stand-in.js";

const FOREIGN = [
  "https://evil.example/",
  "http://127.0.0.1:8080/",
  "file:///etc/passwd",
  "verger://evil/",
  "verger://app.evil/",
  "verger://app@evil/",
  "verger://user@app/",
  "javascript:alert(1)",
  "data:text/html,hello",
  "about:blank",
  "vergers://app/",
  "",
];

it("the page has no Node, a world of its own, and a sandbox", () => {
  expect(WEB_PREFERENCES).toEqual({
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    safeDialogs: true,
    spellcheck: false,
  });
});

it("the fuses let no option slip code into what is shipped", () => {
  expect(FUSES).toEqual({
    // See fuses.ts for why.
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
  });
});

describe("a session", () => {
  let session: FakeSession;
  beforeEach(() => {
    session = new FakeSession();
    hardenSession(session as unknown as Session, true);
  });

  const isGranted = (permission: string, url: string, isMainFrame = true): boolean[] => {
    const given: boolean[] = [];
    session.permissionRequest?.({}, permission, (allowed) => given.push(allowed), { requestingUrl: url, isMainFrame });
    return [...given, session.permissionCheck?.({}, permission, url, { isMainFrame }) ?? true];
  };

  it.each(["media", "geolocation", "notifications", "openExternal", "clipboard-read", "fileSystem", "unknown"])(
    "grants no %s",
    (permission) => expect(isGranted(permission, "verger://app/")).toEqual([false, false]),
  );

  it("lets our page alone copy text", () => {
    expect(isGranted("clipboard-sanitized-write", "verger://app/")).toEqual([true, true]);
    expect(isGranted("clipboard-sanitized-write", "verger://app/", false)).toEqual([false, false]);
    for (const url of FOREIGN) expect(isGranted("clipboard-sanitized-write", url), url).toEqual([false, false]);
  });

  it("grants no device and no screen", () => {
    expect(session.devicePermission?.()).toBe(false);
    let streams: object | undefined;
    session.displayMedia?.({}, (answer) => {
      streams = answer;
    });
    expect(streams).toEqual({});
  });

  it("fetches no dictionaries", () => expect(session.spellChecker).toBe(false));

  const isCancelled = (from: FakeSession, url: string): boolean | undefined => {
    let cancelled: boolean | undefined;
    from.beforeRequest?.({ url }, ({ cancel }) => {
      cancelled = cancel;
    });
    return cancelled;
  };

  it.each(["verger://app/", "verger://app/images/x", "blob:verger://app/1-2-3", "data:image/png;base64,AAAA"])(
    "lets %s pass",
    (url) => expect(isCancelled(session, url)).toBe(false),
  );

  it.each([
    ...FOREIGN.filter((url) => !url.startsWith("data:")),
    "blob:https://evil.example/1",
    "devtools://devtools/x",
  ])("cancels the request for %j", (url) => expect(isCancelled(session, url)).toBe(true));

  it("of a checkout lets developer tools load themselves", () => {
    const checkout = new FakeSession();
    hardenSession(checkout as unknown as Session, false);
    expect(isCancelled(checkout, "devtools://devtools/bundled/inspector.html")).toBe(false);
    expect(isCancelled(checkout, "https://evil.example/")).toBe(true);
  });

  it("saves only what the page made itself", () => {
    const refused = (url: string): boolean => {
      const event = new Refusable();
      session.emit("will-download", event, { getURL: () => url });
      return event.defaultPrevented;
    };
    expect(refused("blob:verger://app/1-2-3")).toBe(false);
    for (const url of [
      "blob:https://evil.example/1",
      "https://evil.example/x.exe",
      "data:text/csv,a",
      "verger://app/",
    ]) {
      expect(refused(url), url).toBe(true);
    }
  });
});

describe("web contents", () => {
  let contents: FakeContents;
  let opened: string[];
  let photos: unknown[];
  beforeEach(() => {
    contents = new FakeContents();
    opened = [];
    photos = [];
    hardenContents(contents as unknown as WebContents, {
      link: (address) => opened.push(address),
      photo: (photo) => photos.push(photo),
    });
  });

  const refused = (name: string, url: string): boolean => {
    const event = new Refusable(url);
    contents.emit(name, event);
    return event.defaultPrevented;
  };

  it.each(["will-navigate", "will-frame-navigate", "will-redirect"])("stay on the page (%s)", (name) => {
    for (const url of [...FOREIGN, "verger://app/images/x", "verger://app/?token=x"]) {
      expect(refused(name, url), url).toBe(true);
    }
    // Loading the page again, at any of its places.
    expect(refused(name, "verger://app/")).toBe(false);
    expect(refused(name, "verger://app/#/runs")).toBe(false);
  });

  it("attach no web view", () => expect(refused("will-attach-webview", "")).toBe(true));

  it("open no window, and hand only the links of the help to the system", () => {
    for (const url of [...FOREIGN, "https://www.apache.org/", `${HELP_LINKS.licence}?x`, `${HELP_LINKS.licence}/..`]) {
      expect(contents.windowOpen?.({ url }), url).toEqual({ action: "deny" });
    }
    expect(opened).toEqual([]);
    expect(contents.windowOpen?.({ url: HELP_LINKS.licence })).toEqual({ action: "deny" });
    expect(opened).toEqual([HELP_LINKS.licence]);
  });

  it("hand photos in full to the system's viewer, and nothing else of the scheme", () => {
    const picture = "verger://app/images/0123456789abcdef/ab12/7";
    const others = [`${picture}/256`, `${picture}/full/..`, "verger://app/", "verger://app/assets/app.js"];
    for (const url of [...others, picture.replace("app", "evil")]) {
      expect(contents.windowOpen?.({ url }), url).toEqual({ action: "deny" });
    }
    expect(photos).toEqual([]);
    expect(contents.windowOpen?.({ url: `${picture}/full` })).toEqual({ action: "deny" });
    expect(photos).toEqual([{ run: "0123456789abcdef", version: "ab12", row: 7, size: "full" }]);
    expect(opened).toEqual([]);
  });
});

it("help links are pages of the web, and only they are", () => {
  for (const link of Object.values(HELP_LINKS)) expect(new URL(link).protocol).toBe("https:");
  expect(FOREIGN.some(isHelpLink)).toBe(false);
});

describe("messages are heard", () => {
  it("from the page's main frame", () => {
    expect(isOwnFrame({ url: "verger://app/", parent: null })).toBe(true);
    expect(isOwnFrame({ url: "verger://app/#/explore/x?y", parent: null })).toBe(true);
  });

  it.each(FOREIGN)("not from %j", (url) => expect(isOwnFrame({ url, parent: null })).toBe(false));

  it("nor from a frame inside of it, another address of the scheme, or a frame that is gone", () => {
    const parent = {} as never;
    expect(isOwnFrame({ url: "verger://app/", parent })).toBe(false);
    expect(isOwnFrame({ url: "verger://app/images/0123456789abcdef/1/0/full", parent: null })).toBe(false);
    expect(isOwnFrame(null)).toBe(false);
  });
});
