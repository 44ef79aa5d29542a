import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { decodeFrame } from "../../../src-main/api/binary.js";
import type { ApiEvent } from "../../../src-main/api/channels.js";
import { VergerError } from "../../../src-main/core/errors.js";
import { type EngineChild, EngineHost, type EngineNews } from "../../../src-main/electron/engine-host.js";
import type { FromEngine, ToEngine } from "../../../src-main/electron/engine-messages.js";
import { type EngineParts, serveEngine } from "../../../src-main/electron/engine-process.js";
import type { Engine } from "../../../src-main/engine/index.js";
import { settle } from "../../support/electron-stand-in.js";

/** An engine that does what the test says, in a "process" whose messages are cloned as between real ones. */
class Process extends EventEmitter implements EngineChild {
  readonly log: string[] = [];
  parts: EngineParts | undefined;
  emitEvent: (event: ApiEvent) => void = () => {};
  private readonly inbox = new EventEmitter();
  private alive = true;

  constructor(
    readonly instance: string,
    handle: Partial<Engine>,
  ) {
    super();
    void serveEngine(
      {
        post: (message) => this.deliver(() => this.emit("message", structuredClone(message) satisfies FromEngine)),
        receive: (listener) => this.inbox.on("message", listener),
      },
      async (parts) => {
        this.parts = parts;
        return {
          call: async () => ({}),
          image: async () => ({ jpeg: new Uint8Array() }),
          open: async () => ({ run: "" }),
          hello: () => ({ type: "hello", instance, version: "1" }),
          subscribe: (listener: (event: ApiEvent) => void) => {
            this.emitEvent = listener;
            return () => this.log.push("unsubscribed");
          },
          close: async () => void this.log.push("closed"),
          ...handle,
        };
      },
    );
  }

  postMessage(message: ToEngine): void {
    this.deliver(() => this.inbox.emit("message", structuredClone(message)));
  }

  kill(): boolean {
    this.die(0);
    return true;
  }

  die(code: number): void {
    if (!this.alive) return;
    this.alive = false;
    this.log.push("killed");
    setImmediate(() => this.emit("exit", code));
  }

  private deliver(action: () => void): void {
    setImmediate(() => {
      if (this.alive) action();
    });
  }
}

let processes: Process[];
/** What the next process does otherwise than the usual. */
let handle: { -readonly [K in keyof Engine]?: Engine[K] };
let news: EngineNews[];
let host: EngineHost;
let wishes: string[];

beforeEach(() => {
  processes = [];
  handle = {};
  news = [];
  wishes = [];
  host = new EngineHost({
    fork: () => {
      const process = new Process(`i${processes.length + 1}`, handle);
      processes.push(process);
      return process;
    },
    wishes: {
      trash: async (folder) => void wishes.push(`trash ${folder}`),
      reveal: async (folder) => {
        wishes.push(`reveal ${folder}`);
        throw new Error("there is no file manager");
      },
    },
  });
  const heard = news;
  host.subscribe((item) => heard.push(item));
});
afterEach(() => {
  vi.useRealTimers();
});

const last = (): Process => processes.at(-1) as Process;

