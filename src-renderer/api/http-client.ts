/** The HTTP and WebSocket carrier of the contract: frames out, frames in, events over one socket that comes back by itself. */
import { decodeFrame, encodeFrame, FRAME_TYPE } from "../../src-main/api/binary.js";
import type { ApiEvent, Channel, Problem, RequestOf, ResponseOf } from "../../src-main/api/channels.js";
import { CallError, type Carrier, type LinkState, Listeners } from "./carrier.js";

/** Waits between attempts in milliseconds; the last one repeats. A server that comes back is found within two seconds. */
const WAITS = [250, 500, 1000, 2000];

/**
 * @param base the page's own address; calls and events are relative to it
 */
export function httpClient(base: string): Carrier {
  const listeners = new Listeners<ApiEvent>();
  const watchers = new Listeners<LinkState>();
  let state: LinkState = "connecting";
  let attempts = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | undefined;

  const setState = (next: LinkState) => {
    if (next === state) return;
    state = next;
    watchers.tell(state);
  };

  const connect = () => {
    clearTimeout(timer);
    timer = undefined;
    const address = new URL("events", base);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const current = new WebSocket(address);
    socket = current;
    current.onopen = () => {
      attempts = 0;
      setState("online");
    };
    current.onmessage = ({ data }) => {
      const event = JSON.parse(String(data)) as ApiEvent;
      listeners.tell(event);
    };
    current.onclose = () => {
      if (socket !== current) return;
      // Once refused, a page stays refused until it is let in or nobody is there any more.
      if (state !== "refused") setState(state === "connecting" && attempts < 2 ? "connecting" : "lost");
      void distinguishRefusal();
      timer = setTimeout(connect, WAITS[Math.min(attempts++, WAITS.length - 1)]);
    };
  };
  // A socket does not say why it was refused; a plain call does.
  const distinguishRefusal = async () => {
    try {
      const response = await fetch(new URL("api/app.info", base), callOptions({}));
      if (response.status === 401 || response.status === 403) setState("refused");
    } catch {
      if (state === "refused") setState("lost");
    }
  };
  connect();

  return {
    async call<C extends Channel>(
      channel: C,
      request: RequestOf<C>,
      options: { readonly signal?: AbortSignal } = {},
    ): Promise<ResponseOf<C>> {
      let response: Response;
      try {
        response = await fetch(new URL(`api/${channel}`, base), callOptions(request, options.signal));
      } catch (error) {
        if (options.signal?.aborted) throw error;
        throw new CallError("network/unreachable", "Verger did not answer.");
      }
      const value = await bodyOf(response);
      if (!response.ok) {
        const { error } = (value ?? {}) as { error?: Partial<Problem> };
        throw new CallError(
          error?.code ?? `http/${response.status}`,
          error?.message ?? response.statusText,
          error?.details,
        );
      }
      return value as ResponseOf<C>;
    },
    subscribe: (listener) => listeners.add(listener),
    watchLink(watcher) {
      const leave = watchers.add(watcher);
      watcher(state);
      return leave;
    },
    retryNow() {
      if (state === "online" || socket?.readyState === WebSocket.CONNECTING) return;
      connect();
    },
  };
}

function callOptions(request: unknown, signal?: AbortSignal): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": FRAME_TYPE, accept: FRAME_TYPE },
    body: encodeFrame(request),
    credentials: "same-origin",
    ...(signal ? { signal } : {}),
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith(FRAME_TYPE)) return decodeFrame(await response.arrayBuffer());
  if (type.startsWith("application/json")) return response.json();
  return undefined;
}
