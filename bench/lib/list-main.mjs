/** Lists a bucket with Verger's own store, in a process of its own: `node list-main.mjs <store module> <bucket> <prefix>`. */
import { readFileSync } from "node:fs";

const [module, bucket, prefix] = process.argv.slice(2);
const { openS3 } = await import(module);
const store = openS3(bucket);
const began = performance.now();
let keys = 0;
let last = "";
for await (const page of store.list(prefix)) {
  keys += page.length;
  last = page.at(-1)?.key ?? last;
}
const seconds = (performance.now() - began) / 1000;
await store.close();
const peakRssBytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024;
console.log(JSON.stringify({ keys, last, seconds, peakRssBytes }));