describe("the engine's process", () => {
  it("answers calls with frames, typed arrays included", async () => {
    handle.call = async (channel, request) => ({ channel, request, rows: new Uint32Array([3, 4]) });
    host.start();
    const frame = await host.call("run.search", { run: "r", text: "apple" });
    expect(decodeFrame(frame)).toEqual({
      channel: "run.search",
      request: { run: "r", text: "apple" },
      rows: new Uint32Array([3, 4]),
    });
  });

  it("is asked as soon as it is there by those who asked before", async () => {
    handle.call = async () => ({ jobs: [] });
    const early = host.request("jobs.list", {});
    host.start();
    expect(await early).toEqual({ jobs: [] });
  });

  it("gives pictures", async () => {
    handle.image = async (_run, _version, row) => ({ jpeg: new Uint8Array([row]) });
    host.start();
    expect(await host.image("r", "v", 7, 64)).toEqual({ jpeg: new Uint8Array([7]) });
  });

  it("keeps code and sentence of a failure", async () => {
    handle.call = async () => {
      throw new VergerError("run/unknown", "Expected a run.");
    };
    host.start();
    await expect(host.call("run.overview", {})).rejects.toMatchObject({
      code: "run/unknown",
      message: "Expected a run.",
    });
  });

  it("stops what nobody waits for any more", async () => {
    let stopped = false;
    handle.call = (_channel, _request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          stopped = true;
          reject(new Error("stopped"));
        });
      });
    host.start();
    const controller = new AbortController();
    const call = host.call("jobs.probe", {}, controller.signal);
    await settle();
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
    await settle();
    expect(stopped).toBe(true);
    await expect(host.call("jobs.probe", {}, controller.signal)).rejects.toMatchObject({ code: "cancelled" });
  });

  it("tells its events, after its greeting", async () => {
    host.start();
    await settle();
    expect(host.greeting).toEqual({ type: "hello", instance: "i1", version: "1" });
    last().emitEvent({ type: "runs" });
    await settle();
    expect(news).toEqual([
      { type: "link", online: true },
      { type: "event", event: { type: "hello", instance: "i1", version: "1" } },
      { type: "event", event: { type: "runs" } },
    ]);
  });

  it("has the main process move folders to the trash and show them, and learns what came of it", async () => {
    host.start();
    await settle();
    const { parts } = last();
    expect(await parts?.trash?.("/runs/a")).toBeUndefined();
    await expect(parts?.reveal?.("/runs/b")).rejects.toMatchObject({
      code: "run/no-reveal",
      message: expect.stringContaining("/runs/b in the file manager, but: there is no file manager;"),
    });
    expect(wishes).toEqual(["trash /runs/a", "reveal /runs/b"]);
  });

  it("saves before it ends", async () => {
    host.start();
    await settle();
    const child = last();
    await host.close();
    expect(child.log).toEqual(["closed", "unsubscribed", "killed"]);
    host.start();
    expect(processes).toHaveLength(1);
  });

  it("is given time to start before it is told to close", async () => {
    host.start();
    await host.close();
    expect(last().log[0]).toBe("closed");
  });
});

describe("an engine that crashes", () => {
  it("fails what was asked of it, is started again, and is known for another", async () => {
    handle.call = () => new Promise(() => {});
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    host.start();
    await settle();
    const call = host.call("run.overview", {});
    call.catch(() => {});
    await settle();
    last().die(139);
    await settle();
    await expect(call).rejects.toMatchObject({
      code: "desktop/engine-ended",
      message: expect.stringContaining("ended with 139"),
    });
    expect(host.greeting).toBeUndefined();
    expect(news.at(-1)).toEqual({ type: "link", online: false });
    handle.call = async () => ({ jobs: [] });
    const meanwhile = host.request("jobs.list", {});
    vi.advanceTimersByTime(250);
    await settle();
    expect(processes).toHaveLength(2);
    expect(await meanwhile).toEqual({ jobs: [] });
    expect(news.slice(-2)).toEqual([
      { type: "link", online: true },
      { type: "event", event: { type: "hello", instance: "i2", version: "1" } },
    ]);
  });

  it("is waited for longer each time, but not when a person asks", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    host.start();
    const waits = [250, 1_000, 5_000, 5_000];
    for (const [index, wait] of waits.entries()) {
      await settle();
      last().die(1);
      await settle();
      vi.advanceTimersByTime(wait - 1);
      expect(processes).toHaveLength(index + 1);
      vi.advanceTimersByTime(1);
      expect(processes).toHaveLength(index + 2);
    }
    await settle();
    last().die(1);
    await settle();
    host.start();
    expect(processes).toHaveLength(waits.length + 2);
    vi.advanceTimersByTime(10_000);
    expect(processes).toHaveLength(waits.length + 2);
  });

  it("while it saves does not hold up the end", async () => {
    handle.close = () => new Promise(() => {});
    host.start();
    await settle();
    const closed = host.close();
    await settle();
    last().die(1);
    await closed;
    expect(news.filter(({ type }) => type === "link")).toEqual([{ type: "link", online: true }]);
  });

  it("or never started closes at once", async () => {
    await host.close();
    expect(processes).toHaveLength(0);
  });
});
