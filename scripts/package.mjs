// Makes what people install.
//
//   npm run package                        the desktop app's installers for this system
//   npm run package -- --dir               the same as a folder, without an installer
//   npm run package -- --deb               the desktop app as a Debian package
//   npm run package -- --headless          the command for Linux servers: .tar.gz and .deb, with a Node runtime
//
//   --out <folder>        where the finished files go; default: release/
//   --electron <folder>   Electron's own files, unpacked; otherwise electron-builder fetches them
//   --stand-in            instead of Electron a stand-in that needs no network: for tests, it shows no window
import "./lib/node-version.mjs";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildAddon, installModules } from "./bootstrap.mjs";
import { main, root, Stop } from "./lib/project.mjs";

await main(async () => {
  const { values } = readArguments();
  installModules();
  buildAddon();
  const out = path.resolve(root, values.out);
  const work = path.join(root, ".cache", "package");
  // Read only now: these modules need the project's packages.
  const { packageHeadless } = await import("./package/headless.mjs");
  const { packageDesktop } = await import("./package/desktop.mjs");
  const { megabytes } = await import("./package/tree.mjs");
  if (values.headless) {
    const files = await packageHeadless(out, path.join(work, "headless"));
    for (const file of files) console.log(`  ${file}  ${megabytes(statSync(file).size)}`);
    return;
  }
  const { electron, "stand-in": standIn } = values;
  const icons = await packageDesktop({ out, unpacked: values.dir || values.deb, electron, standIn });
  if (!values.deb) {
    console.log(`\nMade in ${path.relative(root, out) || out}: ${readdirSync(out).join(", ")}`);
    return;
  }
  const { packageDesktopDeb } = await import("./package/desktop-deb.mjs");
  const folder = process.arch === "x64" ? "linux-unpacked" : `linux-${process.arch}-unpacked`;
  const file = await packageDesktopDeb({ unpacked: path.join(out, folder), icons, out });
  console.log(`  ${file}  ${megabytes(statSync(file).size)}`);
});

function readArguments() {
  try {
    return parseArgs({
      options: {
        headless: { type: "boolean", default: false },
        dir: { type: "boolean", default: false },
        deb: { type: "boolean", default: false },
        electron: { type: "string" },
        "stand-in": { type: "boolean", default: false },
        out: { type: "string", default: "release" },
      },
    });
  } catch (error) {
    throw new Stop(`${error.message}; see the head of scripts/package.mjs.`);
  }
}
