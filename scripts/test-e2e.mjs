// The window's end-to-end tests: Playwright drives the system's Chromium against `verger serve`.
//
//   node scripts/test-e2e.mjs [playwright arguments]
import { main, runModule } from "./lib/project.mjs";

await main(() => {
  const args = ["test", "-c", "test/e2e/playwright.config.ts", ...process.argv.slice(2)];
  if (!runModule("@playwright/test/cli.js", args)) process.exitCode = 1;
});
