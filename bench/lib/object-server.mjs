/**
 * An S3 server that does as little as it can, so that its clients are what is measured: objects are made of one block
 * in memory, what is sent is counted and forgotten, signatures are not looked at.
 *
 *   node bench/lib/object-server.mjs <bytes of the object "large">
 *
 * Prints its port. Keys that begin with `small/` have 64 KiB.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { crc32 } from "node:zlib";

const SMALL = 64 * 1024;
const BLOCK = randomBytes(16 * 1024 * 1024);
const PIECE = 1024 * 1024;
const largeBytes = Number(process.argv[2]);

function checksum(bytes) {
  let crc = 0;
  for (let at = 0; at < bytes; at += BLOCK.length) {
    crc = crc32(BLOCK.subarray(0, Math.min(BLOCK.length, bytes - at)), crc);
  }
  const text = Buffer.alloc(4);
  text.writeUInt32BE(crc);
  return text.toString("base64");
}

const sums = { small: checksum(SMALL), large: checksum(largeBytes) };
/** What clients have written: key to length and checksum. */
const written = new Map();
const uploads = new Map();

async function send(request, response, key) {
  const own = written.get(key);
  const size = own?.size ?? (key.startsWith("small/") ? SMALL : largeBytes);
  const headers = {
    etag: '"00000000000000000000000000000000-1"',
    "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    "content-length": size,
  };
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const first = range ? Number(range[1]) : 0;
  const end = range ? Number(range[2]) + 1 : size;
  if (range) {
    headers["content-range"] = `bytes ${first}-${end - 1}/${size}`;
    headers["content-length"] = end - first;
  } else if (request.headers["x-amz-checksum-mode"] === "ENABLED") {
    headers["x-amz-checksum-crc32"] = own?.sum ?? (key.startsWith("small/") ? sums.small : sums.large);
    headers["x-amz-checksum-type"] = "FULL_OBJECT";
  }
  response.writeHead(range ? 206 : 200, headers);
  if (request.method === "HEAD") return response.end();
  for (let at = first; at < end; ) {
    const from = at % BLOCK.length;
    const piece = BLOCK.subarray(from, Math.min(from + PIECE, BLOCK.length, from + end - at));
    at += piece.length;
    if (!response.write(piece) && at < end) {
      const going = await new Promise((resolve) => {
        const settle = () => {
          response.off("drain", settle).off("close", settle);
          resolve(!response.destroyed);
        };
        response.on("drain", settle).on("close", settle);
      });
      if (!going) return undefined;
    }
  }
  return response.end();
}

function xml(response, text, headers = {}) {
  response.writeHead(200, { "content-type": "application/xml", ...headers });
  response.end(text);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://server");
  const key = url.pathname.split("/").slice(2).join("/");
  if (request.method === "GET" || request.method === "HEAD") {
    void send(request, response, key);
    return;
  }
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
  });
  request.on("end", () => {
    const id = url.searchParams.get("uploadId");
    const sum = request.headers["x-amz-checksum-crc32"];
    if (request.method === "POST" && url.searchParams.has("uploads")) {
      const upload = `upload-${uploads.size}`;
      uploads.set(upload, 0);
      xml(response, `<InitiateMultipartUploadResult><UploadId>${upload}</UploadId></InitiateMultipartUploadResult>`, {
        "x-amz-checksum-algorithm": "CRC32",
        "x-amz-checksum-type": "FULL_OBJECT",
      });
    } else if (request.method === "POST") {
      written.set(key, { size: uploads.get(id), sum });
      xml(response, '<CompleteMultipartUploadResult><ETag>"0-1"</ETag></CompleteMultipartUploadResult>');
    } else if (request.method === "PUT") {
      if (id) uploads.set(id, uploads.get(id) + size);
      else written.set(key, { size, sum });
      const headers = { etag: '"0-1"', ...(sum ? { "x-amz-checksum-crc32": sum } : {}) };
      response.writeHead(200, headers).end();
    } else response.writeHead(204).end();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
