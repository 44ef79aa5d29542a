/** What the tests' S3 servers must do themselves, so that a failure elsewhere is Verger's. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Permission } from "../support/iam.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { type S3Server, s3Servers } from "../support/s3-servers.js";

describe.each(s3Servers)("$name", ({ start }) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await start();
    await server.createBucket("trees");
  });
  afterAll(() => server?.stop());
  const Bucket = "trees";

  it("keeps an object and answers conditions on it", async () => {
    const { client } = server;
    await client.send(new PutObjectCommand({ Bucket, Key: "a b/ü+%.txt", Body: "pear" }));
    const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket, Key: "a b/ü+%.txt" }));
    expect(await Body?.transformToString()).toBe("pear");
    expect(ETag).toMatch(/^"[0-9a-f]{32}"$/);
    const replaced = client.send(new GetObjectCommand({ Bucket, Key: "a b/ü+%.txt", IfMatch: '"0"' }));
    await expect(replaced).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
    const taken = client.send(new PutObjectCommand({ Bucket, Key: "a b/ü+%.txt", Body: "x", IfNoneMatch: "*" }));
    await expect(taken).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
  });

  it("lists parts of an open upload and completes it", async () => {
    const { client } = server;
    const Key = "parts";
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { Bucket, Key, UploadId };
    const first = await client.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: Buffer.alloc(5 << 20, 1) }));
    const second = await client.send(new UploadPartCommand({ ...part, PartNumber: 2, Body: Buffer.alloc(10, 2) }));
    const { Parts } = await client.send(new ListPartsCommand(part));
    expect(Parts?.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, ETag])).toEqual([
      [1, 5 << 20, first.ETag],
      [2, 10, second.ETag],
    ]);
    const done = [first, second].map(({ ETag }, index) => ({ ETag, PartNumber: index + 1 }));
    await client.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts: done } }));
    const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key }));
    expect(ContentLength).toBe((5 << 20) + 10);
  });

  it("lists in byte order, from a key on", async () => {
    const { client } = server;
    for (const Key of ["order/b", "order/a", "order/B"])
      await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "order/", StartAfter: "order/B" }));
    expect(page.Contents?.map(({ Key }) => Key)).toEqual(["order/a", "order/b"]);
  });
});

describe.each(s3Servers)("the recording proxy before $name", ({ start }) => {
  const Bucket = "orchard";
  let server: S3Server;
  let proxy: RecordingProxy;
  let client: S3Client;
  beforeAll(async () => {
    server = await start();
    await server.createBucket(Bucket);
    proxy = await startRecordingProxy(server.endpoint);
    client = new S3Client({
      endpoint: proxy.endpoint,
      region: server.region,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    });
  });
  beforeEach(() => {
    proxy.permit(undefined);
    proxy.clear();
  });
  afterAll(async () => {
    client?.destroy();
    await proxy?.stop();
    await server?.stop();
  });
  const put = (Key: string, Body: string) => client.send(new PutObjectCommand({ Bucket, Key, Body }));

  it("passes requests under the client's own signature and records them", async () => {
    await put("a b/ü.txt", "pear");
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "a b/ü.txt" }));
    expect(await Body?.transformToString()).toBe("pear");
    expect(proxy.calls.map(({ method, key, status }) => [method, key, status])).toEqual([
      ["PUT", "a b/ü.txt", 200],
      ["GET", "a b/ü.txt", 200],
    ]);
    expect(proxy.calls[1]?.received).toBe(4);
    expect(proxy.calls[0]?.headers).toContain("authorization");
    expect(proxy.actions()).toEqual(["s3:GetObject", "s3:PutObject"]);
  });

  it("refuses what is not permitted, as S3 does, and the server never sees it", async () => {
    await put("kept", "x");
    proxy.permit(({ action }: Permission) => action === "s3:GetObject");
    await expect(put("kept", "y")).rejects.toMatchObject({
      name: "AccessDenied",
      message: expect.stringContaining('s3:PutObject on resource: "arn:aws:s3:::orchard/kept"'),
    });
    // Missing objects are not told from forbidden ones without the right to list.
    const missing = client.send(new GetObjectCommand({ Bucket, Key: "missing" }));
    await expect(missing).rejects.toMatchObject({ name: "AccessDenied" });
    const Delete = { Objects: [{ Key: "kept" }] };
    const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(Errors).toEqual([expect.objectContaining({ Key: "kept", Code: "AccessDenied" })]);
    const { Body } = await server.client.send(new GetObjectCommand({ Bucket, Key: "kept" }));
    expect(await Body?.transformToString()).toBe("x");
  });
});

it("a guarded program ends with the process that started it, even when that is killed", async () => {
  const guard = fileURLToPath(new URL("../support/until-parent-ends.mjs", import.meta.url));
  const guarded = "console.log(process.pid); setInterval(() => {}, 1000)";
  const parent = spawn(
    process.execPath,
    [
      "-e",
      `require("child_process").spawn(process.execPath, ${JSON.stringify([guard, process.execPath, "-e", guarded])}, ` +
        `{ stdio: ["pipe", "inherit", "inherit"] })`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const line = await new Promise<string>((resolve) => parent.stdout.setEncoding("utf8").once("data", resolve));
  expect(line).toMatch(/^\d+\n$/);
  parent.kill("SIGKILL");
  // Guard and guarded program hold the other end of this pipe: it closes when the last of the three has ended.
  await new Promise((resolve) => parent.once("close", resolve));
  expect(() => process.kill(Number(line), 0)).toThrow("ESRCH");
});
