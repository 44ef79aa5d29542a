/** The engine in a process of its own: the window stays alive whatever a decoder or a driver does. */
import { encodeFrame } from "../api/binary.js";
import type { Problem } from "../api/channels.js";
import { VergerError } from "../core/errors.js";
import { type Engine, type EngineOptions, toFailure } from "../engine/index.js";
import type { FromEngine, ToEngine, Wish } from "./engine-messages.js";

/** The engine's end of the line to the main process. */
export interface EnginePort {
  post(message: FromEngine): void;
  receive(listener: (message: ToEngine) => void): void;
}

/** What an engine is made with here. */
export type EngineParts = Required<Pick<EngineOptions, "trash" | "reveal">>;

/**
 * Serves an engine until it is told to close.
 *
 * @param make creates the engine; its trash and file manager are the main process's
 */
export async function serveEngine(port: EnginePort, make: (parts: EngineParts) => Promise<Engine>): Promise<void> {
  const wishes = new Map<number, (problem: Problem | null) => void>();
  const waiting = new Map<number, AbortController>();
  let lastWish = 0;
  const wish = (what: Wish, folder: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const id = ++lastWish;
      wishes.set(id, (problem) => (problem ? reject(new VergerError(problem.code, problem.message)) : resolve()));
      port.post({ type: "wish", id, wish: what, folder });
    });
  const engine = await make({
    async trash(folder) {
      await wish("trash", folder);
      // The system's trash brings things back by itself.
      return undefined;
    },
    reveal: (folder) => wish("reveal", folder),
  });
  const unsubscribe = engine.subscribe((event) => port.post({ type: "event", event }));
  const closed = new Promise<void>((resolve) => {
    const answer = async (id: number, work: (signal: AbortSignal) => Promise<FromEngine>): Promise<void> => {
      const controller = new AbortController();
      waiting.set(id, controller);
      try {
        port.post(await work(controller.signal));
      } catch (error) {
        if (process.env.VERGER_DEBUG === "1") console.error(error);
        port.post({ type: "failed", id, problem: toFailure(error).error });
      } finally {
        waiting.delete(id);
      }
    };
    port.receive((message) => {
      switch (message.type) {
        case "call": {
          const { id, channel, request } = message;
          void answer(id, async (signal) => {
            return { type: "answer", id, frame: encodeFrame(await engine.call(channel, request, { signal })) };
          });
          return;
        }
        case "image": {
          const { id, image } = message;
          void answer(id, async (signal) => {
            const { run, version, row, size } = image;
            return { type: "picture", id, picture: await engine.image(run, version, row, size, signal) };
          });
          return;
        }
        case "abandon":
          waiting.get(message.id)?.abort();
          return;
        case "done":
          wishes.get(message.id)?.(message.problem);
          wishes.delete(message.id);
          return;
        case "close":
          resolve();
      }
    });
  });
  port.post({ type: "ready", hello: engine.hello() });
  await closed;
  await engine.close();
  unsubscribe();
  port.post({ type: "closed" });
}
