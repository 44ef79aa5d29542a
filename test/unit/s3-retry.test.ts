import { describe, expect, it } from "vitest";
import { Failure, isElsewhere, isTransient, parseRetryAfter } from "../../src-main/storage/s3/failure.js";
import { Bandwidth, Limiter } from "../../src-main/storage/s3/limiter.js";
import { ascending, md5OfEtag, readPage, wholeCrc32 } from "../../src-main/storage/s3/objects.js";
import {
  backoff,
  FinalFailure,
  type Mending,
  type RetryContext,
  withRetries,
} from "../../src-main/storage/s3/retry.js";
import { TUNING } from "../../src-main/storage/s3/tuning.js";
import { decodeEntities, readError, readXml } from "../../src-main/storage/s3/xml.js";

const answer = (status: number, serverCode = "", facts = {}) =>
  new Failure("answer", "", { status, serverCode, ...facts });

describe("which failures pass", () => {
  it.each([
    [answer(500), true],
    [answer(501), false],
    [answer(503, "SlowDown"), true],
    [answer(400, "RequestTimeout"), true],
    [answer(400, "BadDigest"), true],
    [answer(400, "InvalidArgument"), false],
    [answer(403, "AccessDenied"), false],
    [answer(404, "NoSuchKey"), false],
    [answer(409, "OperationAborted"), true],
    [answer(412, "PreconditionFailed"), false],
    [new Failure("network", "", { serverCode: "ECONNREFUSED" }), true],
    [new Failure("network", "", { serverCode: "CERT_HAS_EXPIRED" }), false],
    [new Failure("stalled", ""), true],
    [new Failure("damaged", ""), true],
  ])("%o: %s", (failure, passes) => {
    expect(isTransient(failure)).toBe(passes);
  });

  it("tells a redirect by status, code or header", () => {
    expect(isElsewhere(answer(301))).toBe(true);
    expect(isElsewhere(answer(400, "AuthorizationHeaderMalformed"))).toBe(true);
    expect(isElsewhere(answer(400, "", { region: "eu-west-3" }))).toBe(true);
    expect(isElsewhere(answer(400, "InvalidArgument", { region: "eu-west-3" }))).toBe(false);
    expect(isElsewhere(answer(403, "AccessDenied", { region: "eu-west-3" }))).toBe(false);
  });

  it("reads Retry-After in both forms", () => {
    const now = Date.UTC(2026, 0, 1);
    expect(parseRetryAfter("7", now)).toBe(7000);
    expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:09 GMT", now)).toBe(9000);
    expect(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
    for (const text of [undefined, "soon", "-1"]) expect(parseRetryAfter(text, now)).toBeUndefined();
  });
});

describe("back-off", () => {
  it("is exponential with full jitter under a cap", () => {
    const tuning = { ...TUNING, backoffBaseMs: 100, backoffCapMs: 1000 };
    expect([1, 2, 3, 4, 5, 60].map((failed) => backoff(failed, tuning, () => 0.999_999))).toEqual(
      [100, 200, 400, 800, 1000, 1000].map((limit) => expect.closeTo(limit, 1)),
    );
    expect(backoff(5, tuning, () => 0)).toBe(0);
    expect(backoff(5, tuning, () => 0.5)).toBe(500);
  });
});

describe("retries", () => {
  const nothing: Mending = {
    changes: 0,
    refreshCredentials: async () => false,
    correctClock: () => false,
    moveTo: async () => false,
  };
  const context = (more: Partial<RetryContext> = {}): RetryContext => ({
    tuning: { ...TUNING, attempts: 3, backoffBaseMs: 1, backoffCapMs: 1 },
    limiter: new Limiter(4),
    mending: nothing,
    purpose: { verb: "read", bucket: "b", key: "k", action: "s3:GetObject" },
    bytes: 0,
    ...more,
  });

  it("end with the facts and the sentence of the last attempt", async () => {
    const failures = [answer(500), answer(503, "SlowDown"), answer(500, "InternalError")];
    const error: unknown = await withRetries(context(), async (number) => {
      throw failures[number - 1];
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FinalFailure);
    expect((error as FinalFailure).failure).toBe(failures[2]);
    expect((error as FinalFailure).explained).toMatchObject({ code: "s3/unavailable", details: { attempts: 3 } });
  });

  it("mending costs no attempt, and is tried twice at most", async () => {
    let refreshed = 0;
    let attempts = 0;
    const mending = {
      ...nothing,
      refreshCredentials: async () => {
        refreshed += 1;
        return true;
      },
    };
    const error = await withRetries(context({ mending }), async () => {
      attempts += 1;
      throw answer(400, "ExpiredToken");
    }).catch((reason: unknown) => reason);
    expect((error as FinalFailure).explained).toMatchObject({ code: "s3/credentials" });
    expect([refreshed, attempts]).toEqual([2, 3]);
  });

  it("make another attempt when something was mended meanwhile, by whomever", async () => {
    for (const code of ["ExpiredToken", "RequestTimeTooSkewed", "PermanentRedirect"]) {
      const mending = { ...nothing, changes: 0 };
      const result = await withRetries(context({ mending }), async (number) => {
        if (number > 1) return "done";
        // Another request has been refused for the same reason, and was quicker.
        mending.changes += 1;
        throw answer(400, code, { serverTimeMs: 0 });
      });
      expect(result).toBe("done");
    }
  });

  it("ask for credentials after a bare 400, which is all that a HEAD may answer", async () => {
    let refreshed = 0;
    const mending = { ...nothing, refreshCredentials: async () => ++refreshed === 1 };
    const tell = (region?: string) =>
      withRetries(context({ mending }), async (number) => {
        if (number === 1) throw answer(400, "", { region });
        return "done";
      });
    expect(await tell()).toBe("done");
    refreshed = 0;
    expect(await tell("eu-west-3")).toBe("done");
  });

  it("hold no place while they wait", async () => {
    const limiter = new Limiter(1);
    let other = false;
    const first = withRetries(
      context({ limiter, tuning: { ...TUNING, attempts: 2, backoffBaseMs: 50, backoffCapMs: 50 }, random: () => 0.99 }),
      async (number) => {
        if (number === 1) throw answer(500);
        return other;
      },
    );
    await withRetries(context({ limiter }), async () => {
      other = true;
    });
    expect(await first).toBe(true);
  });

  it("pass on what is no failure of a request", async () => {
    const mistake = new TypeError("a mistake");
    await expect(withRetries(context(), () => Promise.reject(mistake))).rejects.toBe(mistake);
  });
});

describe("the limiter", () => {
  it("never lets more through than it allows, in order", async () => {
    const limiter = new Limiter(3);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await limiter.acquire(undefined);
        order.push(index);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        limiter.release();
      }),
    );
    expect(most).toBe(3);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it("narrows when the server asks for less, and widens step by step", () => {
    const limiter = new Limiter(32);
    limiter.throttled();
    limiter.throttled();
    expect(limiter.width).toBe(8);
    for (let count = 0; count < 32; count += 1) limiter.succeeded();
    expect(limiter.width).toBe(10);
    for (let count = 0; count < 10; count += 1) limiter.throttled();
    expect(limiter.width).toBe(1);
    for (let count = 0; count < 10_000; count += 1) limiter.succeeded();
    expect(limiter.width).toBe(32);
  });

  it("frees those who wait when they are cancelled, or when it closes", async () => {
    const limiter = new Limiter(1);
    await limiter.acquire(undefined);
    const stop = new AbortController();
    const cancelled = limiter.acquire(stop.signal);
    const waiting = limiter.acquire(undefined);
    stop.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
    limiter.close();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    await expect(limiter.acquire(undefined)).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("bandwidth", () => {
  it("lets a tenth of a second pass, then makes each taker wait for its debt", () => {
    let now = 0;
    const bucket = new Bandwidth(1000, () => now);
    expect(bucket.take(100)).toBe(0);
    expect(bucket.take(500)).toBe(500);
    expect(bucket.take(500)).toBe(1000);
    now = 1000;
    expect(bucket.take(100)).toBe(100);
    now = 60_000;
    expect(bucket.take(100)).toBe(0);
    expect(bucket.take(1)).toBe(1);
  });
});

describe("XML", () => {
  it("reads elements, text, entities, CDATA, comments and prefixes", () => {
    const values: [string, string][] = [];
    readXml(
      '<?xml version="1.0"?><!-- x --><s3:A xmlns:s3="urn:x" b="c"><B>a &lt;&amp;&gt; &#233;&#x1F353;</B><C/><D><![CDATA[<raw>&amp;]]></D ></s3:A>',
      { open() {}, close: (name, text) => void values.push([name, text]) },
    );
    expect(values).toEqual([
      ["B", "a <&> é🍓"],
      ["C", ""],
      ["D", "<raw>&amp;"],
      ["A", ""],
    ]);
  });

  it.each(["<a>", "<a></b>", "<a", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a>&x;</a>", "<a>& b</a>"])(
    "refuses %s",
    (text) => {
      expect(() => readXml(text, { open() {}, close() {} })).toThrow(SyntaxError);
    },
  );

  it("decodes nothing twice", () => {
    expect(decodeEntities("&amp;lt;")).toBe("&lt;");
  });

  it("finds the error in a body, and none in a proxy's page", () => {
    expect(readError("<Error><Code>SlowDown</Code><Message>Wait</Message></Error>")).toEqual({
      code: "SlowDown",
      message: "Wait",
    });
    expect(readError("<html><body>Bad gateway<br></body></html>")).toEqual({});
  });
});

describe("listings", () => {
  const page = (keys: string[], encoding = "") =>
    readPage(
      `<ListBucketResult>${encoding}<IsTruncated>false</IsTruncated>${keys.map((key) => `<Contents><Key>${key}</Key><Size>3</Size><ETag>"e"</ETag><LastModified>2026-01-02T03:04:05.678Z</LastModified></Contents>`).join("")}</ListBucketResult>`,
    );

  it("decodes keys only where the server says that it encoded them", () => {
    expect(page(["a%20b+c"]).objects[0]?.key).toBe("a%20b+c");
    expect(page(["a%20b+c%2B"], "<EncodingType>url</EncodingType>").objects[0]?.key).toBe("a b c+");
    expect(page(["k"]).objects[0]).toEqual({ key: "k", size: 3, etag: "e", modifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5) });
  });

  it("takes the order of UTF-8 bytes, not of UTF-16 units", () => {
    expect(ascending("b", "", undefined, page(["\uff21", "\u{1f34e}"])).length).toBe(2);
    expect(() => ascending("b", "", undefined, page(["\u{1f34e}", "\uff21"]))).toThrow(/ascending/);
  });

  it("drops what a page repeats of the one before", () => {
    expect(ascending("b", "", "k1", page(["k1", "k2"])).map(({ key }) => key)).toEqual(["k2"]);
    expect(() => ascending("b", "", "k1", page(["k2", "k2"]))).toThrow(/ascending/);
  });
});

describe("checksums that a server reports", () => {
  it("counts a CRC-32 only when it is that of the whole", () => {
    const crc = { "x-amz-checksum-crc32": "y/Q5Jg==" };
    expect(wholeCrc32({ ...crc, etag: '"e"' })).toBe(0xcbf43926);
    expect(wholeCrc32({ ...crc, etag: '"e-3"' })).toBeUndefined();
    expect(wholeCrc32({ ...crc, etag: '"e-3"', "x-amz-checksum-type": "FULL_OBJECT" })).toBe(0xcbf43926);
    expect(wholeCrc32({ ...crc, "x-amz-checksum-type": "COMPOSITE" })).toBeUndefined();
  });

  it("takes an ETag for an MD5 only where it is one", () => {
    const md5 = "d41d8cd98f00b204e9800998ecf8427e";
    expect(md5OfEtag(md5, {})).toBe(md5);
    expect(md5OfEtag(md5, { "x-amz-server-side-encryption": "AES256" })).toBe(md5);
    expect(md5OfEtag(md5, { "x-amz-server-side-encryption": "aws:kms" })).toBeUndefined();
    expect(md5OfEtag(md5, { "x-amz-server-side-encryption-customer-algorithm": "AES256" })).toBeUndefined();
    expect(md5OfEtag(`${md5}-2`, {})).toBeUndefined();
  });
});
