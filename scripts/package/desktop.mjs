// The desktop app: the staged folder inside Electron, by electron-builder.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, Stop } from "../lib/project.mjs";
import { drawIcons } from "./icons.mjs";
import { listComponents, noticeText } from "./notice.mjs";
import { writeSbom } from "./sbom.mjs";
import { readPackage, stageApp } from "./stage.mjs";
import { makeStandIn } from "./stand-in.mjs";
import { ensureTools, runTool, toolPath } from "./tools.mjs";
import { filesOf, normalise, sourceDateEpoch } from "./tree.mjs";

/** What electron-builder.yml names. */
const work = path.join(root, ".cache", "package", "desktop");

/**
 * Packages the desktop app for this system.
 *
 * @param options.out the folder for what is made
 * @param options.unpacked only the folder that would be installed, not an installer
 * @param options.electron a folder with Electron's own files; by default electron-builder fetches them
 * @param options.standIn makes such a folder without Electron, for tests
 * @returns the folder of the icons
 * @throws Stop
 */
export async function packageDesktop({ out, unpacked, electron, standIn }) {
  ensureTools();
  rmSync(work, { recursive: true, force: true });
  const app = path.join(work, "app");
  const { modules } = await stageApp(app, { desktop: true });
  const components = listComponents({ modules, files: filesOf(app) });
  mkdirSync(work, { recursive: true });
  writeFileSync(path.join(work, "NOTICE"), noticeText(components));
  normalise(app, sourceDateEpoch(), []);
  const icons = path.join(work, "resources");
  await drawIcons(icons);

  const folder = standIn ? makeStandIn(path.join(work, "electron")) : electron;
  const updates = process.env.VERGER_UPDATE_URL;
  const settings = {
    "directories.output": out,
    electronVersion: readPackage("electron").version,
    ...(folder && { electronDist: path.resolve(folder) }),
    ...(updates && { "publish.provider": "generic", "publish.url": updates }),
  };
  const options = Object.entries(settings).map(([name, value]) => `-c.${name}=${value}`);
  const env = { SOURCE_DATE_EPOCH: String(sourceDateEpoch()), ELECTRON_BUILDER_7ZIP_PATH: sevenZip() };
  const args = ["build", "--config", "electron-builder.yml", "--publish", "never", `--${process.arch}`, ...options];
  if (!runTool("electron-builder/cli.js", unpacked ? [...args, "--dir"] : args, { env })) {
    throw new Stop("Expected electron-builder to package the app, but it failed; see its message above.");
  }
  const { version } = readPackage();
  writeSbom(path.join(out, `verger-desktop-${version}-${process.platform}-${process.arch}.cdx.json`), components);
  return icons;
}

function sevenZip() {
  const system = { darwin: "mac", linux: "linux", win32: "win" }[process.platform];
  return toolPath("7zip-bin", system, process.arch, process.platform === "win32" ? "7za.exe" : "7za");
}
