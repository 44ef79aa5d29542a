/** The application menu, made anew when the language or the recent runs change. */
import type { ContextMenuParams, MenuItemConstructorOptions } from "electron";
import type { MenuView } from "../api/bridge.js";
import type { Words } from "./words.js";

export interface RecentRun {
  readonly name: string;
  readonly path: string;
}

export interface MenuActions {
  show(view: MenuView): void;
  edit(edit: "undo" | "redo"): void;
  chooseRun(): void;
  open(path: string): void;
  showLicence(): void;
  checkForUpdates(): void;
}

export interface MenuState {
  readonly words: Words;
  /** Latest first. */
  readonly recent: readonly RecentRun[];
  readonly platform: NodeJS.Platform;
  /** A packaged app has no developer tools. */
  readonly packaged: boolean;
  /** The package says where newer versions are to be found. */
  readonly updates: boolean;
}

type Items = MenuItemConstructorOptions[];

const MOST_RECENT = 10;

/** Every item has a label of its own: Electron's names of its roles are English only. */
export function menuTemplate({ words, recent, platform, packaged, updates }: MenuState, actions: MenuActions): Items {
  const mac = platform === "darwin";
  const separator = { type: "separator" } as const;
  const settings = { label: words.settings, accelerator: "CmdOrCtrl+,", click: () => actions.show("settings") };
  const about = { label: words.about, role: "about" } as const;
  const quit = { label: words.quit, role: "quit" } as const;
  const app: Items = [
    about,
    separator,
    settings,
    separator,
    { label: words.services, role: "services" },
    separator,
    { label: words.hide, role: "hide" },
    { label: words.hideOthers, role: "hideOthers" },
    { label: words.showAll, role: "unhide" },
    separator,
    quit,
  ];
  const file: Items = [
    { label: words.newRun, accelerator: "CmdOrCtrl+N", click: () => actions.show("new") },
    { label: words.openRun, accelerator: "CmdOrCtrl+O", click: () => actions.chooseRun() },
    { label: words.openRecent, submenu: recentItems(words, recent, actions) },
    separator,
    { label: words.close, role: "close" },
    ...(mac ? [] : [separator, quit]),
  ];
  const edit: Items = [
    // Not the roles, which know text fields alone. Where a key can be left to the page, it is: `registerAccelerator`.
    { label: words.undo, accelerator: "CmdOrCtrl+Z", registerAccelerator: false, click: () => actions.edit("undo") },
    {
      label: words.redo,
      accelerator: "Shift+CmdOrCtrl+Z",
      registerAccelerator: false,
      click: () => actions.edit("redo"),
    },
    separator,
    { label: words.cut, role: "cut" },
    { label: words.copy, role: "copy" },
    { label: words.paste, role: "paste" },
    { label: words.selectAll, role: "selectAll" },
    ...(mac ? [] : [separator, settings]),
  ];
  const view: Items = [
    { label: words.runs, accelerator: "CmdOrCtrl+1", click: () => actions.show("runs") },
    { label: words.jobs, accelerator: "CmdOrCtrl+2", click: () => actions.show("jobs") },
    separator,
    { label: words.actualSize, role: "resetZoom" },
    { label: words.zoomIn, role: "zoomIn" },
    { label: words.zoomOut, role: "zoomOut" },
    { label: words.fullScreen, role: "togglefullscreen" },
    ...(packaged
      ? []
      : ([
          separator,
          { label: words.reload, role: "reload" },
          { label: words.developerTools, role: "toggleDevTools" },
        ] satisfies Items)),
  ];
  const help: Items = [
    { label: words.licence, click: () => actions.showLicence() },
    ...(updates ? [{ label: words.checkForUpdates, click: () => actions.checkForUpdates() }] : []),
    ...(mac ? [] : [separator, about]),
  ];
  return [
    ...(mac ? [{ label: "Verger", submenu: app }] : []),
    { label: words.file, submenu: file },
    { label: words.edit, submenu: edit },
    { label: words.view, submenu: view },
    ...(mac ? [{ label: words.window, role: "window" as const, submenu: windowItems(words) }] : []),
    { label: words.help, role: "help", submenu: help },
  ];
}

function windowItems(words: Words): Items {
  return [
    { label: words.minimise, role: "minimize" },
    { label: words.close, role: "close" },
  ];
}

function recentItems(words: Words, recent: readonly RecentRun[], actions: MenuActions): Items {
  if (recent.length === 0) return [{ label: words.noRecent, enabled: false }];
  return recent.slice(0, MOST_RECENT).map(({ name, path }) => ({
    // A single & would be taken for the mark of a mnemonic.
    label: name.replaceAll("&", "&&"),
    sublabel: path,
    click: () => actions.open(path),
  }));
}

/**
 * The menu of the right mouse button where there is text to be edited or copied: Electron has none of its own.
 *
 * @returns nothing to show elsewhere
 */
export function contextTemplate(
  words: Words,
  { isEditable, selectionText, editFlags }: Pick<ContextMenuParams, "isEditable" | "selectionText" | "editFlags">,
): Items {
  const copy = { label: words.copy, role: "copy", enabled: editFlags.canCopy } as const;
  if (!isEditable) return selectionText.trim() === "" ? [] : [copy];
  return [
    { label: words.cut, role: "cut", enabled: editFlags.canCut },
    copy,
    { label: words.paste, role: "paste", enabled: editFlags.canPaste },
    { type: "separator" },
    { label: words.selectAll, role: "selectAll", enabled: editFlags.canSelectAll },
  ];
}
