import { createHash, createHmac as nodeHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, it } from "vitest";
import { EMPTY_SHA256, encodeKey, encodeQuery, Signer, UNSIGNED_PAYLOAD } from "../../src-main/storage/s3/signer.js";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature calculations" */
const CREDENTIALS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const NOON = Date.UTC(2013, 4, 24);
const HOST = "examplebucket.s3.amazonaws.com";

function signature(headers: Record<string, string>): string {
  return /Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? "")?.[1] ?? "";
}

describe("the examples that Amazon publishes", () => {
  const signer = new Signer("us-east-1", "s3");

  it("GET Object", () => {
    const headers = { host: HOST, range: "bytes=0-9" };
    const request = { method: "GET", path: "/test.txt", query: "", headers, payload: EMPTY_SHA256 };
    expect(signature(signer.sign(request, CREDENTIALS, NOON))).toBe(
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
  });

  it("PUT Object", () => {
    const headers = { host: HOST, date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" };
    const payload = createHash("sha256").update("Welcome to Amazon S3.").digest("hex");
    const request = { method: "PUT", path: encodeKey("/test$file.text"), query: "", headers, payload };
    expect(request.path).toBe("/test%24file.text");
    expect(signature(signer.sign(request, CREDENTIALS, NOON))).toBe(
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
  });

  it("GET Bucket Lifecycle", () => {
    const request = { method: "GET", path: "/", query: "lifecycle=", headers: { host: HOST }, payload: EMPTY_SHA256 };
    expect(signature(signer.sign(request, CREDENTIALS, NOON))).toBe(
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
  });

  it("GET Bucket (List Objects)", () => {
    const query = encodeQuery({ prefix: "J", "max-keys": "2" });
    const request = { method: "GET", path: "/", query, headers: { host: HOST }, payload: EMPTY_SHA256 };
    expect(signature(signer.sign(request, CREDENTIALS, NOON))).toBe(
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
  });
});

describe("against the SDK's own signer", () => {
  const KEYS = ["a.jpg", "with space/ü+%&=?#'()*!~.jpg", "日本/🍓", "//double", "trailing/"];
  it.each(KEYS.flatMap((key) => [undefined, "session/token+x=="].map((token) => [key, token] as const)))(
    "signs %j, token %s, alike",
    async (key, sessionToken) => {
      const credentials = { ...CREDENTIALS, ...(sessionToken === undefined ? {} : { sessionToken }) };
      class Sha256 {
        private readonly hash;
        constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
          this.hash =
            secret === undefined
              ? createHash("sha256")
              : createHmac(typeof secret === "string" ? secret : Buffer.from(secret as Uint8Array));
        }
        update(data: string | Uint8Array) {
          this.hash.update(data);
        }
        async digest() {
          return new Uint8Array(this.hash.digest());
        }
      }
      const theirs = new SignatureV4({
        credentials,
        region: "eu-west-3",
        service: "s3",
        sha256: Sha256 as never,
        uriEscapePath: false,
      });
      const milliseconds = Date.UTC(2026, 1, 28, 23, 59, 59, 999);
      const headers = { host: "127.0.0.1:9000", "x-amz-checksum-mode": "ENABLED", "if-match": '"etag"' };
      const query = { "list-type": "2", prefix: key, "start-after": "a b+c" };
      const path = `/bucket/${encodeKey(key)}`;
      const signed = (await theirs.sign(
        {
          method: "GET",
          protocol: "http:",
          hostname: "127.0.0.1",
          port: 9000,
          path,
          query,
          headers: { ...headers, "x-amz-content-sha256": UNSIGNED_PAYLOAD },
        } as never,
        { signingDate: new Date(milliseconds) },
      )) as unknown as { headers: Record<string, string> };
      const ours = new Signer("eu-west-3", "s3").sign(
        { method: "GET", path, query: encodeQuery(query), headers, payload: UNSIGNED_PAYLOAD },
        credentials,
        milliseconds,
      );
      expect(ours.authorization).toBe(signed.headers.authorization);
      expect(ours["x-amz-date"]).toBe(signed.headers["x-amz-date"]);
    },
  );

  function createHmac(secret: string | Buffer) {
    return nodeHmac("sha256", secret);
  }
});

describe("the signing key", () => {
  const request = { method: "GET", path: "/", query: "", headers: { host: HOST }, payload: EMPTY_SHA256 };

  it("is another one on the next day, in another region and for other credentials", () => {
    const signer = new Signer("us-east-1", "s3");
    const day = 86_400_000;
    const first = signature(signer.sign(request, CREDENTIALS, NOON));
    const others = [
      signer.sign(request, CREDENTIALS, NOON + day),
      new Signer("eu-west-3", "s3").sign(request, CREDENTIALS, NOON),
      signer.sign(request, { ...CREDENTIALS, secretAccessKey: "another" }, NOON),
      signer.sign(request, { ...CREDENTIALS, accessKeyId: "ANOTHER" }, NOON + 1000),
    ].map(signature);
    expect(new Set([first, ...others]).size).toBe(5);
    expect(signature(signer.sign(request, CREDENTIALS, NOON))).toBe(first);
  });
});
