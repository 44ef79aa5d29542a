// The desktop app's own tests: Playwright starts Electron on this checkout. Where there is no binary or no display, the
// tests say that they are skipped and why.
//
//   node scripts/test-electron.mjs [playwright arguments]

import path from "node:path";
import { displayPrefix, electronBinary } from "./lib/electron.mjs";
import { main, root, run } from "./lib/project.mjs";

await main(() => {
  const binary = electronBinary();
  const prefix = displayPrefix();
  const reason = !binary
    ? "Electron's binary is not here: npm run desktop fetches it, or name one in VERGER_ELECTRON"
    : !prefix
      ? "there is no display, and no xvfb-run to make one"
      : "";
  if (reason) console.log(`SKIPPED: the desktop app's tests in Electron: ${reason}.`);
  const cli = path.join(root, "node_modules", "@playwright", "test", "cli.js");
  const words = [...(prefix ?? []), process.execPath, cli, "test", "-c", "test/electron/playwright.config.ts"];
  const [program, ...args] = [...words, ...process.argv.slice(2)];
  const env = { VERGER_ELECTRON_BINARY: binary ?? "", VERGER_ELECTRON_SKIP: reason };
  if (!run(program, args, { env })) process.exitCode = 1;
});
