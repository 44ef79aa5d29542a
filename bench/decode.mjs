/** The image path against libjpeg-turbo alone: native/bench/decode_bench. */
import { nativeBench } from "./lib/native-bench.mjs";
import { photosFolder } from "./lib/photos.mjs";

export const title = "Decode, resize, normalise";

/** @param {import("./lib/benches.mjs").Context} context */
export function run(context) {
  return nativeBench("decode_bench", ["--photos", photosFolder()], context);
}
