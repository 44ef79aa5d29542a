/**
 * A stand-in for the `electron` module: it remembers what it is told and lets a test play the system and the page. Only
 * what the app uses is there; anything else fails as undefined.
 */
import { EventEmitter } from "node:events";
import type { DesktopMessage } from "../../src-main/api/bridge.js";
import { IPC } from "../../src-main/api/bridge.js";
import type { ElectronModule } from "../../src-main/electron/app.js";
import type { FromEngine, ToEngine } from "../../src-main/electron/engine-messages.js";

type Handler = (...args: never[]) => unknown;

/** An event of Electron's that can be refused. */
export class Refusable {
  defaultPrevented = false;
  constructor(readonly url = "") {}
  preventDefault(): void {
    this.defaultPrevented = true;
  }
}

export class FakeSession extends EventEmitter {
  permissionRequest:
    | ((
        contents: unknown,
        permission: string,
        answer: (allowed: boolean) => void,
        details: { requestingUrl: string; isMainFrame: boolean },
      ) => void)
    | undefined;
  permissionCheck:
    | ((contents: unknown, permission: string, origin: string, details: { isMainFrame: boolean }) => boolean)
    | undefined;
  devicePermission: (() => boolean) | undefined;
  displayMedia: ((request: unknown, answer: (streams: object) => void) => void) | undefined;
  spellChecker: boolean | undefined;
  beforeRequest: ((request: { url: string }, answer: (result: { cancel: boolean }) => void) => void) | undefined;
  scheme: { name: string; answer: (request: Request) => Promise<Response> } | undefined;
  readonly protocol = {
    handle: (name: string, answer: (request: Request) => Promise<Response>) => {
      this.scheme = { name, answer };
    },
  };
  readonly webRequest = {
    onBeforeRequest: (listener: NonNullable<FakeSession["beforeRequest"]>) => {
      this.beforeRequest = listener;
    },
  };
  setPermissionRequestHandler(handler: NonNullable<FakeSession["permissionRequest"]>): void {
    this.permissionRequest = handler;
  }
  setPermissionCheckHandler(handler: NonNullable<FakeSession["permissionCheck"]>): void {
    this.permissionCheck = handler;
  }
  setDevicePermissionHandler(handler: () => boolean): void {
    this.devicePermission = handler;
  }
  setDisplayMediaRequestHandler(handler: NonNullable<FakeSession["displayMedia"]>): void {
    this.displayMedia = handler;
  }
  setSpellCheckerEnabled(enabled: boolean): void {
    this.spellChecker = enabled;
  }
}

export class FakeContents extends EventEmitter {
  readonly sent: DesktopMessage[] = [];
  windowOpen: ((details: { url: string }) => { action: string }) | undefined;
  destroyed = false;
  reloads = 0;
  /** The frame that this page's messages come from. */
  frame: { url: string; parent: unknown } | null = { url: "verger://app/", parent: null };

  send(channel: string, message: DesktopMessage): void {
    if (channel !== IPC.message) throw new Error(`unexpected channel ${channel}`);
    this.sent.push(structuredClone(message));
  }
  setWindowOpenHandler(handler: NonNullable<FakeContents["windowOpen"]>): void {
    this.windowOpen = handler;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
  reload(): void {
    this.reloads += 1;
  }
}

export interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

export class FakeWindow extends EventEmitter {
  readonly webContents = new FakeContents();
  loaded: string | undefined;
  shown = false;
  maximised = false;
  fullScreen = false;
  minimised = false;
  focused = 0;
  progress: number | undefined;
  destroyed = false;
  bounds: Bounds;

