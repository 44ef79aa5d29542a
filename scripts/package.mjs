// Makes what people install.
//
//   npm run package -- --headless          the command for Linux servers: .tar.gz and .deb, with a Node runtime
//   npm run package -- --out <folder>      where the finished files go; default: release/
import "./lib/node-version.mjs";
import { statSync } from "node:fs";
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
  const { megabytes } = await import("./package/tree.mjs");
  const { files } = await packageHeadless(out, path.join(work, "headless"));
  for (const file of files) console.log(`  ${file}  ${megabytes(statSync(file).size)}`);
});

function readArguments() {
  try {
    return parseArgs({
      options: { headless: { type: "boolean", default: false }, out: { type: "string", default: "release" } },
    });
  } catch (error) {
    throw new Stop(`${error.message}; see the head of scripts/package.mjs.`);
  }
}
