/** Which models there are: those that come with Verger, and those that a person has added or pulled. */
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import type * as z from "zod";
import { errorCode, errorMessage, VergerError } from "../core/errors.js";
import { embeddedModelsFolder, hashFile, notWritable, userModelsFolder, writeModelFile } from "./files.js";
import { nearest } from "./names.js";
import { PRESETS, type PresetName } from "./presets.js";
import {
  type DownloadEntry,
  type ModelEntry,
  modelEntrySchema,
  type Precision,
  type Registry,
  registrySchema,
  userModelSchema,
} from "./schema.js";

export type ModelOrigin = "embedded" | "user" | "download";

/** A model as `models list` shows it. */
export interface ModelInfo {
  readonly name: string;
  readonly description: string;
  /** `download`: known by name, to be fetched by `models pull`. */
  readonly origin: ModelOrigin;
  /** Absolute path; null before a download has been pulled. */
  readonly file: string | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly precision: Precision | null;
  readonly dimension: number | null;
  /** Default input in pixels. */
  readonly width: number;
  readonly height: number;
  readonly presets: readonly PresetName[];
  readonly licence: string;
  readonly source: string;
  /** Why an entry of the user's folder cannot be used, in one sentence; null when it can. */
  readonly problem: string | null;
}

/** An entry and where its file stands. */
export interface Registered {
  readonly entry: ModelEntry;
  readonly origin: "embedded" | "user";
  /** Absolute path. */
  readonly file: string;
}

let embedded: Registry | undefined;

/** The registry that comes with Verger. @throws VergerError `model/registry` */
export async function embeddedRegistry(): Promise<Registry> {
  embedded ??= await readJson(path.join(embeddedModelsFolder(), "registry.json"), registrySchema, "reinstall Verger");
  return embedded;
}

async function readJson<T>(file: string, schema: z.ZodType<T>, remedy: string): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    throw new VergerError(
      "model/registry",
      `Expected ${file} to describe models, but it cannot be used (${reason(error)}); ${remedy}.`,
      { cause: error, details: { file } },
    );
  }
}

function reason(error: unknown): string {
  if (typeof error === "object" && error !== null && "issues" in error && Array.isArray(error.issues)) {
    const issue = error.issues[0] as { path: PropertyKey[]; message: string } | undefined;
    if (issue) return `${issue.path.map(String).join(".")}: ${issue.message}`;
  }
  return errorMessage(error);
}

