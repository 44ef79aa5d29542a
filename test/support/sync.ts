/** Both sides of a sync, seen from outside: the files of a folder, the objects of a bucket. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { SyncEvent, SyncRequestInput, SyncSummary } from "../../src-main/api/contract.js";
import { syncJob } from "../../src-main/storage/sync/index.js";

/** Keys and the SHA-256 of what they hold. */
export type Contents = Readonly<Record<string, string>>;

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What files are to hold, by key. */
export function digests(files: Readonly<Record<string, Uint8Array | string>>): Contents {
  return Object.fromEntries(Object.entries(files).map(([key, bytes]) => [key, sha256(bytes)]));
}

export function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [key, bytes] of Object.entries(files)) {
    const file = path.join(folder, key);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

/** Every file below a folder, hidden and temporary ones included; links are not followed. */
export function readFolder(folder: string): Contents {
  const files: Record<string, string> = {};
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    const file = path.join(item.parentPath, item.name);
    files[path.relative(folder, file).split(path.sep).join("/")] = sha256(readFileSync(file));
  }
  return files;
}

export async function putObjects(
  client: S3Client,
  bucket: string,
  objects: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  for (const [Key, Body] of Object.entries(objects))
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
}

export async function deleteObject(client: S3Client, bucket: string, key: string): Promise<void> {
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
}

export async function listKeys(client: S3Client, bucket: string, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(token ? { ContinuationToken: token } : {}) }),
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  }
  return keys;
}

/** The objects below a prefix, without it. */
export async function readBucket(client: S3Client, bucket: string, prefix = ""): Promise<Contents> {
  const objects: Record<string, string> = {};
  for (const Key of await listKeys(client, bucket, prefix)) {
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    objects[Key.slice(prefix.length)] = sha256((await answer.Body?.transformToByteArray()) ?? new Uint8Array());
  }
  return objects;
}

export async function openMultiparts(client: S3Client, bucket: string): Promise<string[]> {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return (Uploads ?? []).map(({ Key }) => Key ?? "");
}

/** Random bytes that are the same for the same seed. */
export function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let at = 0; at < size; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** Runs a sync in this process, with the environment's credentials, and collects its events. */
export async function sync(
  from: string,
  to: string,
  options: Omit<SyncRequestInput, "from" | "to"> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<SyncSummary & { events: SyncEvent[] }> {
  const events: SyncEvent[] = [];
  const summary = await syncJob({ from, to, ...options }, { signal, onEvent: (event) => events.push(event) });
  return { ...summary, events };
}

/** Files by outcome, those that are none left out. */
export function counts(summary: SyncSummary): Record<string, number> {
  const outcomes = ["copied", "unchanged", "deleted", "skipped", "conflicts", "failed"] as const;
  return Object.fromEntries(
    outcomes.map((name) => [name, summary[name].files] as const).filter(([, files]) => files > 0),
  );
}

/** Forgets what every earlier sync has learned. */
export function forgetSyncs(home: string): void {
  rmSync(path.join(home, "sync"), { recursive: true, force: true });
}
