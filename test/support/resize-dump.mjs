// The native resize on the command line, for the comparison with Pillow.
//   node resize-dump.mjs <jobs.json> <out.bin>
// jobs.json: [{"file", "width", "height", "filter", "fit"?}]. out.bin: the images one after the other, each
// height x width x 3 float32 from 0 to 255. Prints {"sizes": [[width, height]]} of the originals.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");
const verger = createRequire(import.meta.url)(path.join(root, "build", "Release", "verger.node"));

const [jobsFile, outFile] = process.argv.slice(2);
const jobs = JSON.parse(readFileSync(jobsFile, "utf8"));
const plain = { mean: [0, 0, 0], std: [1, 1, 1], layout: "nhwc", channels: "rgb", fit: "stretch" };
const blocks = [];
const sizes = [];
for (const { file, ...rest } of jobs) {
  const target = { ...plain, ...rest };
  const out = new Float32Array(target.width * target.height * 3);
  const [result] = await verger.decodeResize([file], target, out, {}).promise;
  if (!result.ok) throw new Error(`${file}: ${result.code}: ${result.message}`);
  blocks.push(Buffer.from(out.buffer));
  sizes.push([result.width, result.height]);
}
writeFileSync(outFile, Buffer.concat(blocks));
process.stdout.write(JSON.stringify({ sizes }));
