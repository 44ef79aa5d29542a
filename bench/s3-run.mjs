/** The main job from S3 on loopback against the same job from disk. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { listPhotos, photosFolder, withTemporary } from "./lib/photos.mjs";
import { verger } from "./lib/process.mjs";
import { median, summarise } from "./lib/stats.mjs";

export const title = "Main job from S3 on loopback / from disk";

const REACH = 0.95;
const PRESET = "balanced";

/** @param {import("./lib/benches.mjs").Context} context */
export async function run({ log, pairs }) {
  return withTemporary(async (folder) => {
    const photos = photosFolder();
    const images = (await listPhotos(photos)).length;
    const server = await startServer(photos);
    try {
      const home = path.join(folder, "home");
      const env = {
        VERGER_HOME: home,
        AWS_ENDPOINT_URL_S3: server.endpoint,
        AWS_ACCESS_KEY_ID: "bench",
        AWS_SECRET_ACCESS_KEY: "bench",
        AWS_REGION: "us-east-1",
      };
      const job = async (source, ...more) => {
        const out = path.join(folder, "run");
        const args = ["run", source, "--out", out, "--preset", PRESET, "--fresh", ...more];
        const before = [ticks(process.pid, ENDED_CHILDREN), ticks(server.pid, ITSELF)];
        const { summary, seconds } = await verger(args, { env });
        const after = [ticks(process.pid, ENDED_CHILDREN), ticks(server.pid, ITSELF)];
        if (summary.embedded !== images) throw new Error(`expected ${images} images, got ${summary.embedded}`);
        await rm(out, { recursive: true, force: true });
        const [own, serving] = after.map((value, index) => (value - before[index]) / TICKS_PER_SECOND);
        return { seconds, timings: summary.timings, processor: own + serving, serving };
      };
      const taken = [];
      // The first round fills the page cache and is not counted. A B C A B C: each is compared with its neighbours.
      for (let round = 0; round <= pairs; round += 1) {
        const disk = await job(photos);
        await rm(home, { recursive: true, force: true });
        const cold = await job("s3://bench/");
        const cached = await job("s3://bench/");
        log(
          `${images} images: disk ${disk.seconds.toFixed(2)} s, S3 ${cold.seconds.toFixed(2)} s, cached ${cached.seconds.toFixed(2)} s`,
        );
        if (round > 0 || pairs === 0) taken.push({ disk, cold, cached });
      }
      const ratio = (which) => summarise(taken.map((round) => round.disk.seconds / round[which].seconds));
      const work = summarise(taken.map((round) => round.disk.processor / round.cold.processor));
      const client = summarise(taken.map(({ disk, cold }) => disk.processor / (cold.processor - cold.serving)));
      const stage = (which) => summarise(taken.map((round) => round.disk.timings.embed / round[which].timings.embed));
      const reach = { at: "least", value: REACH };
      return {
        figures: [
          {
            measure: `${PRESET}, ${images} images, empty cache: whole process`,
            unit: "x",
            reach,
            summary: ratio("cold"),
          },
          { measure: "empty cache: embed stage alone", unit: "x", summary: stage("cold") },
          { measure: "empty cache: processor time, the server's included", unit: "x", summary: work },
          { measure: "empty cache: processor time of Verger alone", unit: "x", summary: client },
          { measure: "from the cache: whole process", unit: "x", summary: ratio("cached") },
        ],
        details: {
          Server:
            "bench/lib/photo-server.mjs in a process of its own on the same processors: its work counts against S3",
          Seconds: ["disk", "cold", "cached"]
            .map((which) => `${which} ${median(taken.map((round) => round[which].seconds)).toFixed(2)}`)
            .join(", "),
          rounds: taken,
        },
      };
    } finally {
      await server.stop();
    }
  });
}

/** Fields of /proc/<pid>/stat behind the command's name: user and system time of a process, and of its ended children. */
const ITSELF = [11, 12];
const ENDED_CHILDREN = [13, 14];
const TICKS_PER_SECOND = 100;

/** Clock ticks; NaN where /proc is missing. */
function ticks(pid, fields) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const values = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields.reduce((sum, index) => sum + Number(values[index]), 0);
  } catch {
    return Number.NaN;
  }
}

async function startServer(folder) {
  const program = fileURLToPath(new URL("./lib/photo-server.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, folder], { stdio: ["pipe", "pipe", "inherit"] });
  const [port] = await once(child.stdout, "data");
  return {
    pid: child.pid,
    endpoint: `http://127.0.0.1:${Number(String(port))}`,
    stop: async () => {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
