/** The Gram update against this machine's sgemm: native/bench/gram_bench. */
import { nativeBench } from "./lib/native-bench.mjs";

export const title = "Gram update";

/** @param {import("./lib/benches.mjs").Context} context */
export function run(context) {
  return nativeBench("gram_bench", [], context);
}