  constructor(readonly options: Bounds & { show: boolean; webPreferences: Record<string, unknown> }) {
    super();
    const { x, y, width, height } = options;
    this.bounds = { x, y, width, height };
  }
  async loadURL(address: string): Promise<void> {
    this.loaded = address;
  }
  show(): void {
    this.shown = true;
  }
  focus(): void {
    this.focused += 1;
  }
  maximize(): void {
    this.maximised = true;
  }
  setFullScreen(on: boolean): void {
    this.fullScreen = on;
  }
  restore(): void {
    this.minimised = false;
  }
  isMinimized(): boolean {
    return this.minimised;
  }
  isMaximized(): boolean {
    return this.maximised;
  }
  isFullScreen(): boolean {
    return this.fullScreen;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
  getNormalBounds(): Bounds {
    return this.bounds;
  }
  setProgressBar(progress: number): void {
    this.progress = progress;
  }
  /** Without asking anybody. */
  destroy(): void {
    this.destroyed = true;
    this.webContents.destroyed = true;
    this.emit("closed");
  }
  /** The person closes the window. @returns false when the app refused */
  close(): boolean {
    const event = new Refusable();
    this.emit("close", event);
    if (event.defaultPrevented) return false;
    this.destroy();
    return true;
  }
}

/** The icon beside the clock. */
export class FakeTray extends EventEmitter {
  tooltip = "";
  title = "";
  destroyed = false;
  readonly menus: FakeMenuItem[][] = [];
  constructor(readonly image: { readonly file: string }) {
    super();
  }
  setToolTip(text: string): void {
    this.requireAlive();
    this.tooltip = text;
  }
  setTitle(text: string): void {
    this.requireAlive();
    this.title = text;
  }
  setContextMenu(menu: FakeMenuItem[]): void {
    this.requireAlive();
    this.menus.push(menu);
  }
  destroy(): void {
    this.destroyed = true;
  }
  /** What the menu offers now. */
  get items(): FakeMenuItem[] {
    return this.menus.at(-1)?.filter(({ type }) => type !== "separator") ?? [];
  }
  private requireAlive(): void {
    if (this.destroyed) throw new TypeError("Object has been destroyed");
  }
}

export interface FakeMenuItem {
  readonly label?: string;
  readonly type?: string;
  readonly click?: () => void;
}

/** The engine's process, played by the test. */
export class FakeChild extends EventEmitter {
  readonly received: ToEngine[] = [];
  kills = 0;
  postMessage(message: ToEngine): void {
    this.received.push(structuredClone(message));
    this.emit("received", message);
  }
  kill(): boolean {
    this.kills += 1;
    queueMicrotask(() => this.emit("exit", 0));
    return true;
  }
  say(message: FromEngine): void {
    this.emit("message", structuredClone(message));
  }
}

export class FakeIpcMain extends EventEmitter {
  readonly handlers = new Map<string, Handler>();
  handle(channel: string, handler: Handler): void {
    this.handlers.set(channel, handler);
  }
  /** The page sends a message and waits for the answer. */
  async invoke(page: FakeContents, channel: string, payload?: unknown): Promise<unknown> {
    const handler = this.handlers.get(channel) as ((event: unknown, payload: unknown) => unknown) | undefined;
    if (!handler) throw new Error(`nobody handles ${channel}`);
    return handler({ sender: page, senderFrame: page.frame }, structuredClone(payload));
  }
  /** The page sends a message. */
  tell(page: FakeContents, channel: string, payload?: unknown): void {
    this.emit(channel, { sender: page, senderFrame: page.frame }, structuredClone(payload));
  }
}

export class FakeApp extends EventEmitter {
  readonly paths = new Map<string, string>();
  readonly recent: string[] = [];
  isPackaged = true;
  languages = ["en-GB"];
  sandboxed = false;
  first = true;
  handedOver: unknown;
  name = "";
  /** What Chromium was started with, without the dashes. */
  readonly switches = new Set<string>();
  readonly commandLine = { hasSwitch: (name: string) => this.switches.has(name) };
  quits = 0;
  exits: number[] = [];
  badge: number | undefined;
  private isUp = false;
  private makeReady: () => void = () => {};
  private readonly up = new Promise<void>((resolve) => {
    this.makeReady = resolve;
  });

