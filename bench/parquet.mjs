/** Our Parquet writer and reader against zstd, memory and the disk alone: native/bench/parquet_bench. */
import { nativeBench } from "./lib/native-bench.mjs";

export const title = "Parquet";

/** @param {import("./lib/benches.mjs").Context} context */
export function run(context) {
  return nativeBench("parquet_bench", [], context);
}
