// Starts the desktop app of this checkout.
//
//   node scripts/desktop.mjs [run folder or folder of photos ...]
import "./lib/node-version.mjs";
import { bootstrap } from "./bootstrap.mjs";
import { electronBinary, fetchElectron } from "./lib/electron.mjs";
import { main, root, run, Stop } from "./lib/project.mjs";

await main(() => {
  bootstrap();
  const electron = electronBinary() ?? fetchElectron();
  if (!electron) {
    throw new Stop(
      "Expected Electron's binary to start the window with, but it is not here and could not be fetched; connect once, or name a binary of this version in VERGER_ELECTRON (bin/verger serve --open shows the same window in a browser).",
    );
  }
  // Chromium does not start for root with its sandbox; nobody else goes without.
  const switches = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const relative = process.env.INIT_CWD ?? process.cwd();
  if (!run(electron, [root, ...switches, ...process.argv.slice(2)], { cwd: relative })) process.exitCode = 1;
});
