/** Listing a bucket of a million keys, and finding that a sync of them has nothing to do. */
import { fork } from "node:child_process";
import path from "node:path";
import { build } from "esbuild";
import { withTemporary } from "./lib/photos.mjs";
import { execute, ROOT, verger } from "./lib/process.mjs";
import { summarise } from "./lib/stats.mjs";

export const title = "A million keys: listing, and planning a sync that has nothing to do";

const KEYS = 1_000_000;
const QUICK_KEYS = 20_000;
const MB = 1e6;
const PREFIX = "photos/";

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, quick, pairs }) {
  const keys = quick ? QUICK_KEYS : KEYS;
  const rounds = Math.min(pairs, 3);
  const server = await startServer(keys);
  try {
    return await withTemporary(async (home) => {
      const env = {
        AWS_ENDPOINT_URL_S3: server.endpoint,
        AWS_ACCESS_KEY_ID: "bench",
        AWS_SECRET_ACCESS_KEY: "bench",
        AWS_REGION: "us-east-1",
        AWS_EC2_METADATA_DISABLED: "true",
        VERGER_HOME: home,
      };
      const store = await bundleStore();
      const listings = [];
      for (let round = 0; round < rounds; round += 1) {
        const main = path.join(ROOT, "bench", "lib", "list-main.mjs");
        const { stdout } = await execute(process.execPath, [main, store, "orchard-a", PREFIX], { env });
        const listing = JSON.parse(stdout);
        if (listing.keys !== keys) throw new Error(`Expected ${keys} keys listed, but received ${listing.keys}.`);
        listings.push(listing);
        log(`listing: ${listing.seconds.toFixed(1)} s, ${(listing.peakRssBytes / MB).toFixed(0)} MB`);
      }
      const sync = ["sync", `s3://orchard-a/${PREFIX}`, `s3://orchard-b/${PREFIX}`];
      const plans = [];
      // The first has no state to read and writes one; it is not counted.
      for (let round = 0; round <= rounds; round += 1) {
        const { summary, seconds, peakRssBytes } = await verger(sync, { env });
        if (summary.unchanged.files !== keys || summary.copied.files !== 0) {
          throw new Error(`Expected ${keys} unchanged keys, but received ${JSON.stringify(summary)}.`);
        }
        log(
          `${round === 0 ? "first sync" : "planning"}: ${seconds.toFixed(1)} s, ${(peakRssBytes / MB).toFixed(0)} MB`,
        );
        if (round > 0) plans.push({ seconds, peakRssBytes });
      }
      const once = listings.map(({ seconds }) => seconds);
      const each = (values, of, scale = 1) => summarise(values.map((value) => value[of] / scale));
      const count = keys.toLocaleString("en-GB");
      return {
        figures: [
          { measure: `listing ${count} keys`, unit: "s", summary: summarise(once) },
          {
            measure: `listing ${count} keys: peak resident set of the process`,
            unit: "MB",
            reach: { at: "most", value: 250 },
            summary: each(listings, "peakRssBytes", MB),
          },
          {
            measure: `planning a sync of ${count} unchanged keys, with the listings of both sides`,
            unit: "s",
            reach: { at: "most", value: 60 },
            summary: each(plans, "seconds"),
          },
          {
            measure: `planning a sync of ${count} unchanged keys: peak resident set of the process`,
            unit: "MB",
            reach: { at: "most", value: 500 },
            summary: each(plans, "peakRssBytes", MB),
          },
        ],
        details: {
          Sides: "two buckets of an in-repo server that answers ListObjectsV2 from arithmetic, pages of 1,000 keys",
          Planning:
            "a whole `verger sync` of two listings and the state of an earlier sync, from the start of the process to its end; the reach is for the time after listing, which is part of this one",
        },
      };
    });
  } finally {
    server.stop();
  }
}

/** The server's process ends with this one. */
async function startServer(keys) {
  const child = fork(path.join(ROOT, "bench", "lib", "listing-server.mjs"), [String(keys)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const endpoint = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the listing server ended with ${code}`)));
    child.stdout.once("data", (line) => resolve(String(line).trim()));
  });
  return { endpoint, stop: () => child.kill() };
}

/** Verger's store for a process of plain JavaScript. */
async function bundleStore() {
  const outfile = path.join(ROOT, "build-bench", "s3.mjs");
  await build({
    entryPoints: [path.join(ROOT, "src-main", "storage", "s3", "index.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    mainFields: ["module", "main"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
  return outfile;
}
