/** The desktop app: puts Electron's parts and the engine together. */
import path from "node:path";
import type * as Electron from "electron";
import type { MenuView } from "../api/bridge.js";
import { chooseLanguage, type Language } from "../api/language.js";
import { errorMessage } from "../core/errors.js";
import { userFolder } from "../core/user-folder.js";
import { packageRoot } from "../native/root.js";
import { Assets } from "../server/assets.js";
import { pathArguments, type Started } from "./arguments.js";
import { type EngineChild, EngineHost, type EngineNews } from "./engine-host.js";
import { registerIpc, sendMessage, showFolderDialog } from "./ipc.js";
import { ActiveJobs, JobSigns } from "./job-signs.js";
import { contextTemplate, menuTemplate, type RecentRun } from "./menu.js";
import { Quit, type Wanted } from "./quit.js";
import { handleScheme, registerScheme } from "./scheme.js";
import { HELP_LINKS, hardenContents, hardenSession, type PhotoAddress } from "./security.js";
import { JobTray } from "./tray.js";
import { checkForUpdates, hasUpdateAddress, type UpdateQuestion } from "./updates.js";
import { openWindow } from "./window.js";
import { WORDS, type Words } from "./words.js";

/** What is used of Electron: a test brings a stand-in of its own. */
export type ElectronModule = Pick<
  typeof Electron,
  | "app"
  | "BrowserWindow"
  | "dialog"
  | "ipcMain"
  | "Menu"
  | "nativeImage"
  | "nativeTheme"
  | "powerMonitor"
  | "powerSaveBlocker"
  | "protocol"
  | "screen"
  | "session"
  | "shell"
  | "Tray"
  | "utilityProcess"
>;

/** What a second start of the app hands over to the first. */
interface HandedOver {
  readonly paths?: unknown;
}

/** Starts the app, or hands the command line over to the one that is open already. To be called before `ready`. */
export function startApp(electron: ElectronModule, started: Started, platform = process.platform): void {
  const { app } = electron;
  app.setName("Verger");
  // Beside runs and settings; another VERGER_HOME is another app, with a lock of its own.
  app.setPath("userData", path.join(userFolder(), "desktop"));
  // Chromium's other processes crash when asked for both. Only whoever starts the app can give it that switch (root and
  // containers cannot do without); pages have `sandbox` in their preferences in any case.
  if (!app.commandLine.hasSwitch("no-sandbox")) app.enableSandbox();
  registerScheme(electron.protocol);
  const paths = pathArguments(started, process.cwd());
  if (!app.requestSingleInstanceLock({ paths })) {
    app.quit();
    return;
  }
  new DesktopApp(electron, platform).start(paths);
}

class DesktopApp {
  private readonly host: EngineHost;
  private readonly jobs = new ActiveJobs();
  private readonly signs: JobSigns;
  private readonly tray: JobTray;
  private readonly quit: Quit;
  private window: Electron.BrowserWindow | undefined;
  /** The page that listens. */
  private page: Electron.WebContents | undefined;
  /** Folders to open as soon as a page listens. */
  private toOpen: string[] = [];
  private recent: readonly RecentRun[] = [];
  private language: Language = "en";

  constructor(
    private readonly electron: ElectronModule,
    private readonly platform: NodeJS.Platform,
  ) {
    const { app, dialog, Menu, nativeImage, powerSaveBlocker, shell, Tray, utilityProcess } = electron;
    this.host = new EngineHost({
      fork: () =>
        utilityProcess.fork(path.join(packageRoot(), "dist", "electron", "engine-entry.js"), [], {
          serviceName: "Verger engine",
        }) as EngineChild,
      wishes: {
        trash: (folder) => shell.trashItem(folder),
        reveal: async (folder) => shell.showItemInFolder(folder),
      },
    });
    this.signs = new JobSigns(powerSaveBlocker, app, () => this.window);
    this.tray = new JobTray(
      { Tray, nativeImage, Menu, platform },
      {
        pause: (job) => {
          this.jobs.hold(job);
          void this.change("jobs.pause", job);
        },
        resume: (job) => void this.change("jobs.resume", job),
        showWindow: () => this.focus(),
        quit: () => app.quit(),
      },
    );
    this.quit = new Quit({
      jobs: () => this.jobs.count,
      ask: (closing) => askToQuit(dialog, this.window, this.words, closing),
      stay: (wanted) => {
        if (wanted === "background") this.window?.destroy();
        this.endUnlessNeeded();
      },
      close: () => this.host.close(),
      exit: () => {
        this.tray.close();
        app.exit(0);
      },
    });
  }

  private get words(): Words {
    return WORDS[this.language];
  }

