/** The desktop app's carrier of the contract: the same frames as over HTTP, through the preload script's bridge. */
import { decodeFrame, encodeFrame } from "../../src-main/api/binary.js";
import type { CallAnswer, DesktopBridge, DesktopMessage } from "../../src-main/api/bridge.js";
import type { ApiEvent, Channel, RequestOf, ResponseOf } from "../../src-main/api/channels.js";
import { CallError, type Carrier, type LinkState, type ShellWish } from "./carrier.js";

export function ipcClient(bridge: DesktopBridge): Carrier {
  const listeners = new Set<(event: ApiEvent) => void>();
  const watchers = new Set<(state: LinkState) => void>();
  const wishers = new Set<(wish: ShellWish) => void>();
  /** Folders that were opened before anybody listened. */
  const early: ShellWish[] = [];
  let state: LinkState = "connecting";
  let calls = 0;

  const take = (message: DesktopMessage) => {
    switch (message.type) {
      case "event":
        for (const listener of listeners) listener(message.event);
        return;
      case "link":
        // An engine that is still starting is not lost.
        if (message.online || state === "online") state = message.online ? "online" : "lost";
        for (const watcher of watchers) watcher(state);
        return;
      default:
        if (wishers.size === 0) early.push(message);
        for (const wisher of wishers) wisher(message);
    }
  };
  bridge.listen(take);

  return {
    async call<C extends Channel>(
      channel: C,
      request: RequestOf<C>,
      { signal }: { readonly signal?: AbortSignal } = {},
    ): Promise<ResponseOf<C>> {
      signal?.throwIfAborted();
      const id = String(++calls);
      const abandon = () => bridge.abandon(id);
      signal?.addEventListener("abort", abandon, { once: true });
      let answer: CallAnswer;
      try {
        answer = await bridge.call(id, channel, encodeFrame(request));
      } catch {
        throw new CallError("network/unreachable", "Verger did not answer.");
      } finally {
        signal?.removeEventListener("abort", abandon);
      }
      signal?.throwIfAborted();
      if ("error" in answer) {
        const { code, message, details } = answer.error;
        throw new CallError(code, message, details);
      }
      return decodeFrame(answer.frame) as ResponseOf<C>;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    watchLink(watcher) {
      watchers.add(watcher);
      watcher(state);
      return () => watchers.delete(watcher);
    },
    retryNow: () => bridge.retry(),
    shell: {
      chooseFolder: (choice) => bridge.chooseFolder(choice),
      pathOf: (file) => bridge.pathOf(file),
      watch(wisher) {
        wishers.add(wisher);
        for (const wish of early.splice(0)) wisher(wish);
        return () => wishers.delete(wisher);
      },
    },
  };
}
