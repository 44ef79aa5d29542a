/** The desktop app's carrier of the contract: the same frames as over HTTP, through the preload script's bridge. */
import { decodeFrame, encodeFrame } from "../../src-main/api/binary.js";
import type { CallAnswer, DesktopBridge, DesktopMessage } from "../../src-main/api/bridge.js";
import type { ApiEvent, Channel, RequestOf, ResponseOf } from "../../src-main/api/channels.js";
import { CallError, type Carrier, type LinkState, Listeners, type ShellWish } from "./carrier.js";

export function ipcClient(bridge: DesktopBridge): Carrier {
  const listeners = new Listeners<ApiEvent>();
  const watchers = new Listeners<LinkState>();
  const wishers = new Listeners<ShellWish>();
  /** Folders that were opened before anybody listened. */
  const early: ShellWish[] = [];
  let state: LinkState = "connecting";
  let calls = 0;

  const take = (message: DesktopMessage) => {
    switch (message.type) {
      case "event":
        listeners.tell(message.event);
        return;
      case "link":
        // An engine that is still starting is not lost.
        if (message.online || state === "online") state = message.online ? "online" : "lost";
        watchers.tell(state);
        return;
      default:
        if (wishers.size === 0) early.push(message);
        wishers.tell(message);
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
    subscribe: (listener) => listeners.add(listener),
    watchLink(watcher) {
      const leave = watchers.add(watcher);
      watcher(state);
      return leave;
    },
    retryNow: () => bridge.retry(),
    shell: {
      chooseFolder: (choice) => bridge.chooseFolder(choice),
      pathOf: (file) => bridge.pathOf(file),
      watch(wisher) {
        const leave = wishers.add(wisher);
        for (const wish of early.splice(0)) wisher(wish);
        return leave;
      },
    },
  };
}
