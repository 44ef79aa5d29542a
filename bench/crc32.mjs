/** CRC-32 against a plain read of the bytes and against zlib: native/bench/crc32_bench, and called from Node. */
import { randomBytes } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import { sourceModule } from "./lib/native.mjs";
import { nativeBench } from "./lib/native-bench.mjs";
import { summarise } from "./lib/stats.mjs";

export const title = "CRC-32";

const GIB = 1024 ** 3;
/** Of a round: far longer than a look at the clock. */
const ROUND_BYTES = 256 * 1024 * 1024;
/** What a socket gives at once, and a large chunk. */
const SIZES = { "64 KiB": 64 * 1024, "1 MiB": 1024 * 1024 };

/** @returns GiB per second of processor time, over the same bytes again and again */
function speed(crc32, bytes) {
  const times = ROUND_BYTES / bytes.length;
  const began = process.cpuUsage();
  let value = 0;
  for (let i = 0; i < times; i += 1) value = crc32(bytes, value);
  const { user, system } = process.cpuUsage(began);
  return ROUND_BYTES / GIB / ((user + system) * 1e-6);
}

/** @param {import("./lib/benches.mjs").Context} context */
export async function run(context) {
  const { figures, details } = await nativeBench("crc32_bench", [], context);
  const { crc32 } = await sourceModule("storage/s3/crc32.ts");
  for (const [name, size] of Object.entries(SIZES)) {
    const bytes = randomBytes(size);
    const rounds = Array.from({ length: context.quick ? 2 : 15 }, () => ({
      zlib: speed(zlibCrc32, bytes),
      ours: speed(crc32, bytes),
    })).slice(1); // the first warms caches and compilers
    const measure = `from Node, ${name} at once / Node's zlib`;
    const [ours, zlib] = ["ours", "zlib"].map((who) => summarise(rounds.map((round) => round[who])).median);
    figures.push({ measure, unit: "x", summary: summarise(rounds.map((round) => round.ours / round.zlib)) });
    details[measure] = `${ours.toPrecision(3)} GiB/s against ${zlib.toPrecision(3)} GiB/s`;
  }
  return { figures, details };
}
