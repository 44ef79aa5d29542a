/** The page's messages: each is checked for its sender and its shape before anything else happens. */
import type { Dialog, IpcMain, IpcMainEvent, IpcMainInvokeEvent, WebContents } from "electron";
import * as z from "zod";
import { FRAME_TYPE } from "../api/binary.js";
import { type CallAnswer, type DesktopMessage, type FolderChoice, IPC } from "../api/bridge.js";
import { VergerError } from "../core/errors.js";
import { parseRequest } from "../core/request.js";
import { parseCall, requireChannel, toFailure } from "../engine/dispatch.js";
import { decodeBody } from "../server/body.js";
import type { EngineHost } from "./engine-host.js";
import { isOwnFrame } from "./security.js";

const callId = z.string().min(1).max(64);

/** What is accepted on each channel. */
const schemas = {
  call: z.object({
    /** Chosen by the page; names the call when it is abandoned. */
    id: callId,
    channel: z.string().max(64),
    frame: z.custom<Uint8Array>((value) => value instanceof Uint8Array, "a Uint8Array"),
  }),
  abandon: z.object({ id: callId }),
  chooseFolder: z.object({ title: z.string().max(200), start: z.string().max(4_096).optional() }),
  nothing: z.undefined(),
} as const;

export interface IpcParts {
  readonly ipcMain: Pick<IpcMain, "handle" | "on">;
  readonly host: Pick<EngineHost, "call" | "start">;
  readonly chooseFolder: (contents: WebContents, choice: FolderChoice) => Promise<string | null>;
  /** A page begins to listen: it was loaded, or loaded again. */
  readonly listening: (contents: WebContents) => void;
}

/** Answers the page's messages. */
export function registerIpc({ ipcMain, host, chooseFolder, listening }: IpcParts): void {
  const calls = new Calls();

  ipcMain.handle(IPC.call, async (event, payload): Promise<CallAnswer> => {
    try {
      const { id, channel, frame } = check(event, schemas.call, payload);
      requireChannel(channel);
      const request = parseCall(channel, decodeBody(frame, FRAME_TYPE));
      return await calls.run(event.sender, id, async (signal) => ({
        frame: await host.call(channel, request, signal),
      }));
    } catch (error) {
      // Electron would pass on the message of an error that is thrown, and lose its code.
      return toFailure(error);
    }
  });
  ipcMain.handle(IPC.chooseFolder, async (event, payload): Promise<string | null> => {
    const { title, start } = check(event, schemas.chooseFolder, payload);
    return chooseFolder(event.sender, start === undefined ? { title } : { title, start });
  });
  const tell = <S extends z.ZodType>(
    channel: string,
    schema: S,
    action: (page: WebContents, payload: z.output<S>) => void,
  ): void => {
    ipcMain.on(channel, (event, payload) => {
      let checked: z.output<S>;
      try {
        checked = check(event, schema, payload);
      } catch {
        // There is no answer to refuse it by, and an error here would end the app.
        return;
      }
      action(event.sender, checked);
    });
  };
  tell(IPC.abandon, schemas.abandon, (page, { id }) => calls.abandon(page, id));
  tell(IPC.retry, schemas.nothing, () => host.start());
  tell(IPC.listen, schemas.nothing, (page) => {
    // Whoever asked on the page before this one is gone.
    calls.abandonAll(page);
    listening(page);
  });
}

/** Tells a page something, unless it is gone. */
export function sendMessage(contents: WebContents, message: DesktopMessage): void {
  if (!contents.isDestroyed()) contents.send(IPC.message, message);
}

/** The system's dialog for a folder, in front of the window that asked. */
export async function showFolderDialog(
  dialog: Pick<Dialog, "showOpenDialog">,
  window: Electron.BrowserWindow | undefined,
  { title, start }: FolderChoice,
): Promise<string | null> {
  const options: Electron.OpenDialogOptions = {
    title,
    properties: ["openDirectory", "createDirectory"],
    ...(start ? { defaultPath: start } : {}),
  };
  const { canceled, filePaths } = await (window
    ? dialog.showOpenDialog(window, options)
    : dialog.showOpenDialog(options));
  return canceled ? null : (filePaths[0] ?? null);
}

/** @throws VergerError `desktop/sender`, `request/invalid` */
function check<S extends z.ZodType>(
  event: IpcMainEvent | IpcMainInvokeEvent,
  schema: S,
  payload: unknown,
): z.output<S> {
  const { senderFrame } = event;
  if (!isOwnFrame(senderFrame)) {
    throw new VergerError(
      "desktop/sender",
      `Expected a message of Verger's own page, but received one of ${senderFrame?.url.slice(0, 100) ?? "a page that is gone"}; restart Verger.`,
    );
  }
  return parseRequest(schema, payload) as z.output<S>;
}

/** Calls under way, by the page that waits for them. */
class Calls {
  private readonly pages = new WeakMap<WebContents, Map<string, AbortController>>();

  async run<T>(page: WebContents, id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const calls = this.pages.get(page) ?? new Map<string, AbortController>();
    this.pages.set(page, calls.set(id, controller));
    try {
      return await work(controller.signal);
    } finally {
      if (calls.get(id) === controller) calls.delete(id);
    }
  }

  abandon(page: WebContents, id: string): void {
    this.pages.get(page)?.get(id)?.abort();
  }

  abandonAll(page: WebContents): void {
    for (const controller of this.pages.get(page)?.values() ?? []) controller.abort();
  }
}
