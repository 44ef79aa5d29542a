/**
 * One measurement in a process of its own:
 *
 *   node bench/lib/s3-client.mjs <engine bundle> <endpoint> gets|upload|download ours|sdk <JSON>
 *
 * Prints {"seconds", "cpuSeconds"}: the wall clock of the transfers, with the loading of the SDK; the CPU time of the process.
 */
import { createReadStream } from "node:fs";

const [bundle, endpoint, what, who, json] = process.argv.slice(2);
const { requests, concurrency, file, folder, size, partBytes } = JSON.parse(json);
process.env.AWS_ACCESS_KEY_ID = "bench";
process.env.AWS_SECRET_ACCESS_KEY = "bench";
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const where = { endpoint, region: "us-east-1" };

async function loop(get) {
  let next = 0;
  const worker = async () => {
    while (next < requests) {
      const bytes = await get(`small/${next++}`);
      if (bytes.length !== 64 * 1024) throw new Error(`${bytes.length} bytes`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

const runs = {
  gets: {
    async ours() {
      const { openS3 } = await import(bundle);
      const store = openS3("bucket", { ...where, concurrency });
      await loop(async (key) => (await store.get(key)).bytes);
      await store.close();
    },
    async sdk() {
      const { S3Client, GetObjectCommand } = await import("@aws-sdk/client-s3");
      const client = new S3Client({ ...where, forcePathStyle: true });
      await loop(async (Key) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key }));
        return Body.transformToByteArray();
      });
      client.destroy();
    },
  },
  upload: {
    async ours() {
      const { openS3 } = await import(bundle);
      const store = openS3("bucket", { ...where, partBytes });
      await store.upload(file, "uploaded", { stateFolder: folder });
      await store.close();
    },
    async sdk() {
      const { S3Client } = await import("@aws-sdk/client-s3");
      const { Upload } = await import("@aws-sdk/lib-storage");
      const client = new S3Client({ ...where, forcePathStyle: true });
      const params = { Bucket: "bucket", Key: "uploaded", Body: createReadStream(file) };
      await new Upload({ client, params, partSize: partBytes }).done();
      client.destroy();
    },
  },
  download: {
    async ours() {
      const { openS3 } = await import(bundle);
      const store = openS3("bucket", where);
      await store.download({ key: "large", size, etag: `${"0".repeat(32)}-1`, modifiedMs: 0 }, file);
      await store.close();
    },
  },
};

const began = performance.now();
await runs[what][who]();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 }));
