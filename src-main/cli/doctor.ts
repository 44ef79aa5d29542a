import type { Command } from "commander";
import { VergerError } from "../core/errors.js";
import { isS3Url } from "../storage/location.js";
import type { CommandContext } from "./context.js";
import { EXIT } from "./exit.js";
import { interruptible } from "./interrupt.js";
import { addOutputOptions, examples } from "./options.js";
import { addS3Options, type S3Flags, s3Options } from "./s3-options.js";

/** `verger doctor`: whether this machine, or a bucket, lets Verger do its work, and what to do where it does not. */
export function addDoctor(program: Command, context: CommandContext): void {
  const command = program
    .command("doctor")
    .summary("check this machine or a bucket, and say what to do where something is missing")
    .description(
      "Checks Node, the native addon, the processor, ONNX Runtime, the model files, memory and disk. Of a bucket: " +
        "credentials, address, clock, and what these credentials may do there, tried with one temporary object.",
    )
    .argument("[place]", "a folder that runs shall be written to, or s3://bucket/prefix", ".")
    .option("--read-only", "of a bucket: try only what writes nothing");
  addS3Options(command);
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([
        ["verger doctor /data/runs", "Check this machine and whether /data/runs can hold runs."],
        ["verger doctor s3://orchard/photos", "Which permissions these credentials have there, and which are missing."],
      ]),
    )
    .action(async (place: string, flags: S3Flags & { readOnly?: true }) => {
      if (!isS3Url(place)) refuseBucketOptions(place, flags);
      const passed = isS3Url(place) ? await ofBucket(place, flags, context) : await ofMachine(place, context);
      if (!passed) context.finish(EXIT.failed);
    });
}

/** @throws VergerError `usage/conflict` */
function refuseBucketOptions(folder: string, { readOnly, ...s3 }: S3Flags & { readOnly?: true }): void {
  if (!readOnly && Object.keys(s3Options(s3)).length === 0) return;
  throw new VergerError(
    "usage/conflict",
    `Expected s3://bucket/prefix to go with --read-only and the S3 options of verger doctor, but received "${folder}"; give the bucket, or leave the options out.`,
  );
}

async function ofMachine(folder: string, context: CommandContext): Promise<boolean> {
  const [{ examine }, { doctorReport }] = await Promise.all([
    import("../core/doctor/index.js"),
    import("./summary.js"),
  ]);
  const diagnosis = await examine({ folder });
  context.output.document(diagnosis);
  context.output.result(doctorReport(diagnosis, context.output.paint));
  return diagnosis.ok;
}

async function ofBucket(
  url: string,
  flags: S3Flags & { readOnly?: true },
  { output }: CommandContext,
): Promise<boolean> {
  const [{ examineS3 }, { parseLocation }, { s3DoctorReport }] = await Promise.all([
    import("../storage/s3/doctor.js"),
    import("../storage/location.js"),
    import("./summary.js"),
  ]);
  const location = parseLocation(url);
  if (location.kind !== "s3") throw new Error(`not S3: ${url}`);
  const { readOnly } = flags;
  const diagnosis = await interruptible(output, (signal) =>
    examineS3(location, s3Options(flags), { readOnly, signal }),
  );
  output.document(diagnosis);
  output.result(s3DoctorReport(diagnosis, output.paint));
  return diagnosis.ok;
}
