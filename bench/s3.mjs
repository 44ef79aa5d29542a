/** The transfer engine against the bare SDK, lib-storage and curl, over one server on the loopback. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { withTemporary } from "./lib/photos.mjs";
import { execute, ROOT } from "./lib/process.mjs";
import { summarise } from "./lib/stats.mjs";

export const title = "S3 transfers on the loopback";

const MIB = 1024 * 1024;
const CONCURRENCY = 32;
const PART_BYTES = 8 * MIB;

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, pairs, quick }) {
  const bundle = await bundleEngine();
  const bytes = quick ? 256 * MIB : 2048 * MIB;
  const requests = quick ? 2_000 : 10_000;
  return withTemporary(async (folder) => {
    // In memory where there is such a folder: a disk would be the same limit for everybody.
    const memory = await mkdtemp("/dev/shm/verger-bench-").catch(() => undefined);
    const server = spawn(process.execPath, [path.join(ROOT, "bench", "lib", "object-server.mjs"), String(bytes)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [port] = await once(server.stdout, "data");
      const endpoint = `http://127.0.0.1:${String(port).trim()}`;
      const file = path.join(folder, "file");
      const target = path.join(memory ?? folder, "target");
      await mkdir(path.join(folder, "state"));
      await fill(file, bytes);
      const measure = async (what, who, settings) => {
        const script = path.join(ROOT, "bench", "lib", "s3-client.mjs");
        const args = [script, bundle, endpoint, what, who, JSON.stringify(settings)];
        const { stdout, peakRssBytes } = await execute(process.execPath, args);
        const { seconds } = JSON.parse(stdout);
        log(`${what}, ${who}: ${seconds.toFixed(2)} s, ${Math.round(peakRssBytes / MIB)} MiB`);
        return { seconds, peakRssBytes };
      };

      const gets = { ours: [], sdk: [] };
      const uploads = { ours: [], sdk: [] };
      const downloads = { ours: [], curl: [] };
      const upload = { file, folder: path.join(folder, "state"), partBytes: PART_BYTES };
      for (let pair = 0; pair < pairs; pair += 1) {
        for (const who of ["sdk", "ours"]) {
          gets[who].push(await measure("gets", who, { requests, concurrency: CONCURRENCY }));
          uploads[who].push(await measure("upload", who, upload));
        }
        downloads.ours.push(await measure("download", "ours", { file: target, size: bytes }));
        await rm(target);
        const curl = await execute("curl", ["-sS", "-o", target, `${endpoint}/bucket/large`]);
        log(`download, curl: ${curl.seconds.toFixed(2)} s`);
        downloads.curl.push(curl);
        await rm(target);
      }
      return report({
        gets,
        uploads,
        downloads,
        bytes,
        requests,
        target: memory ? "into memory (/dev/shm)" : "to the disk",
      });
    } finally {
      if (memory) await rm(memory, { recursive: true });
      server.kill();
      await once(server, "exit");
    }
  });
}

function report({ gets, uploads, downloads, bytes, requests, target }) {
  const ratio = (limit, ours) => summarise(limit.map((one, index) => one.seconds / ours[index].seconds));
  const per = (runs, amount) => summarise(runs.map((one) => amount / one.seconds)).median;
  const rss = (runs) => summarise(runs.map((one) => one.peakRssBytes / MIB));
  const size = `${bytes / 1024 / MIB} GiB`;
  const rate = (runs) => `${Math.round(per(runs, bytes / MIB))} MiB/s`;
  const most = (value) => ({ at: "most", value });
  const least = (value) => ({ at: "least", value });
  return {
    figures: [
      {
        measure: "64 KiB GETs: requests/s against the bare SDK",
        unit: "x",
        reach: least(3),
        summary: ratio(gets.sdk, gets.ours),
      },
      {
        measure: `upload of ${size}: rate against lib-storage`,
        unit: "x",
        reach: least(1.8),
        summary: ratio(uploads.sdk, uploads.ours),
      },
      { measure: `upload of ${size}: peak RSS`, unit: "MiB", reach: most(120), summary: rss(uploads.ours) },
      {
        measure: `download of ${size}: rate against curl`,
        unit: "x",
        reach: least(0.9),
        summary: ratio(downloads.curl, downloads.ours),
      },
      { measure: `download of ${size}: peak RSS`, unit: "MiB", summary: rss(downloads.ours) },
    ],
    details: {
      server: "bench/lib/object-server.mjs, one process, which does nothing but move bytes",
      GETs: `${requests.toLocaleString("en-GB")} of 64 KiB, ${CONCURRENCY} at once, checksums verified by ours: ${Math.round(per(gets.ours, requests))} requests/s against ${Math.round(per(gets.sdk, requests))}`,
      upload: `parts of ${PART_BYTES / MIB} MiB: ${rate(uploads.ours)} against ${rate(uploads.sdk)} of lib-storage, whose peak RSS is ${Math.round(rss(uploads.sdk).median)} MiB`,
      download: `${target}, with CRC-32, fsync and rename: ${rate(downloads.ours)} against ${rate(downloads.curl)} of curl, which does neither`,
    },
  };
}

async function fill(file, bytes) {
  const block = Buffer.alloc(16 * MIB);
  for (let at = 0; at < block.length; at += 4) block.writeUInt32LE((at * 2654435761) >>> 0, at);
  const handle = await open(file, "w");
  for (let at = 0; at < bytes; at += block.length) await handle.write(block, 0, Math.min(block.length, bytes - at));
  await handle.sync();
  await handle.close();
}

/** As the product is built: scripts/build.mjs. */
async function bundleEngine() {
  const outdir = path.join(ROOT, "build-bench", "s3-engine");
  await rm(outdir, { recursive: true, force: true });
  await build({
    entryPoints: [path.join(ROOT, "src-main", "storage", "s3", "index.ts")],
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    mainFields: ["module", "main"],
    minifyWhitespace: true,
    minifySyntax: true,
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
  return pathToFileURL(path.join(outdir, "index.mjs")).href;
}
