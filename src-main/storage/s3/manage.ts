/** Deleting, and finding uploads that nobody ended. */

import { inParallel } from "../parallel.js";
import type { ObjectStore, OpenUpload, RequestOptions } from "../types.js";
import { type Requester, told } from "./requester.js";
import { explained, FinalFailure } from "./retry.js";

/** S3's limit for one request. */
const DELETE_BATCH = 1000;
/** Batches under way at once. */
const DELETES_IN_FLIGHT = 4;

type Undeleted = Awaited<ReturnType<ObjectStore["delete"]>>[number];

/**
 * Deletes in batches of 1,000. A server that has no such call gets one request for each key.
 *
 * @returns the keys that still stand, with the reason
 * @throws VergerError `s3/*`, `cancelled`
 */
export async function deleteObjects(
  requester: Requester,
  keys: readonly string[],
  options: RequestOptions = {},
): Promise<readonly Undeleted[]> {
  const failed: Undeleted[] = [];
  const batches: string[][] = [];
  for (let at = 0; at < keys.length; at += DELETE_BATCH) batches.push(keys.slice(at, at + DELETE_BATCH));
  await inParallel(batches, DELETES_IN_FLIGHT, options.signal, async (batch, signal) => {
    failed.push(...(await deleteBatch(requester, batch, signal)));
  });
  return failed;
}

async function deleteBatch(requester: Requester, keys: readonly string[], signal: AbortSignal): Promise<Undeleted[]> {
  // Keys that XML 1.0 cannot hold go by their own request, where they stand in the path.
  const plain = keys.filter((key) => !NOT_IN_XML.test(key));
  const odd = keys.filter((key) => NOT_IN_XML.test(key));
  const failed: Undeleted[] = [];
  for (const key of odd) {
    try {
      await requester.send({ purpose: { verb: "delete", key, action: "s3:DeleteObject" }, method: "DELETE", signal });
    } catch (error) {
      if (!(error instanceof FinalFailure) || error.failure.status === 0) throw explained(error);
      failed.push({ key, code: error.failure.serverCode || String(error.failure.status), message: error.message });
    }
  }
  if (plain.length === 0) return failed;
  const answer = await told(
    requester.control({ verb: "delete objects in", action: "s3:DeleteObject" }, signal, (client, how, sdk) =>
      client.send(
        new sdk.DeleteObjectsCommand({
          Bucket: requester.bucket,
          Delete: { Objects: plain.map((Key) => ({ Key })), Quiet: true },
          ChecksumAlgorithm: "CRC32",
        }),
        how,
      ),
    ),
  );
  for (const { Key, Code, Message } of answer.Errors ?? []) {
    failed.push({ key: Key ?? "", code: Code ?? "", message: Message ?? "" });
  }
  return failed;
}

/** Control characters that XML 1.0 forbids even as references; and line ends, which parsers normalise. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
const NOT_IN_XML = /[\u0000-\u001f\ufffe\uffff]/;

/** @throws VergerError `s3/*`, `cancelled` */
export async function openUploads(
  requester: Requester,
  prefix: string,
  options: RequestOptions = {},
): Promise<readonly OpenUpload[]> {
  const found: OpenUpload[] = [];
  let markers: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (markers) {
    const from: { KeyMarker?: string; UploadIdMarker?: string } = markers;
    const page = await told(
      requester.control(
        { verb: "list open uploads in", key: prefix, action: "s3:ListBucketMultipartUploads" },
        options.signal,
        (client, how, sdk) =>
          client.send(
            new sdk.ListMultipartUploadsCommand({
              Bucket: requester.bucket,
              ...(prefix === "" ? {} : { Prefix: prefix }),
              ...from,
            }),
            how,
          ),
      ),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      // Some servers do not filter by prefix here.
      if (Key === undefined || UploadId === undefined || !Key.startsWith(prefix)) continue;
      found.push({ key: Key, uploadId: UploadId, initiatedMs: Initiated?.getTime() ?? 0 });
    }
    const next = page.IsTruncated
      ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
      : undefined;
    const moved =
      next?.KeyMarker !== undefined &&
      (next.KeyMarker !== from.KeyMarker || next.UploadIdMarker !== from.UploadIdMarker);
    markers = moved
      ? {
          KeyMarker: next.KeyMarker as string,
          ...(next.UploadIdMarker === undefined ? {} : { UploadIdMarker: next.UploadIdMarker }),
        }
      : undefined;
  }
  return found;
}
