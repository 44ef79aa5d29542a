/** What these credentials may do under a prefix, and what the server can, found out by doing a little of it. */
import { randomBytes } from "node:crypto";
import { type Finding, fail, ok, warn } from "../../core/doctor/finding.js";
import type { Check, Diagnosis } from "../../core/doctor/index.js";
import { errorCode, errorMessage, isCancelled, throwIfCancelled, VergerError } from "../../core/errors.js";
import { appVersion } from "../../core/run/version.js";
import { folderPrefix, formatLocation, type S3Location } from "../location.js";
import type { S3Options } from "../types.js";
import { crc32, encodeCrc32 } from "./crc32.js";
import { credentialSource } from "./credential-source.js";
import type { Failure } from "./failure.js";
import { readPage, unquote, wholeCrc32 } from "./objects.js";
import { type Begun, CONTENT, ProbeObject } from "./probe-object.js";
import { Requester } from "./requester.js";
import { explained, FinalFailure } from "./retry.js";
import { TUNING, type Tuning } from "./tuning.js";

/** What a policy would have to allow. */
export interface Permission {
  /** `s3:GetObject` */
  readonly action: string;
  /** `arn:aws:s3:::bucket/prefix/*` */
  readonly resource: string;
}

export interface S3Check extends Check {
  /** What the check needs; absent where no permission is at stake. */
  readonly permission?: Permission;
}

/** The document that `doctor --json s3://...` prints. */
export interface S3Diagnosis extends Diagnosis {
  readonly target: string;
  readonly checks: readonly S3Check[];
  /** What was refused. */
  readonly missing: readonly Permission[];
  /** Null when the address could not be found out. */
  readonly endpoint: string | null;
  readonly region: string | null;
  readonly pathStyle: boolean | null;
  /** Where the credentials come from, in words; null without any. */
  readonly credentials: string | null;
}

/** People wait for the answer: a server that does not answer is told as such soon. */
const PATIENCE: Tuning = {
  ...TUNING,
  attempts: 3,
  backoffCapMs: 1_000,
  retryAfterCapMs: 5_000,
  stallMs: 10_000,
  workMs: 20_000,
  attemptMs: 20_000,
  overallMs: 40_000,
};
/** For taking away what was written, also after Ctrl-C. */
const CLEAN_UP_MS = 10_000;
/** Amazon refuses requests whose time is further off. */
const CLOCK_LIMIT_SECONDS = 15 * 60;
const CLOCK_WARN_SECONDS = 60;
const DENIED = new Set(["AccessDenied", "AllAccessDisabled", "AccountProblem", "UnauthorizedAccess"]);

/**
 * Tries list, get, put, upload in parts and delete with one object of an unguessable name under the prefix. What was
 * written is removed however this ends; where nothing may be removed, nothing is written that would stay.
 *
 * @param readOnly tries only what writes nothing
 * @throws VergerError `s3/endpoint` for an address that cannot be used; `cancelled`; `s3/left-behind` when it was
 *   interrupted and what was written could not be removed
 */