async function userNames(): Promise<string[]> {
  try {
    const files = await readdir(userModelsFolder());
    return files.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -".json".length));
  } catch (error) {
    // ENOTDIR: VERGER_HOME is a file; whoever writes there hears of it.
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function userModel(name: string): Promise<Registered> {
  const description = path.join(userModelsFolder(), `${name}.json`);
  const remedy = `remove it with "verger models remove ${name}" and add the model again`;
  const entry = await readJson(description, userModelSchema, remedy);
  return { entry, origin: "user", file: path.join(userModelsFolder(), entry.file) };
}

/** The registered model of this name, or undefined. @throws VergerError `model/registry` */
export async function findModel(name: string): Promise<Registered | undefined> {
  const registry = await embeddedRegistry();
  const entry = registry.models.find((model) => model.name === name);
  if (entry) return { entry, origin: "embedded", file: path.join(embeddedModelsFolder(), entry.file) };
  return (await userNames()).includes(name) ? userModel(name) : undefined;
}

/** The registered model whose file has this content, or undefined. */
export async function findModelBySha256(sha256: string): Promise<Registered | undefined> {
  const registry = await embeddedRegistry();
  for (const name of [...registry.models.map((model) => model.name), ...(await userNames())]) {
    const model = await findModel(name).catch(() => undefined);
    if (model?.entry.sha256 === sha256) return model;
  }
  return undefined;
}

/** What `models pull` can fetch under this name, or undefined. */
export async function findDownload(name: string): Promise<DownloadEntry | undefined> {
  return (await embeddedRegistry()).downloads.find((entry) => entry.name === name);
}

/** Every model: embedded, then the user's by name, then downloads not pulled yet. */
export async function listModels(): Promise<ModelInfo[]> {
  const registry = await embeddedRegistry();
  const models = registry.models.map((entry) =>
    info({ entry, origin: "embedded", file: path.join(embeddedModelsFolder(), entry.file) }),
  );
  const names = (await userNames()).sort();
  for (const name of names) {
    try {
      const model = await userModel(name);
      const problem = existsSync(model.file) ? null : missing(model).message;
      models.push({ ...info(model), problem });
    } catch (error) {
      models.push({ ...NOTHING, name, problem: errorMessage(error) });
    }
  }
  const pulled = new Set(names);
  for (const entry of registry.downloads) {
    if (pulled.has(entry.name)) continue;
    const { name, description, bytes, sha256, licence, source } = entry;
    const { size } = entry.input;
    models.push({
      ...NOTHING,
      ...{ name, description, bytes, sha256, licence, source },
      origin: "download",
      width: size,
      height: size,
    });
  }
  return models;
}

const NOTHING: ModelInfo = {
  name: "",
  description: "",
  origin: "user",
  file: null,
  bytes: 0,
  sha256: "",
  precision: null,
  dimension: null,
  width: 0,
  height: 0,
  presets: [],
  licence: "",
  source: "",
  problem: null,
};

function info({ entry, origin, file }: Registered): ModelInfo {
  const { name, description, bytes, sha256, precision, licence, source } = entry;
  const presets = (Object.keys(PRESETS) as PresetName[]).filter((preset) => PRESETS[preset].model === name);
  const { width, height } = entry.input;
  const { dimension } = entry.output;
  return {
    ...{ name, description, origin, file, bytes, sha256, precision, dimension },
    ...{ width, height, presets, licence, source, problem: null },
  };
}

/**
 * Checks that the file is the one its entry describes; reads all of it.
 *
 * @throws VergerError `model/missing`, `model/hash`
 */
export async function verifyFile(model: Registered, signal?: AbortSignal): Promise<void> {
  const { entry, file } = model;
  let digest: Awaited<ReturnType<typeof hashFile>>;
  try {
    digest = await hashFile(file, signal);
  } catch (error) {
    if (errorCode(error) === "ENOENT") throw missing(model);
    throw error;
  }
  if (digest.sha256 === entry.sha256) return;
  throw new VergerError(
    "model/hash",
    `Expected ${file} of model ${entry.name} to have sha256 ${entry.sha256} (${entry.bytes} bytes), but received ` +
      `${digest.sha256} (${digest.bytes} bytes); ${remedy(model)}, and check with "verger models verify".`,
    { details: { file, expected: entry.sha256, received: digest.sha256 } },
  );
}

function missing(model: Registered): VergerError {
  return new VergerError(
    "model/missing",
    `Expected the file of model ${model.entry.name} at ${model.file}, but there is none; ${remedy(model)}.`,
    { details: { file: model.file } },
  );
}

function remedy({ entry, origin }: Registered): string {
  if (origin === "embedded") return "reinstall Verger";
  return `remove the model with "verger models remove ${entry.name}" and add or pull it again`;
}

export interface Verification {
  readonly name: string;
  /** Absolute path. */
  readonly file: string | null;
  readonly ok: boolean;
  /** Of the first problem found; null when ok. */
  readonly code: string | null;
  readonly message: string | null;
}

/**
 * Hashes the file of one model, or of all that are installed, and compares with the registry.
 *
 * @throws VergerError `model/unknown`, `cancelled`
 */
export async function verifyModels(name?: string, signal?: AbortSignal): Promise<Verification[]> {
  const registry = await embeddedRegistry();
  const names = name === undefined ? [...registry.models.map((entry) => entry.name), ...(await userNames())] : [name];
  const results: Verification[] = [];
  for (const each of names) {
    let file: string | null = null;
    try {
      const model = await findModel(each);
      if (!model) throw await unknownModel(each);
      file = model.file;
      await verifyFile(model, signal);
      results.push({ name: each, file, ok: true, code: null, message: null });
    } catch (error) {
      if (!(error instanceof VergerError) || error.code === "cancelled" || error.code === "model/unknown") throw error;
      results.push({ name: each, file, ok: false, code: error.code, message: error.message });
    }
  }
  return results;
}

/** The error for a name that no model has: `model/not-pulled` for a known download, else `model/unknown`. */
export async function unknownModel(name: string): Promise<VergerError> {
  if (await findDownload(name)) {
    return new VergerError(
      "model/not-pulled",
      `Expected model ${name} to be installed, but it has not been pulled yet; run "verger models pull ${name}".`,
    );
  }
  const names = (await listModels()).filter((model) => model.origin !== "download").map((model) => model.name);
  return new VergerError(
    "model/unknown",
    `Expected a registered model or an ONNX file, but received "${name}"; nearest: ` +
      `${nearest(name, names, 3).join(", ")} (see "verger models list").`,
    { details: { model: name } },
  );
}

/**
 * Registers a model in the user's folder: first the file, then the entry that makes it visible.
 *
 * @throws VergerError `model/exists`, `model/not-writable`
 */
export async function register(entry: ModelEntry, content: Uint8Array, replace = false): Promise<Registered> {
  await refuseTaken(entry.name, replace);
  const folder = userModelsFolder();
  const file = path.join(folder, entry.file);
  await writeModelFile(file, content);
  const description = { schema: 1, ...modelEntrySchema.parse(entry) };
  await writeModelFile(path.join(folder, `${entry.name}.json`), `${JSON.stringify(description, null, 2)}\n`);
  return { entry, origin: "user", file };
}

/** @throws VergerError `model/exists` */
export async function refuseTaken(name: string, replace: boolean): Promise<void> {
  const registry = await embeddedRegistry();
  if (registry.models.some((entry) => entry.name === name)) {
    throw new VergerError(
      "model/exists",
      `Expected a new name, but "${name}" is a model that comes with Verger; choose another with --name.`,
    );
  }
  if (!replace && (await userNames()).includes(name)) {
    throw new VergerError(
      "model/exists",
      `Expected a new name, but there is a model "${name}" already; choose another with --name, or remove it first ` +
        `with "verger models remove ${name}".`,
    );
  }
}

/**
 * Removes an added or pulled model.
 *
 * @returns the absolute paths of the files removed
 * @throws VergerError `model/unknown`, `model/not-pulled`, `model/embedded`, `model/not-writable`
 */
export async function removeModel(name: string): Promise<string[]> {
  const registry = await embeddedRegistry();
  if (registry.models.some((entry) => entry.name === name)) {
    throw new VergerError("model/embedded", `Expected a model you have added, but "${name}" comes with Verger.`);
  }
  if (!(await userNames()).includes(name)) throw await unknownModel(name);
  // The entry first: without it the model is gone, whatever happens to the file.
  const files = [`${name}.json`, `${name}.onnx`].map((file) => path.join(userModelsFolder(), file));
  const removed: string[] = [];
  for (const file of files) {
    if (!existsSync(file)) continue;
    try {
      await rm(file);
    } catch (error) {
      throw notWritable(file, error);
    }
    removed.push(file);
  }
  return removed;
}