  start(paths: readonly string[]): void {
    const { app, powerMonitor, session } = this.electron;
    this.toOpen.push(...paths);
    const openers = {
      link: (address: string) => this.openLink(address),
      photo: (photo: PhotoAddress) => void this.openPhoto(photo),
    };
    app.on("web-contents-created", (_event, contents) => hardenContents(contents, openers));
    app.on("second-instance", (_event, _argv, _folder, data) => this.takeOver(data as HandedOver | undefined));
    // macOS: a folder dropped on the dock, or one of its recent documents; also before the app is ready.
    app.on("open-file", (event, file) => {
      event.preventDefault();
      this.open(file);
    });
    app.on("before-quit", (event) => {
      if (!this.quit.closing) this.quit.request(event);
    });
    // Without a listener Electron would quit.
    app.on("window-all-closed", () => this.endUnlessNeeded());
    void app.whenReady().then(() => {
      hardenSession(session.defaultSession, app.isPackaged);
      const assets = new Assets(path.join(packageRoot(), "dist", "renderer"));
      handleScheme(session.defaultSession.protocol, assets, (...request) => this.host.image(...request));
      this.listen();
      this.speak("system");
      this.host.subscribe((news) => this.hear(news));
      this.host.start();
      app.on("activate", () => this.focus());
      powerMonitor.on("shutdown", (event?: { preventDefault(): void }) => this.shutDown(event));
      this.focus();
    });
  }

  /** The window, opened anew where it was closed. */
  private focus(): void {
    if (this.window) {
      if (this.window.isMinimized()) this.window.restore();
      this.window.focus();
      return;
    }
    const { app, BrowserWindow, dialog, nativeTheme, screen } = this.electron;
    const window = openWindow({
      BrowserWindow,
      screen,
      dark: nativeTheme.shouldUseDarkColors,
      packaged: app.isPackaged,
      stateFile: path.join(app.getPath("userData"), "window.json"),
      pageGone: () => dialog.showErrorBox(this.words.pageGoneTitle, this.words.pageGoneDetail),
    });
    this.window = window;
    this.showJobs();
    window.webContents.on("context-menu", (_event, place) => {
      const template = contextTemplate(this.words, place);
      if (template.length > 0) this.electron.Menu.buildFromTemplate(template).popup({ window });
    });
    // Elsewhere than on macOS the last window takes the app along.
    if (this.platform !== "darwin") window.on("close", (event) => this.quit.requestByWindow(event));
    // Windows has no such event of the whole system. A job that goes on without a window is then left as by a crash.
    window.on("query-session-end", (event) => this.shutDown(event));
    window.on("closed", () => {
      if (this.window !== window) return;
      this.window = undefined;
      this.page = undefined;
    });
  }

  /** The system is going down: it is held up as long as the jobs take to be saved. */
  private shutDown(event: { preventDefault(): void } | undefined): void {
    event?.preventDefault();
    void this.quit.now();
  }

  /** The page's messages. */
  private listen(): void {
    const { dialog, ipcMain } = this.electron;
    registerIpc({
      ipcMain,
      host: this.host,
      chooseFolder: (_page, choice) => showFolderDialog(dialog, this.window, choice),
      listening: (page) => {
        this.page = page;
        const { greeting } = this.host;
        sendMessage(page, { type: "link", online: greeting !== undefined });
        if (greeting) sendMessage(page, { type: "event", event: greeting });
        for (const folder of this.toOpen.splice(0)) sendMessage(page, { type: "open", path: folder });
      },
    });
  }

  private hear(news: EngineNews): void {
    if (this.page) sendMessage(this.page, news);
    if (news.type !== "event") return;
    const { event } = news;
    if (event.type === "hello") void this.refresh();
    else if (event.type === "runs") void this.refreshRecent();
    else if (event.type === "settings") this.applySettings(event.settings);
    else if (this.jobs.take(event)) this.showJobs();
  }

  private showJobs(): void {
    this.signs.show(this.jobs);
    this.tray.show(this.jobs.list, this.language);
    this.endUnlessNeeded();
  }

  /** On macOS an app goes on without windows. Elsewhere a job may go on without one, and takes the app along at its end. */
  private endUnlessNeeded(): void {
    if (this.platform === "darwin" || this.window || this.quit.closing || this.jobs.list.length > 0) return;
    this.electron.app.quit();
  }

  /** Pauses or resumes a job for its icon's menu. */
  private async change(channel: "jobs.pause" | "jobs.resume", job: string): Promise<void> {
    try {
      await this.host.request(channel, { job });
    } catch (error) {
      this.electron.dialog.showErrorBox(this.words.jobUnchanged, errorMessage(error));
    }
  }

  /** What menus and signs show of an engine that has just started. */
  private async refresh(): Promise<void> {
    try {
      const [settings, { jobs }] = await Promise.all([
        this.host.request("settings.get", {}),
        this.host.request("jobs.list", {}),
      ]);
      this.jobs.replace(jobs);
      this.showJobs();
      this.applySettings(settings);
      await this.refreshRecent();
    } catch {
      // The engine has ended again; the next one says hello too.
    }
  }

