/** Opens the page in the person's browser. */
import { spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { userFolder } from "../core/user-folder.js";

/**
 * Opens a small file that leads to the address: everybody on a machine can read the arguments of its processes, and the
 * address holds the token.
 *
 * @returns removes the file again, or null where nothing could be opened
 */
export async function openInBrowser(url: string, port: number): Promise<(() => Promise<void>) | null> {
  const folder = path.join(userFolder(), "window");
  const file = path.join(folder, `open-${port}.html`);
  try {
    await mkdir(folder, { recursive: true });
    await rm(file, { force: true });
    await writeFile(file, page(url), { mode: 0o600, flag: "wx" });
    await launch(file);
    return () => rm(file, { force: true });
  } catch {
    await rm(file, { force: true }).catch(() => {});
    return null;
  }
}

function page(url: string): string {
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Verger</title><meta http-equiv="refresh" content="0;url=${url}">`;
}

function launch(file: string): Promise<void> {
  const [command, ...args] = commandFor(process.platform, file);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "ignore", detached: true });
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      resolve();
    });
  });
}

function commandFor(platform: NodeJS.Platform, file: string): [string, ...string[]] {
  if (platform === "darwin") return ["open", file];
  if (platform === "win32") return ["cmd", "/c", "start", "", file];
  return ["xdg-open", file];
}
