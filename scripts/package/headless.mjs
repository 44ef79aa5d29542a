// The command for servers and clusters, without Electron: a Node runtime, the app's folder, and one script to start it.
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { output, root, run, Stop } from "../lib/project.mjs";
import { buildDeb } from "./deb.mjs";
import { listComponents, noticeText } from "./notice.mjs";
import { writeSbom } from "./sbom.mjs";
import { systemFloor } from "./shared-libraries.mjs";
import { readPackage, stageApp, strip } from "./stage.mjs";
import { ensureTools, nodeRuntime } from "./tools.mjs";
import { bytesOf, copyFile, filesOf, megabytes, normalise, sourceDateEpoch } from "./tree.mjs";

/** Files that people or the system start, relative to the bundle. */
const EXECUTABLES = ["bin/verger", "lib/verger/runtime/node"];

/**
 * Makes `verger-<version>-linux-<arch>.tar.gz`, its bill of materials, and `verger-headless_<version>_<arch>.deb`. The
 * same sources give the same bytes.
 *
 * @param out the folder for the finished files
 * @param work a folder for what is made on the way
 * @returns the finished files, by absolute path
 * @throws Stop
 */
export async function packageHeadless(out, work) {
  if (process.platform !== "linux") {
    throw new Stop(`Expected Linux for the headless package, but this is ${process.platform}; see docs/install.md.`);
  }
  ensureTools();
  const { version } = readPackage();
  const name = `verger-${version}-linux-${process.arch}`;
  const bundle = path.join(work, name);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });

  const app = path.join(bundle, "lib", "verger");
  const { modules } = await stageApp(app, { desktop: false });
  // Without the line that looks for a Node in the PATH.
  const command = readFileSync(path.join(root, "bin", "verger"), "utf8").replace(/^#!.*\n/, "");
  writeFileSync(path.join(app, "verger.mjs"), command.replace("../dist/", "./dist/"));
  const runtime = addRuntime(path.join(app, "runtime"));
  copyFile(path.join(root, "packaging", "headless", "verger"), path.join(bundle, "bin", "verger"));

  const floor = systemFloor(bundle);
  const components = listComponents({ modules, files: filesOf(bundle), more: [runtime] });
  writeFileSync(path.join(bundle, "NOTICE"), noticeText(components));
  copyFile(path.join(root, "LICENSE"), path.join(bundle, "LICENSE"));
  writeFileSync(path.join(bundle, "README.md"), readme(version, floor));
  const epoch = sourceDateEpoch();
  normalise(bundle, epoch, EXECUTABLES);

  const archive = path.join(out, `${name}.tar.gz`);
  pack(bundle, archive, epoch);
  const deb = buildDeb({ bundle, executables: EXECUTABLES, work, out, version, floor, epoch });
  console.log(`\n  unpacked ${megabytes(bytesOf(bundle))}; needs glibc ${floor.glibc}, libstdc++ ${floor.libstdcxx}`);
  const bill = path.join(out, `${name}.cdx.json`);
  writeSbom(bill, components);
  return [archive, deb, bill];
}

/** Copies the Node runtime, without its symbols and development files. */
function addRuntime(folder) {
  const source = nodeRuntime();
  const { version } = JSON.parse(readFileSync(path.join(source, "package.json"), "utf8"));
  const node = path.join(folder, "node");
  copyFile(path.join(source, "bin", "node"), node);
  chmodSync(node, 0o755);
  strip([node]);
  const licence = readFileSync(path.join(source, "LICENSE"), "utf8").trim();
  return {
    name: "Node.js, and what it contains",
    version,
    licence: "MIT",
    source: "https://nodejs.org",
    texts: [licence],
  };
}

function readme(version, { glibc, libstdcxx }) {
  const template = readFileSync(path.join(root, "packaging", "headless", "README.md"), "utf8");
  return template.replaceAll("{version}", version).replaceAll("{glibc}", glibc).replaceAll("{libstdcxx}", libstdcxx);
}

/** Packs a folder with GNU tar and gzip: sorted names, one time, no owner, no name or time in gzip's head. */
function pack(folder, archive, epoch) {
  const options = ["--sort=name", "--format=ustar", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner"];
  const files = ["-C", path.dirname(folder), path.basename(folder)];
  if (!run("tar", [...options, "--use-compress-program=gzip -n -9", "-cf", archive, ...files])) {
    throw new Stop(`Expected GNU tar to pack ${archive}, but it failed; see above.`);
  }
  if (output("gzip", ["-t", archive]) === undefined)
    throw new Stop(`Expected a whole ${archive}, but gzip finds it broken.`);
}
