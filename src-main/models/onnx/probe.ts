import { errorMessage, VergerError } from "../../core/errors.js";
import { corruptModel } from "./graph.js";

export interface Probe {
  readonly outputName: string;
  /** Shape of the output for `batch` images. */
  readonly dims: readonly number[];
}

/**
 * Runs a model once on zeros, to learn what only running tells. Blocks the thread while it does.
 *
 * @param model an ONNX file's path or content
 * @param dims shape of the input
 * @throws VergerError `model/corrupt` (ONNX Runtime cannot load it), `model/run`, `model/output-type`
 */
export async function probe(
  model: string | Uint8Array,
  file: string,
  inputName: string,
  dims: readonly number[],
): Promise<Probe> {
  // Loaded here and not above: it costs start-up time that most commands need not pay.
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const options = { executionProviders: ["cpu"], graphOptimizationLevel: "basic", logSeverityLevel: 4 } as const;
  let session: Awaited<ReturnType<typeof InferenceSession.create>>;
  try {
    session =
      typeof model === "string"
        ? await InferenceSession.create(model, options)
        : await InferenceSession.create(model, options);
  } catch (error) {
    throw corruptModel(file, errorMessage(error), error);
  }
  try {
    const outputName = session.outputNames[0] ?? "";
    const zeros = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    const outputs = await session.run({ [inputName]: new Tensor("float32", zeros, dims) }, [outputName]);
    const output = outputs[outputName];
    if (output?.type !== "float32") {
      throw new VergerError(
        "model/output-type",
        `Expected float32 features from tensor ${outputName}, but received ${output?.type ?? "nothing"}; name another tensor with --output.`,
      );
    }
    return { outputName, dims: output.dims };
  } catch (error) {
    if (error instanceof VergerError) throw error;
    throw new VergerError(
      "model/run",
      `Expected the model ${file} to run on an input of [${dims.join(", ")}], but it failed (${errorMessage(error)}); ` +
        "check --size and --layout.",
      { cause: error },
    );
  } finally {
    await session.release();
  }
}
