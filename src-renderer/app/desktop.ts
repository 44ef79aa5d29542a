/** What the desktop app adds to the window: its menu, folders opened from outside, and folders dropped on it. */
import { client, problemOf } from "../api/client.js";
import { tellError } from "../state/app.js";
import { redo, undo } from "../state/explore.js";
import { go, useRoute } from "./router.js";
import { isTyping } from "./shortcuts.js";

/** Listens to the desktop app; does nothing in a browser. To be called once. */
export function startDesktop(): void {
  const { shell } = client;
  if (!shell) return;
  shell.watch((wish) => {
    if (wish.type === "open") void openFolder(wish.path);
    else if (wish.type === "go") go({ view: wish.view });
    else change(wish.edit);
  });
  // A view with a place of its own for what is dropped prevents the default itself.
  addEventListener("dragover", (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "link";
  });
  addEventListener("drop", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    const path = file ? shell.pathOf(file) : "";
    if (path) void openFolder(path);
  });
}

/** Undo and redo as their keys do them: in a text field by the browser, in Explore of the labels. */
function change(edit: "undo" | "redo"): void {
  // The only way to a field's own history; browsers keep it for that.
  if (isTyping(document.activeElement)) document.execCommand(edit);
  else if (useRoute.getState().place.view === "explore") void (edit === "undo" ? undo() : redo());
}

/** Opens a run folder in Explore; any other folder is taken for photos and begins a new run. */
async function openFolder(path: string): Promise<void> {
  try {
    const { run } = await client.call("runs.open", { path });
    go({ view: "explore", run });
  } catch (error) {
    const holdsNoRun = problemOf(error).code === "run/not-a-run";
    if (holdsNoRun && (await isFolder(path))) go({ view: "new" }, new URLSearchParams({ source: path }));
    else tellError(error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return client.call("files.browse", { path }).then(
    () => true,
    () => false,
  );
}
