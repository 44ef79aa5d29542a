// GoogleTest through CTest.
//
//   node scripts/test-native.mjs [--sanitize] [ctest arguments]
//
// --sanitize: under AddressSanitizer and UndefinedBehaviorSanitizer, in its own build folder, and every fuzz target runs
// its corpus once (native/fuzz/corpus/<target>/).
import "./lib/node-version.mjs";
import { existsSync, mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { filesBelow, main, root, run, Stop, which } from "./lib/project.mjs";
import { reportFile } from "./lib/report.mjs";

const sanitize = process.argv.includes("--sanitize");
const folder = sanitize ? "build-sanitize" : "build-native";
const suite = sanitize ? "native-sanitized" : "native";

await main(() => {
  const threads = String(availableParallelism());
  const options = ["-DVERGER_ADDON=OFF", "-DVERGER_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release"];
  if (sanitize) {
    // Instrumented code at -O3 takes minutes per SIMD source and finds no more.
    options.push("-DVERGER_SANITIZE=ON", "-DVERGER_FUZZ=ON", "-DCMAKE_CXX_FLAGS_RELEASE=-O1");
  }
  if (which("ninja")) options.push("-G", "Ninja");
  if (!run("cmake", ["-S", ".", "-B", folder, ...options])) throw new Stop("The native tests could not be configured.");
  if (!run("cmake", ["--build", folder, "--parallel", threads])) throw new Stop("The native tests could not be built.");

  const report = path.join(root, reportFile(suite, "xml"));
  mkdirSync(path.dirname(report), { recursive: true });
  const rest = process.argv.slice(2).filter((argument) => argument !== "--sanitize");
  const ctest = ["--test-dir", folder, "--output-on-failure", "--no-tests=error", "--output-junit", report];
  // A report on the first error, and no leak escapes; allocations that fail must come back as errors, not aborts.
  const photos = process.env.VERGER_PHOTOS ?? path.join(root, "..", "shared", "data", "fruits360");
  const env = {
    // Absent, the tests on real photos say that they are skipped.
    ...(existsSync(photos) ? { VERGER_PHOTOS: photos } : {}),
    ASAN_OPTIONS: "detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1",
    UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
  };
  let passed = run("ctest", [...ctest, "--parallel", threads, ...rest], { env });
  if (sanitize) passed = replayCorpora(env) && passed;
  if (!passed) throw new Stop(`Native tests failed${sanitize ? " under the sanitizers" : ""}.`);
});

function replayCorpora(env) {
  return filesBelow(["native/fuzz"], (file) => /^native\/fuzz\/[^/]+_fuzz\.cc$/.test(file))
    .map((source) => path.basename(source, ".cc"))
    .map((target) => {
      const corpus = filesBelow([`native/fuzz/corpus/${target.replace(/_fuzz$/, "")}`, `native/fuzz/corpus/${target}`]);
      console.log(`${target}: ${corpus.length} inputs`);
      return corpus.length > 0 && run(path.join(root, folder, `${target}_replay`), corpus, { env });
    })
    .every(Boolean);
}
