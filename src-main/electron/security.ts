/** What the page may do: its own files and the calls of the bridge, nothing else. */
import type { Session, WebContents, WebFrameMain, WebPreferences } from "electron";
import { imageNamed } from "../server/content.js";
import { isOwnAddress, isPage } from "./scheme.js";

/** Of every window. Defaults of today are written out: a default of tomorrow must not open anything. */
export const WEB_PREFERENCES = {
  contextIsolation: true,
  sandbox: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  safeDialogs: true,
  // Its dictionaries would be fetched from the network.
  spellcheck: false,
} as const satisfies WebPreferences;

/** The only pages that the app opens, in the person's browser. */
export const HELP_LINKS = {
  licence: "https://www.apache.org/licenses/LICENSE-2.0",
} as const;

const ALLOWED_LINKS: ReadonlySet<string> = new Set(Object.values(HELP_LINKS));

/** True for an address that may be handed to the system: exactly one of `HELP_LINKS`. */
export function isHelpLink(address: string): boolean {
  return ALLOWED_LINKS.has(address);
}

/** True for the main frame of a window that shows our page: the only one whose messages are answered. */
export function isOwnFrame(frame: Pick<WebFrameMain, "url" | "parent"> | null): boolean {
  return frame !== null && frame.parent === null && isPage(frame.url);
}

/** What the page may ask the browser for: to put text on the clipboard when a person clicks on "copy". */
const PERMISSION = "clipboard-sanitized-write";

/** Denies every permission but one, every device, and every request that leaves the app. */
export function hardenSession(session: Session, packaged: boolean): void {
  session.setPermissionRequestHandler((_contents, permission, answer, { requestingUrl, isMainFrame }) =>
    answer(permission === PERMISSION && isMainFrame && isPage(requestingUrl)),
  );
  session.setPermissionCheckHandler(
    (_contents, permission, origin, { isMainFrame }) =>
      permission === PERMISSION && isMainFrame && isOwnAddress(origin),
  );
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, answer) => answer({}));
  session.setSpellCheckerEnabled(false);
  session.webRequest.onBeforeRequest((request, answer) => answer({ cancel: !mayRequest(request.url, packaged) }));
  session.on("will-download", (event, item) => {
    // What the page made itself, for instance the CSV of a selection, goes where the person says.
    if (!item.getURL().startsWith("blob:") || !isOwnAddress(item.getURL().slice("blob:".length)))
      event.preventDefault();
  });
}

function mayRequest(address: string, packaged: boolean): boolean {
  if (address.startsWith("data:")) return true;
  if (address.startsWith("devtools:")) return !packaged;
  return isOwnAddress(address.replace(/^blob:/, ""));
}

/** What a page may have opened outside of itself. */
export interface Openers {
  /** One of `HELP_LINKS`, in the person's browser. */
  link(address: string): void;
  /** A photo in full, in the system's viewer. */
  photo(photo: PhotoAddress): void;
}

export type PhotoAddress = NonNullable<ReturnType<typeof imageNamed>>;

/** Keeps a web contents on the page: no navigation, no window, no web view. */
export function hardenContents(contents: WebContents, open: Openers): void {
  const stay = (event: { readonly url: string; preventDefault(): void }): void => {
    if (!isPage(event.url)) event.preventDefault();
  };
  contents.on("will-navigate", stay);
  contents.on("will-frame-navigate", stay);
  contents.on("will-redirect", stay);
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    const photo = isOwnAddress(url) ? imageNamed(new URL(url).pathname.slice(1)) : undefined;
    if (isHelpLink(url)) open.link(url);
    else if (photo?.size === "full") open.photo(photo);
    return { action: "deny" };
  });
}
