// The app's icon, drawn as SVG, in every size and container that the systems ask for.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { root, Stop } from "../lib/project.mjs";
import { requireTool } from "./tools.mjs";

/**
 * Icons beside the clock: drawing, and side in pixels of each file. Electron finds the files for dense screens by the end
 * of their names; macOS colours what is called Template.
 */
const TRAY_ICONS = {
  "tray-16.png": ["tray.svg", 16],
  "tray-16@1.25x.png": ["tray.svg", 20],
  "tray-16@1.5x.png": ["tray.svg", 24],
  "tray-16@2x.png": ["tray.svg", 32],
  "tray-16@3x.png": ["tray.svg", 48],
  "tray-24.png": ["tray.svg", 24],
  "tray-24@2x.png": ["tray.svg", 48],
  "trayTemplate.png": ["tray-template.svg", 16],
  "trayTemplate@2x.png": ["tray-template.svg", 32],
};

/** Sizes of the hicolor theme, in pixels. */
export const ICON_SIZES = [16, 24, 32, 48, 64, 96, 128, 256, 512];
const LARGEST = 1024;

/**
 * Draws `icons/<n>x<n>.png`, `icon.png`, `icon.ico` (Windows) and `icon.icns` (macOS) into a folder.
 *
 * @throws Stop when a container could not be made
 */
export async function drawIcons(folder) {
  const drawn = (size) => draw("icon.svg", size, LARGEST);
  mkdirSync(path.join(folder, "icons"), { recursive: true });
  for (const size of ICON_SIZES) writeFileSync(path.join(folder, "icons", `${size}x${size}.png`), await drawn(size));
  const largest = await drawn(LARGEST);
  writeFileSync(path.join(folder, "icon.png"), largest);
  const { createICNS, createICO, BICUBIC2 } = requireTool("png2icons");
  // Windows: bitmaps up to 64 pixels, PNG above, as its own tools and NSIS want them.
  for (const [name, content] of [
    ["icon.icns", createICNS(largest, BICUBIC2, 0)],
    ["icon.ico", createICO(largest, BICUBIC2, 0, false, true)],
  ]) {
    if (content === null) throw new Stop(`Expected png2icons to make ${name}, but it made nothing.`);
    writeFileSync(path.join(folder, name), content);
  }
}

/** Draws the icons beside the clock into a folder: `resources/tray`, from where the app reads them. */
export async function drawTrayIcons(folder) {
  mkdirSync(folder, { recursive: true });
  for (const [name, [file, size]] of Object.entries(TRAY_ICONS)) {
    writeFileSync(path.join(folder, name), await draw(file, size, 24));
  }
}

/** @param side of the drawing in its own units */
function draw(file, size, side) {
  const svg = readFileSync(path.join(root, "packaging", "icons", file));
  // 72 dots per inch is the SVG's own size: it is drawn at the size asked for, not scaled afterwards.
  return sharp(svg, { density: (72 * size) / side })
    .resize(size, size)
    .png({ compressionLevel: 9 })
    .toBuffer();
}
