/**
 * A server that lists any number of keys and holds none: answers ListObjectsV2 for every bucket from arithmetic, so that a
 * listing costs the server little and the client what it costs against a real one.
 *
 *   node bench/lib/listing-server.mjs <keys>     prints its address
 */
import { createServer } from "node:http";

const total = Number(process.argv[2]);
const PER_LABEL = 10_000;
const PAGE = 1000;
const PREFIX = "photos/";
const MODIFIED = "2024-05-01T10:00:00.000Z";

const digits = (value, length) => String(value).padStart(length, "0");
const keyOf = (index) => `${PREFIX}Label ${digits(Math.floor(index / PER_LABEL), 5)}/photo_${digits(index, 9)}_100.jpg`;
/** Thirty-two digits that differ from key to key. */
const etagOf = (index) => (Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0").repeat(4);

function page(bucket, from) {
  const to = Math.min(total, from + PAGE);
  let contents = "";
  for (let index = from; index < to; index += 1) {
    contents +=
      `<Contents><Key>${encodeURIComponent(keyOf(index)).replaceAll("%2F", "/")}</Key><LastModified>${MODIFIED}</LastModified>` +
      `<ETag>&quot;${etagOf(index)}&quot;</ETag><Size>${4000 + (index % 3000)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  }
  const more = to < total;
  return (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>${bucket}</Name><Prefix>${PREFIX}</Prefix><MaxKeys>${PAGE}</MaxKeys><EncodingType>url</EncodingType>` +
    `<KeyCount>${to - from}</KeyCount><IsTruncated>${more}</IsTruncated>` +
    (more ? `<NextContinuationToken>${to}</NextContinuationToken>` : "") +
    `${contents}</ListBucketResult>`
  );
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (request.method !== "GET" || url.searchParams.get("list-type") !== "2") {
    response.writeHead(501).end();
    return;
  }
  const body = page(url.pathname.split("/")[1], Number(url.searchParams.get("continuation-token") ?? 0));
  response.writeHead(200, { "content-type": "application/xml", "content-length": Buffer.byteLength(body) }).end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.once("disconnect", () => process.exit());
