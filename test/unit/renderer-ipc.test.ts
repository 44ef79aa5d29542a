import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../../src-main/api/binary.js";
import type { CallAnswer, DesktopBridge, DesktopMessage } from "../../src-main/api/bridge.js";
import type { ApiEvent } from "../../src-main/api/channels.js";
import { ipcClient } from "../../src-renderer/api/ipc-client.js";

function open(
  answer: (channel: string, request: unknown) => Promise<CallAnswer> | CallAnswer = () => ({ frame: encodeFrame({}) }),
) {
  const log: string[] = [];
  let listener: (message: DesktopMessage) => void = () => {};
  const bridge: DesktopBridge = {
    call: async (id, channel, frame) => {
      log.push(`call ${id}`);
      return answer(channel, decodeFrame(frame as Uint8Array<ArrayBuffer>));
    },
    abandon: (id) => log.push(`abandon ${id}`),
    listen: (heard) => {
      listener = heard;
    },
    retry: () => log.push("retry"),
    chooseFolder: async ({ title }) => `/chosen/${title}`,
    pathOf: () => "/dropped",
  };
  return { client: ipcClient(bridge), log, say: (message: DesktopMessage) => listener(message) };
}

describe("the desktop app's client", () => {
  it("calls by frames, typed arrays included", async () => {
    const { client } = open((channel, request) => ({
      frame: encodeFrame({ channel, request, ids: new Uint32Array([7]) }),
    }));
    expect(await client.call("run.rows", { run: "0123456789abcdef", rows: new Uint32Array([1]) })).toEqual({
      channel: "run.rows",
      request: { run: "0123456789abcdef", rows: new Uint32Array([1]) },
      ids: new Uint32Array([7]),
    });
  });

  it("rejects with code and sentence, and for a bridge that fails as for a server that is gone", async () => {
    const failure = { error: { code: "run/unknown", message: "Expected a run." } };
    await expect(open(() => failure).client.call("app.info", {})).rejects.toMatchObject(failure.error);
    const broken = open(() => Promise.reject(new Error("Error invoking remote method")));
    await expect(broken.client.call("app.info", {})).rejects.toMatchObject({ code: "network/unreachable" });
  });

  it("abandons a call, and only while it is under way", async () => {
    let end: (answer: CallAnswer) => void = () => {};
    const { client, log } = open(
      () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    );
    const controller = new AbortController();
    const call = client.call("app.info", {}, { signal: controller.signal });
    const ended = client.call("settings.get", {}, { signal: controller.signal });
    end({ frame: encodeFrame({}) });
    await ended;
    controller.abort();
    expect(log).toEqual(["call 1", "call 2", "abandon 1"]);
    await expect(client.call("app.info", {}, { signal: controller.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(log).toHaveLength(3);
    void call.catch(() => {});
  });

  it("rejects an abandoned call as every carrier does, whatever is answered to it", async () => {
    const controller = new AbortController();
    const { client } = open(() => {
      controller.abort();
      return { error: { code: "cancelled", message: "The operation was cancelled." } };
    });
    await expect(client.call("app.info", {}, { signal: controller.signal })).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  it("passes events on until the subscription ends", () => {
    const { client, say } = open();
    const heard: ApiEvent[] = [];
    const end = client.subscribe((event) => heard.push(event));
    say({ type: "event", event: { type: "runs" } });
    end();
    say({ type: "event", event: { type: "runs" } });
    expect(heard).toEqual([{ type: "runs" }]);
  });

  it("knows an engine that starts from one that is lost", () => {
    const { client, say, log } = open();
    const states: string[] = [];
    const end = client.watchLink((state) => states.push(state));
    say({ type: "link", online: false });
    say({ type: "link", online: true });
    say({ type: "link", online: false });
    say({ type: "link", online: true });
    end();
    say({ type: "link", online: false });
    expect(states).toEqual(["connecting", "connecting", "online", "lost", "online"]);
    client.retryNow();
    expect(log).toEqual(["retry"]);
  });

  it("keeps folders that were opened before anybody listened, and has the system's dialogs", async () => {
    const { client, say } = open();
    say({ type: "open", path: "/runs/a" });
    const wishes: unknown[] = [];
    const end = client.shell?.watch((wish) => wishes.push(wish));
    say({ type: "go", view: "jobs" });
    end?.();
    expect(wishes).toEqual([
      { type: "open", path: "/runs/a" },
      { type: "go", view: "jobs" },
    ]);
    expect(await client.shell?.chooseFolder({ title: "T" })).toBe("/chosen/T");
    expect(client.shell?.pathOf({} as File)).toBe("/dropped");
  });
});
