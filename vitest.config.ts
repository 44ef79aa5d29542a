import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: Vitest reads the default export.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Forks: native teardown and process-wide locks are tested, and a crash must fail one file, not the run.
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The AWS SDK's word about Node 20 comes once in every file that looks into a bucket.
    env: {
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      // As src-main/core/embed/telemetry.ts, for tests that load the runtime without the command line.
      ORT_DISABLE_TELEMETRY: "1",
    },
  },
});
