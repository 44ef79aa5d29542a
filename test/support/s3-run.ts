/** A bucket's objects for tests of runs that read from or write to S3. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { filesBelow } from "./run-folder.js";

export async function putObject(
  client: S3Client,
  bucket: string,
  key: string,
  body: Uint8Array | string,
): Promise<void> {
  await client.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: typeof body === "string" ? Buffer.from(body) : body }),
  );
}

/** Puts every file below a folder under a prefix that ends in a slash. */
export async function putFolder(client: S3Client, bucket: string, prefix: string, folder: string): Promise<void> {
  const names = filesBelow(folder);
  for (let at = 0; at < names.length; at += 16) {
    await Promise.all(
      names
        .slice(at, at + 16)
        .map((name) => putObject(client, bucket, prefix + name, readFileSync(path.join(folder, name)))),
    );
  }
}

export async function listKeys(client: S3Client, bucket: string, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return keys.sort();
}

export async function getObject(client: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
}

export async function deleteKeys(client: S3Client, bucket: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
}

/** Fetches everything below a prefix that ends in a slash, into a folder. */
export async function getFolder(client: S3Client, bucket: string, prefix: string, folder: string): Promise<string[]> {
  const names = (await listKeys(client, bucket, prefix)).map((key) => key.slice(prefix.length));
  for (const name of names) {
    const file = path.join(folder, ...name.split("/"));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, await getObject(client, bucket, prefix + name));
  }
  return names;
}

/** Hash by name of every Parquet object of a run, and of its PCA model's other half, model.json. */
export async function remoteHashes(
  client: S3Client,
  bucket: string,
  prefix: string,
  below = "",
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const key of await listKeys(client, bucket, prefix + below)) {
    if (!/\.parquet$|model\.json$/.test(key)) continue;
    const bytes = await getObject(client, bucket, key);
    hashes[key.slice(prefix.length)] = createHash("sha256").update(bytes).digest("hex");
  }
  return hashes;
}