  setName(name: string): void {
    this.name = name;
  }
  setPath(name: string, value: string): void {
    this.paths.set(name, value);
  }
  getPath(name: string): string {
    return this.paths.get(name) ?? "";
  }
  enableSandbox(): void {
    if (this.isUp) throw new Error("enableSandbox must be called before ready");
    this.sandboxed = true;
  }
  requestSingleInstanceLock(data: unknown): boolean {
    this.handedOver = structuredClone(data);
    return this.first;
  }
  addRecentDocument(file: string): void {
    this.recent.push(file);
  }
  getPreferredSystemLanguages(): string[] {
    return this.languages;
  }
  setBadgeCount(count: number): boolean {
    this.badge = count;
    return true;
  }
  isReady(): boolean {
    return this.isUp;
  }
  whenReady(): Promise<void> {
    return this.up;
  }
  quit(): void {
    this.quits += 1;
    this.emit("before-quit", new Refusable());
  }
  exit(code: number): void {
    this.exits.push(code);
  }
  /** Electron is ready. */
  ready(): void {
    this.isUp = true;
    this.makeReady();
  }
}

/** One whole stand-in. */
export function electronStandIn() {
  const app = new FakeApp();
  const ipcMain = new FakeIpcMain();
  const session = new FakeSession();
  const windows: FakeWindow[] = [];
  const trays: FakeTray[] = [];
  const children: { child: FakeChild; entry: string; options: unknown }[] = [];
  const menus: { label?: string; submenu?: { label?: string; click?: () => void }[] }[][] = [];
  const popups: { label?: string }[][] = [];
  const opened: string[] = [];
  const openedFiles: string[] = [];
  const trashed: string[] = [];
  const revealed: string[] = [];
  const schemes: { scheme: string; privileges: object }[] = [];
  const blocked = new Set<number>();
  const said: { errors: [string, string][]; asked: unknown[] } = { errors: [], asked: [] };
  const answers: { folder: string | null; button: number; openFailure: string } = {
    folder: null,
    button: 1,
    openFailure: "",
  };
  const powerMonitor = new EventEmitter();
  const nativeTheme = { shouldUseDarkColors: false, themeSource: "system" };
  let blockers = 0;
  const electron = {
    app,
    ipcMain,
    powerMonitor,
    nativeTheme,
    session: { defaultSession: session },
    protocol: {
      registerSchemesAsPrivileged: (list: typeof schemes) => {
        if (app.isReady()) throw new Error("schemes must be registered before ready");
        schemes.push(...list);
      },
    },
    BrowserWindow: class extends FakeWindow {
      constructor(options: FakeWindow["options"]) {
        super(options);
        windows.push(this);
        app.emit("web-contents-created", {}, this.webContents);
      }
    },
    Tray: class extends FakeTray {
      constructor(image: { readonly file: string }) {
        super(image);
        trays.push(this);
      }
    },
    nativeImage: { createFromPath: (file: string) => ({ file }) },
    Menu: {
      // A template with what a menu made of it can do.
      buildFromTemplate: (template: (typeof menus)[number]) =>
        Object.assign([...template], { popup: () => popups.push(template) }),
      setApplicationMenu: (menu: (typeof menus)[number]) => menus.push(menu),
    },
    dialog: {
      showOpenDialog: async (...args: unknown[]) => {
        said.asked.push(args.at(-1));
        return { canceled: answers.folder === null, filePaths: answers.folder === null ? [] : [answers.folder] };
      },
      showMessageBox: async (...args: unknown[]) => {
        said.asked.push(args.at(-1));
        return { response: answers.button };
      },
      showErrorBox: (title: string, text: string) => said.errors.push([title, text]),
    },
    screen: {
      getPrimaryDisplay: () => ({ id: 1, workArea: { x: 0, y: 0, width: 1920, height: 1040 } }),
      getAllDisplays: () => [{ id: 1, workArea: { x: 0, y: 0, width: 1920, height: 1040 } }],
    },
    shell: {
      openExternal: async (address: string) => void opened.push(address),
      openPath: async (file: string) => {
        openedFiles.push(file);
        return answers.openFailure;
      },
      trashItem: async (folder: string) => void trashed.push(folder),
      showItemInFolder: (folder: string) => void revealed.push(folder),
    },
    powerSaveBlocker: {
      start: (kind: string) => {
        if (kind !== "prevent-app-suspension") throw new Error(`unexpected blocker ${kind}`);
        blocked.add(++blockers);
        return blockers;
      },
      stop: (id: number) => blocked.delete(id),
    },
    utilityProcess: {
      fork: (entry: string, _args: string[], options: unknown) => {
        const child = new FakeChild();
        children.push({ child, entry, options });
        return child;
      },
    },
  };
  return {
    electron: electron as unknown as ElectronModule,
    app,
    ipcMain,
    session,
    windows,
    trays,
    children,
    menus,
    popups,
    opened,
    openedFiles,
    trashed,
    revealed,
    schemes,
    blocked,
    said,
    answers,
    powerMonitor,
    nativeTheme,
  };
}

/** Lets everything that is due happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
