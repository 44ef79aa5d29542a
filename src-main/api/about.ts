/** Schemas of what the window says about itself. */
import * as z from "zod";

const named = z.object({ name: z.string(), version: z.string() });

export const aboutSchema = z.object({
  version: z.string(),
  /** SPDX identifier. */
  licence: z.string(),
  /** Node, V8, Electron and Chromium where there are. */
  runtime: z.array(named),
  /** Native libraries and the instruction set they use; ONNX Runtime. */
  native: z.array(named),
  /** What the window and the command line are made of. */
  libraries: z.array(named),
  models: z.array(
    z.object({
      name: z.string(),
      licence: z.string(),
      source: z.string(),
      sha256: z.string(),
      /** False for one that is known and not on this machine. */
      installed: z.boolean(),
    }),
  ),
  /** Absolute paths; need not exist. */
  places: z.object({
    settings: z.string(),
    history: z.string(),
    models: z.string(),
    sync: z.string(),
    cache: z.string(),
  }),
});
export type About = z.infer<typeof aboutSchema>;

/** The document of `verger doctor --json`. English sentences, with what it takes to say them in another language. */
export const diagnosisSchema = z.object({
  ok: z.boolean(),
  version: z.string(),
  checks: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      state: z.enum(["ok", "warn", "fail"]),
      found: z.string(),
      advice: z.string().optional(),
      /** Names the sentences of `found` and `advice`, and what they are about (src-main/core/doctor/outcomes.ts). */
      code: z.string(),
      details: z.record(z.string(), z.union([z.string(), z.number()])),
      /** Where `found` is the sentence of an error. */
      problem: z
        .object({
          code: z.string(),
          message: z.string(),
          details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
        })
        .optional(),
    }),
  ),
});
export type DiagnosisAnswer = z.infer<typeof diagnosisSchema>;
