import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";

const cache = fileURLToPath(new URL("../../.cache", import.meta.url));

// biome-ignore lint/style/noDefaultExport: Playwright reads the default export.
export default defineConfig({
  testDir: ".",
  outputDir: `${cache}/electron`,
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: process.env.CI !== undefined,
  reporter: [["list"], ["junit", { outputFile: `${cache}/check/electron.xml` }]],
});
