/**
 * The smallest server that a job can read photos from: a folder held in memory, answered over bare sockets, so that what
 * it costs is little beside what is measured. It signs nothing and checks no signature; it lists (ListObjectsV2) and
 * answers whole GETs with Content-Length, ETag (MD5) and CRC-32, as S3 does for what Verger uploads.
 *
 *   node bench/lib/photo-server.mjs <folder>      prints its port
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { crc32 } from "node:zlib";

const PAGE_KEYS = 1000;
const END = Buffer.from("\r\n\r\n");
const MODIFIED = new Date("2026-01-01T00:00:00Z");

const folder = process.argv[2];
const objects = new Map();
const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((item) => item.isFile())
  .map((item) => path.relative(folder, path.join(item.parentPath, item.name)).split(path.sep).join("/"))
  .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
for (const name of names) {
  const body = readFileSync(path.join(folder, name));
  const etag = createHash("md5").update(body).digest("hex");
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  const head = Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nETag: "${etag}"\r\nLast-Modified: ${MODIFIED.toUTCString()}\r\n` +
      `x-amz-checksum-crc32: ${sum.toString("base64")}\r\nx-amz-checksum-type: FULL_OBJECT\r\n\r\n`,
  );
  objects.set(name, { answer: Buffer.concat([head, body]), size: body.length, etag });
}

function answer(target) {
  const url = new URL(target, "http://server");
  const [, , ...key] = url.pathname.split("/");
  if (url.searchParams.get("list-type") === "2") return listing(url.searchParams);
  return objects.get(decodeURIComponent(key.join("/")))?.answer ?? reply(404, "<Error><Code>NoSuchKey</Code></Error>");
}

function listing(query) {
  const prefix = query.get("prefix") ?? "";
  const below = names.filter((name) => name.startsWith(prefix));
  // A token is the number of the next key.
  const from = Number(query.get("continuation-token") ?? 0);
  const page = below.slice(from, from + PAGE_KEYS);
  const next = from + page.length;
  const contents = page.map((name) => {
    const { size, etag } = objects.get(name);
    return (
      `<Contents><Key>${encodeURIComponent(name)}</Key><LastModified>${MODIFIED.toISOString()}</LastModified>` +
      `<ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size></Contents>`
    );
  });
  const more = next < below.length;
  return reply(
    200,
    `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>` +
      `${more ? `<NextContinuationToken>${next}</NextContinuationToken>` : ""}${contents.join("")}</ListBucketResult>`,
  );
}

function reply(status, xml) {
  const body = Buffer.from(xml);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} -\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(END); end >= 0; end = rest.indexOf(END)) {
      const line = rest.toString("latin1", 0, rest.indexOf("\r\n"));
      rest = rest.subarray(end + END.length);
      socket.write(answer(line.split(" ")[1]));
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
// Ends with whoever started it.
process.stdin.on("end", () => process.exit(0)).resume();