export async function examineS3(
  location: S3Location,
  options: S3Options,
  how: { readonly readOnly?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<S3Diagnosis> {
  const trial = new Trial(location, options, how.signal);
  let broken: unknown;
  try {
    if (await trial.connect()) {
      if (how.readOnly) await trial.read();
      else await trial.write();
    }
    throwIfCancelled(how.signal);
  } catch (error) {
    broken = error;
  }
  const left = await trial.end();
  if (broken !== undefined) throw left ?? broken;
  return trial.diagnosis(left);
}

class Trial {
  private readonly requester: Requester;
  private readonly prefix: string;
  private readonly probe: ProbeObject;
  private etag = "";
  private readonly checks: S3Check[] = [];
  private readonly missing: Permission[] = [];
  private address: { endpoint: string; region: string; pathStyle: boolean } | undefined;
  private source: string | undefined;
  /** A key that stands there already, and may be read. */
  private standing: string | undefined;

  constructor(
    private readonly location: S3Location,
    private readonly options: S3Options,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.requester = new Requester(location.bucket, options, PATIENCE);
    this.prefix = folderPrefix(location.key);
    this.probe = new ProbeObject(this.requester, this.prefix, signal);
  }

  diagnosis(left: VergerError | undefined): S3Diagnosis {
    if (left) this.add("clean-up", "Clean up", fail(left.message, `Remove ${this.probeName()}.`));
    return {
      ok: this.checks.every(({ state }) => state !== "fail"),
      version: appVersion(),
      target: formatLocation(this.location),
      endpoint: this.address?.endpoint ?? null,
      region: this.address?.region ?? null,
      pathStyle: this.address?.pathStyle ?? null,
      credentials: this.source ?? null,
      checks: this.checks,
      missing: this.missing,
    };
  }

  /** Credentials, address, clock and listing. @returns false when nothing else can be tried */
  async connect(): Promise<boolean> {
    let unfound: unknown;
    try {
      await this.describe();
    } catch (error) {
      if (errorCode(error) !== "s3/credentials") throw explained(error);
      unfound = error;
    }
    this.add("endpoint", "Endpoint", ok(this.place()));
    if (unfound) {
      const finding = fail(errorMessage(unfound), "docs/s3.md says where credentials are looked for.");
      this.add("credentials", "Credentials", finding);
      return false;
    }
    this.add("credentials", "Credentials", ok(this.source ?? ""));
    const began = Date.now();
    const permission = this.onBucket("s3:ListBucket");
    try {
      const { headers, body } = await this.probe.send("GET", "", "list", permission.action, {
        query: { "list-type": "2", prefix: this.prefix, "max-keys": "2" },
      });
      this.clock(Date.parse(headers.date ?? ""), began);
      const { objects } = readPage(body.toString());
      this.standing = objects.find(({ size }) => size > 0)?.key ?? objects[0]?.key;
      const asked = this.address?.region;
      await this.describe();
      if (asked !== this.address?.region) {
        const advice = `Give --region ${this.address?.region}: asking in the wrong one first costs time.`;
        this.add("region", "Region", warn(`the bucket is in ${this.address?.region}, not in ${asked}`, advice));
      }
      this.add("list", "List", ok(objects.length > 0 ? "allowed" : "allowed; nothing is there yet"), permission);
      return true;
    } catch (error) {
      throwIfCancelled(this.signal);
      const failure = failureOf(error);
      if (failure && isDenied(failure)) {
        this.clock(failure.serverTimeMs ?? Number.NaN, began);
        this.deny("list", "List", permission, failure);
        return true;
      }
      const sentence = `${errorMessage(explained(error))} [${errorCode(explained(error))}]`;
      this.add("connection", "Connection", fail(sentence, "Nothing else was tried; mend this first."));
      return false;
    }
  }

  /** Tries to read what stands there. */
  async read(): Promise<void> {
    await this.getStanding();
  }

  /** Tries everything, in an order that never leaves something behind. */
  async write(): Promise<void> {
    // Deleting what is not there is answered as deleting what is: the permission is known before anything is written.
    const deletes = await this.attempt("delete", "Delete", this.onKeys("s3:DeleteObject"), async () => {
      await this.probe.delete();
      return ok("allowed");
    });
    if (deletes) await this.writeObject();
    else await this.getStanding();
    const aborts = await this.mayAbort();
    if (aborts) await this.writeParts(deletes);
    this.untried(deletes, aborts);
    await this.attempt("uploads", "List uploads", this.onBucket("s3:ListBucketMultipartUploads"), async () => {
      await this.probe.openUploads(this.signal);
      return ok("allowed");
    });
  }

  /** Removes what was written, whatever has happened. @returns the error where that fails */
  async end(): Promise<VergerError | undefined> {
    try {
      await this.probe.cleanUp(AbortSignal.timeout(CLEAN_UP_MS));
      return undefined;
    } catch (error) {
      return new VergerError(
        "s3/left-behind",
        `Expected to remove ${this.probeName()}, which was written as a trial, but could not (${failureOf(error)?.serverCode || errorMessage(error)}); delete it, and abort uploads to it, by hand.`,
        { cause: error },
      );
    } finally {
      await this.requester.close();
    }
  }

  private probeName(): string {
    return formatLocation({ ...this.location, key: this.probe.key });
  }

  private async describe(): Promise<void> {
    const { origin, region, pathStyle } = await this.requester.address();
    this.address = { endpoint: origin, region, pathStyle };
    const found = await this.requester.control({ verb: "reach", action: "s3:ListBucket" }, this.signal, ({ config }) =>
      config.credentials(),
    );
    // The SDK marks them for its user agent; the type here does not tell.
    const { $source } = found as { $source?: Readonly<Record<string, unknown>> };
    this.source = credentialSource($source, this.options.profile);
  }

  private place(): string {
    if (!this.address) return "";
    const { endpoint, region, pathStyle } = this.address;
    return `${endpoint}, region ${region}, bucket in the ${pathStyle ? "path" : "host name"}`;
  }

  private clock(serverTimeMs: number, began: number): void {
    if (Number.isNaN(serverTimeMs)) return;
    // The server counts whole seconds, somewhere between question and answer.
    const seconds = Math.round((began + Date.now()) / 2000 - (serverTimeMs + 500) / 1000);
    const apart =
      Math.abs(seconds) <= 1
        ? "agrees with the server's"
        : `${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} the server's`;
    const advice = `Set this machine's clock: servers refuse requests that are ${CLOCK_LIMIT_SECONDS / 60} minutes off; Verger corrects for it meanwhile.`;
    this.add("clock", "Clock", Math.abs(seconds) < CLOCK_WARN_SECONDS ? ok(apart) : warn(apart, advice));
  }

  private async getStanding(): Promise<void> {
    const permission = this.onKeys("s3:GetObject");
    const key = this.standing;
    if (key === undefined) {
      this.add(
        "get",
        "Get",
        warn("not tried", "There is no object here to read, and none may be written."),
        permission,
      );
      return;
    }
    await this.attempt("get", "Get", permission, async () => {
      try {
        await this.probe.send("GET", key, "read", "s3:GetObject", { headers: { range: "bytes=0-0" } });
      } catch (error) {
        // An empty object has no first byte; whoever is told so may read it.
        if (failureOf(error)?.status !== 416) throw error;
      }
      return ok("allowed");
    });
  }

  private async writeObject(): Promise<void> {
    const put = await this.attempt("put", "Put", this.onKeys("s3:PutObject"), async () => {
      await this.probe.put(CONTENT);
      return ok("allowed");
    });
    if (!put) {
      await this.getStanding();
      return;
    }
    const get = await this.attempt("get", "Get", this.onKeys("s3:GetObject"), async () => {
      const { headers, body } = await this.probe.send("GET", this.probe.key, "read", "s3:GetObject");
      if (!body.equals(CONTENT)) {
        return fail("other bytes come back than were written", "Do not trust this server with data.");
      }
      this.etag = unquote(headers.etag);
      return ok("allowed");
    });
    await this.attempt("conditions", "Conditions", undefined, () => this.conditions(get));
    await this.attempt("checksums", "Checksums", undefined, () => this.checksums());
  }

  /** If-None-Match on a write (`sync --no-overwrite`, the lock of a run), If-Match on a read (ranges of one version). */
  private async conditions(get: boolean): Promise<Finding> {
    const writes = await this.refusedWith(412, () => this.probe.put(CONTENT, { "if-none-match": "*" }));
    const reads =
      !get ||
      (await this.refusedWith(412, () =>
        this.probe.send("GET", this.probe.key, "read", "s3:GetObject", {
          headers: { "if-match": `"not-${this.etag}"` },
        }),
      ));
    if (writes && reads) return ok(get ? "If-None-Match on writes, If-Match on reads" : "If-None-Match on writes");
    const ignored = [writes ? [] : "If-None-Match on writes", reads ? [] : "If-Match on reads"].flat().join(" and ");
    return warn(
      `the server ignores ${ignored}`,
      "Have one program at a time write here: overwriting cannot be prevented, or a change during a download is seen late.",
    );
  }

  private async checksums(): Promise<Finding> {
    const wrong = encodeCrc32(crc32(CONTENT) ^ 1);
    const verified = await this.refusedWith(400, () => this.probe.put(CONTENT, { "x-amz-checksum-crc32": wrong }));
    return verified
      ? ok("CRC-32 verified by the server")
      : warn("the server does not verify CRC-32", "Verger compares lengths and ETags instead.");
  }

  /** Whether abandoned parts could be removed: an upload that does not exist is told from one that may not be aborted. */
  private mayAbort(): Promise<boolean> {
    return this.attempt("abort", "Abort", this.onKeys("s3:AbortMultipartUpload"), async () => {
      try {
        await this.probe.abort(randomBytes(32).toString("base64url"), this.signal);
      } catch (error) {
        const failure = failureOf(error);
        if (!failure || isDenied(failure) || failure.status < 400 || failure.status >= 500) throw error;
      }
      return ok("allowed");
    });
  }

  private async writeParts(deletes: boolean): Promise<void> {
    let begun: Begun | undefined;
    let etag = "";
    await this.attempt("parts", "Upload in parts", this.onKeys("s3:PutObject"), async () => {
      begun = await this.probe.create();
      etag = await this.probe.part(begun.uploadId);
      return ok("allowed");
    });
    if (!begun || etag === "") return;
    const upload = begun;
    await this.attempt("list-parts", "List parts", this.onKeys("s3:ListMultipartUploadParts"), async () => {
      const count = await this.probe.listParts(upload.uploadId);
      return count === 1
        ? ok("allowed")
        : warn(`${count} parts listed where 1 was sent`, "Uploads begin anew after a crash instead of continuing.");
    });
    // Without the right to delete, a completed object would stay.
    if (deletes) await this.attempt("complete", "Complete", undefined, () => this.complete(upload, etag));
  }

  private async complete(upload: Begun, etag: string): Promise<Finding> {
    await this.probe.complete(upload, etag);
    const kept = await this.wholeChecksum();
    if (kept === undefined) return ok("allowed");
    return kept
      ? ok("allowed, with the CRC-32 of the whole object")
      : warn(
          "the server keeps no CRC-32 of the whole object",
          "Verger verifies each part instead, and downloads of such objects by their length.",
        );
  }

  /** @returns undefined where it may not be read */
  private async wholeChecksum(): Promise<boolean | undefined> {
    try {
      const headers = { "x-amz-checksum-mode": "ENABLED" };
      const answer = await this.probe.send("HEAD", this.probe.key, "read", "s3:GetObject", { headers });
      return wholeCrc32(answer.headers) === crc32(CONTENT);
    } catch (error) {
      const failure = failureOf(error);
      if (failure && isDenied(failure)) return undefined;
      throw error;
    }
  }

  /** What would have left something behind. */
  private untried(deletes: boolean, aborts: boolean): void {
    const needs: readonly (readonly [id: string, title: string, possible: boolean])[] = [
      ["put", "Put", deletes || aborts],
      ["conditions", "Conditions", deletes],
      ["checksums", "Checksums", deletes],
      ["parts", "Upload in parts", aborts],
      ["complete", "Complete", deletes && aborts],
    ];
    const missing = [deletes ? [] : "s3:DeleteObject", aborts ? [] : "s3:AbortMultipartUpload"].flat().join(" and ");
    const finding = warn("not tried", `What it writes could not be removed again: allow ${missing} to have it tried.`);
    for (const [id, title, possible] of needs) if (!possible) this.add(id, title, finding);
  }

  /** True when the request is refused with this status, false when it is carried out. @throws anything else */
  private async refusedWith(status: number, request: () => Promise<unknown>): Promise<boolean> {
    try {
      await request();
      return false;
    } catch (error) {
      if (failureOf(error)?.status === status) return true;
      // A server that does not know the header.
      if (failureOf(error)?.status === 501) return false;
      throw error;
    }
  }

  /** Makes one check. @returns whether it is ok, or ok but for a warning */
  private async attempt(
    id: string,
    title: string,
    permission: Permission | undefined,
    find: () => Promise<Finding>,
  ): Promise<boolean> {
    try {
      const finding = await find();
      this.add(id, title, finding, permission);
      return finding.state !== "fail";
    } catch (error) {
      throwIfCancelled(this.signal);
      if (isCancelled(error)) throw error;
      const failure = failureOf(error);
      if (failure && isDenied(failure) && permission) this.deny(id, title, permission, failure);
      else {
        const cause = explained(error);
        this.add(
          id,
          title,
          fail(`${errorMessage(cause)} [${errorCode(cause)}]`, "docs/errors.md says what the code means."),
          permission,
        );
      }
      return false;
    }
  }

  private deny(id: string, title: string, wanted: Permission, failure: Failure): void {
    // The server may name another one, such as that for the key of an encrypted bucket.
    const named = /not authorized to perform: ([a-z0-9-]+:\w+)(?: on resource: "?(arn:[^"\s]+))?/.exec(failure.message);
    const permission =
      named?.[1] !== undefined && named[1] !== wanted.action
        ? { action: named[1], resource: named[2] ?? wanted.resource }
        : wanted;
    if (
      !this.missing.some(({ action, resource }) => action === permission.action && resource === permission.resource)
    ) {
      this.missing.push(permission);
    }
    const explicit = /explicit deny[^.]*/.exec(failure.message)?.[0];
    const advice = explicit ? `There is an ${explicit}.` : "docs/s3.md has whole policies to copy.";
    this.add(id, title, fail(`denied: needs ${permission.action} on ${permission.resource}`, advice), permission);
  }

  private add(id: string, title: string, finding: Finding, permission?: Permission): void {
    this.checks.push({ id, title, ...finding, ...(permission && { permission }) });
  }

  private onBucket(action: string): Permission {
    return { action, resource: `arn:${this.partition}:s3:::${this.location.bucket}` };
  }

  private onKeys(action: string): Permission {
    return { action, resource: `arn:${this.partition}:s3:::${this.location.bucket}/${this.prefix}*` };
  }

  private get partition(): string {
    const region = this.address?.region ?? "";
    return region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  }
}

function failureOf(error: unknown): Failure | undefined {
  return error instanceof FinalFailure ? error.failure : undefined;
}

/** Wrong credentials are answered with 403 too, and are no matter of policies. */
function isDenied(failure: Failure): boolean {
  return failure.status === 403 && (failure.serverCode === "" || DENIED.has(failure.serverCode));
}
