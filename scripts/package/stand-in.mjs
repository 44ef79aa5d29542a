// A folder that electron-builder takes for Electron's where Electron's own cannot be had: Node's binary with Electron's
// table of fuses behind it, and the files that stand beside Electron. It makes packages whose contents can be tested; a
// window it cannot show.
import { appendFileSync, chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readPackage } from "./stage.mjs";
import { nodeRuntime, requireTool, toolPath } from "./tools.mjs";
import { copyFile } from "./tree.mjs";

/** Version of the table, its length, then one byte for each fuse: "0" off, "1" on. */
function fuseWire() {
  const { SENTINEL, FuseV1Options } = {
    ...requireTool("@electron/fuses/dist/constants.js"),
    ...requireTool("@electron/fuses"),
  };
  const count = Object.keys(FuseV1Options).length / 2;
  return Buffer.concat([Buffer.from(SENTINEL), Buffer.from([1, count]), Buffer.alloc(count, "0")]);
}

/**
 * Makes the folder. For Windows the binary is a program that electron-builder can write resources into, and no more.
 *
 * @param platform linux or win32
 * @returns the folder
 */
export function makeStandIn(folder, platform = process.platform) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, "locales"), { recursive: true });
  mkdirSync(path.join(folder, "resources"));
  const windows = platform === "win32";
  const binary = path.join(folder, windows ? "electron.exe" : "electron");
  copyFile(windows ? toolPath("7zip-bin", "win", "x64", "7za.exe") : path.join(nodeRuntime(), "bin", "node"), binary);
  appendFileSync(binary, fuseWire());
  chmodSync(binary, 0o755);
  const empty = [
    ...(windows ? [] : ["chrome-sandbox"]),
    "LICENSE",
    "LICENSES.chromium.html",
    ...["de", "en-GB", "en-US", "fr"].map((language) => `locales/${language}.pak`),
  ];
  for (const name of empty) writeFileSync(path.join(folder, name), "");
  writeFileSync(path.join(folder, "version"), readPackage("electron").version);
  return folder;
}
