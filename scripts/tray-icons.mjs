// Redraws resources/tray, the icons beside the clock, from packaging/icons/tray*.svg: after those have changed.
//
//   node scripts/tray-icons.mjs
import path from "node:path";
import { main, root } from "./lib/project.mjs";
import { drawTrayIcons } from "./package/icons.mjs";

await main(() => drawTrayIcons(path.join(root, "resources", "tray")));
