// The release workflow, packages, and tests of what came out (test/packaging). Arguments go on to Vitest.
//
//   npm run test:packaging [-- headless]
import "./lib/node-version.mjs";
import { buildAddon, buildBundles, installModules } from "./bootstrap.mjs";
import { lintWorkflows } from "./lib/actionlint.mjs";
import { main, runModule, Stop } from "./lib/project.mjs";

await main(async () => {
  installModules();
  buildAddon();
  buildBundles();
  if (!lintWorkflows()) throw new Stop("Expected actionlint to be content with .github/workflows; see above.");
  const { ensureTools } = await import("./package/tools.mjs");
  ensureTools();
  const { installPackagingTestPackages } = await import("./lib/system.mjs");
  installPackagingTestPackages();
  if (!runModule("vitest/vitest.mjs", ["run", "test/packaging", ...process.argv.slice(2)])) process.exitCode = 1;
});