  private async refreshRecent(): Promise<void> {
    const { runs } = await this.host.request("runs.recent", {}).catch(() => ({ runs: undefined }));
    if (!runs) return;
    const before = this.recent[0]?.path;
    this.recent = runs.map(({ name, path: folder }) => ({ name, path: folder }));
    const latest = this.recent[0]?.path;
    if (latest !== undefined && latest !== before) this.electron.app.addRecentDocument(latest);
    this.drawMenu();
  }

  private applySettings({ theme, language }: { theme: "system" | "light" | "dark"; language: "system" | "en" | "fr" }) {
    // Native dialogs and menus follow; the page has its own switch.
    this.electron.nativeTheme.themeSource = theme;
    this.speak(language);
  }

  private speak(language: "system" | "en" | "fr"): void {
    const { app } = this.electron;
    this.language = language === "system" ? chooseLanguage(app.getPreferredSystemLanguages()) : language;
    this.drawMenu();
    this.tray.show(this.jobs.list, this.language);
  }

  private drawMenu(): void {
    const { app, dialog, Menu } = this.electron;
    const state = {
      words: this.words,
      recent: this.recent,
      platform: this.platform,
      packaged: app.isPackaged,
      updates: app.isPackaged && hasUpdateAddress(process.resourcesPath),
    };
    const template = menuTemplate(state, {
      show: (view) => this.show(view),
      edit: (edit) => this.page && sendMessage(this.page, { type: "edit", edit }),
      chooseRun: () => {
        void showFolderDialog(dialog, this.window, { title: this.words.openRun }).then((folder) => {
          if (folder !== null) this.open(folder);
        });
      },
      open: (folder) => this.open(folder),
      showLicence: () => this.openLink(HELP_LINKS.licence),
      checkForUpdates: () => void this.update(),
    });
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  }

  private async update(): Promise<void> {
    const { default: electronUpdater } = await import("electron-updater");
    await checkForUpdates(electronUpdater.autoUpdater, this.words, (question) => this.ask(question));
  }

  private async ask({ buttons, ...question }: UpdateQuestion): Promise<number> {
    const options = { ...question, buttons: [...buttons], defaultId: 0, cancelId: buttons.length - 1, noLink: true };
    const { dialog } = this.electron;
    const shown = this.window ? dialog.showMessageBox(this.window, options) : dialog.showMessageBox(options);
    return (await shown).response;
  }

  private show(view: MenuView): void {
    this.focus();
    if (this.page) sendMessage(this.page, { type: "go", view });
  }

  /** Has the page open a folder, now or as soon as there is a page. */
  private open(folder: string): void {
    if (this.page) sendMessage(this.page, { type: "open", path: folder });
    else this.toOpen.push(folder);
    if (this.electron.app.isReady()) this.focus();
  }

  private takeOver(data: HandedOver | undefined): void {
    const paths = Array.isArray(data?.paths) ? data.paths.filter((item) => typeof item === "string") : [];
    for (const folder of paths) this.open(folder);
    if (this.electron.app.isReady()) this.focus();
  }

  private openLink(link: string): void {
    void this.electron.shell.openExternal(link);
  }

  /** The engine has looked into the file: it is a picture. Its name must say so, too, or the system might run it. */
  private async openPhoto({ run, version, row, size }: PhotoAddress): Promise<void> {
    let problem: string;
    try {
      const picture = await this.host.image(run, version, row, size);
      if (!("file" in picture) || !/\.(jpe?g|png|webp)$/i.test(picture.file)) return;
      problem = await this.electron.shell.openPath(picture.file);
    } catch (error) {
      problem = errorMessage(error);
    }
    if (problem) this.electron.dialog.showErrorBox(this.words.cannotOpen, problem);
  }
}

async function askToQuit(
  dialog: Pick<Electron.Dialog, "showMessageBox">,
  window: Electron.BrowserWindow | undefined,
  words: Words,
  closing: boolean,
): Promise<Wanted> {
  const answers: readonly [string, Wanted][] = [
    [words.quitNow, "quit"],
    [words.quitKeep, "stay"],
    ...(closing ? [[words.closeOnly, "background"] as [string, Wanted]] : []),
  ];
  const options: Electron.MessageBoxOptions = {
    type: "question",
    message: words.quitTitle,
    detail: closing ? words.closeDetail : words.quitDetail,
    buttons: answers.map(([label]) => label),
    // The safe answer is the one that a hasty Return or Escape gives.
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  };
  const { response } = await (window ? dialog.showMessageBox(window, options) : dialog.showMessageBox(options));
  return answers[response]?.[1] ?? "stay";
}
