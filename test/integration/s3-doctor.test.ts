/** `verger doctor s3://...` before real servers, with every permission it tries withheld in turn. */
import { setTimeout } from "node:timers/promises";
import { ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { S3Diagnosis } from "../../src-main/storage/s3/doctor.js";
import { startHoldingProxy } from "../support/holding-proxy.js";
import type { Permission } from "../support/iam.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { CliProcess, cli, cliFailure, cliJson } from "../support/run-cli.js";
import { noAwsSettings, type S3Server, s3Servers } from "../support/s3-servers.js";

const BUCKET = "orchard";
const PLACE = `s3://${BUCKET}/photos`;
const KEYS = `arn:aws:s3:::${BUCKET}/photos/*`;
const WHOLE = `arn:aws:s3:::${BUCKET}`;

describe.each(s3Servers)("before $name", ({ name, start }) => {
  let server: S3Server;
  let proxy: RecordingProxy;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await start();
    await server.createBucket(BUCKET);
    proxy = await startRecordingProxy(server.endpoint);
    env = { ...server.env, AWS_ENDPOINT_URL_S3: proxy.endpoint };
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: "photos/Apple/1.jpg", Body: "jpeg" }));
  });
  beforeEach(() => {
    proxy.permit(undefined);
    proxy.shiftClock(0);
    proxy.clear();
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const refuse = (...actions: string[]) => proxy.permit(({ action }: Permission) => !actions.includes(action));
  const states = ({ checks }: S3Diagnosis) => Object.fromEntries(checks.map(({ id, state }) => [id, state]));
  const writes = () => proxy.calls.filter(({ method }) => method === "PUT" || method === "POST");

  /** Everything that stands in the bucket, open uploads included. */
  async function standing(): Promise<readonly string[]> {
    const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    return [...Contents, ...Uploads].map(({ Key }) => Key ?? "");
  }

  it("finds everything allowed and leaves nothing", async () => {
    const diagnosis = await cliJson<S3Diagnosis>(["doctor", PLACE], 0, { env });
    expect(diagnosis).toMatchObject({
      ok: true,
      target: PLACE,
      endpoint: proxy.endpoint,
      region: server.region,
      pathStyle: true,
      credentials: "environment variables",
      missing: [],
    });
    // moto stores whatever checksum it is told.
    expect(states(diagnosis)).toEqual({
      ...Object.fromEntries(
        "endpoint credentials clock list delete put get conditions parts list-parts complete abort uploads"
          .split(" ")
          .map((id) => [id, "ok"]),
      ),
      checksums: name === "moto" ? "warn" : "ok",
    });
    expect(await standing()).toEqual(["photos/Apple/1.jpg"]);
  });

  it.each([
    ["s3:ListBucket", WHOLE, "list"],
    ["s3:GetObject", KEYS, "get"],
    ["s3:PutObject", KEYS, "put"],
    ["s3:ListMultipartUploadParts", KEYS, "list-parts"],
    ["s3:ListBucketMultipartUploads", WHOLE, "uploads"],
    ["s3:DeleteObject", KEYS, "delete"],
    ["s3:AbortMultipartUpload", KEYS, "abort"],
  ])("says that %s is missing", async (action, resource, id) => {
    refuse(action);
    const diagnosis = await cliJson<S3Diagnosis>(["doctor", PLACE], 1, { env });
    expect(diagnosis.missing).toEqual([{ action, resource }]);
    const failed = diagnosis.checks.filter(({ state }) => state === "fail").map((check) => check.id);
    expect(failed).toEqual(action === "s3:PutObject" ? ["put", "parts"] : [id]);
    expect(await standing()).toEqual(["photos/Apple/1.jpg"]);
  });

  it("prints the missing permissions for people", async () => {
    refuse("s3:PutObject", "s3:DeleteObject");
    const { code, stdout } = await cli(["doctor", PLACE], { env });
    expect(code).toBe(1);
    expect(stdout).toContain(`These credentials lack:\n  s3:DeleteObject on ${KEYS}\n  s3:PutObject on ${KEYS}`);
  });

  it("writes no object that it may not delete, and begins no upload that it may not abort", async () => {
    refuse("s3:DeleteObject");
    const parts = await cliJson<S3Diagnosis>(["doctor", PLACE], 1, { env });
    expect(states(parts)).toMatchObject({ get: "ok", parts: "ok", "list-parts": "ok", complete: "warn" });
    expect(writes().every(({ query }) => query.has("uploads") || query.has("uploadId"))).toBe(true);
    expect(await standing()).toEqual(["photos/Apple/1.jpg"]);

    proxy.clear();
    refuse("s3:DeleteObject", "s3:AbortMultipartUpload");
    const nothing = await cliJson<S3Diagnosis>(["doctor", PLACE], 1, { env });
    expect(states(nothing)).toMatchObject({ put: "warn", get: "ok" });
    expect(writes()).toEqual([]);
  });

  it("tries with --read-only nothing that writes", async () => {
    proxy.permit(({ action }) => action === "s3:ListBucket" || action === "s3:GetObject");
    const diagnosis = await cliJson<S3Diagnosis>(["doctor", PLACE, "--read-only"], 0, { env });
    expect(states(diagnosis)).toEqual({ endpoint: "ok", credentials: "ok", clock: "ok", list: "ok", get: "ok" });
    expect(proxy.calls.map(({ method }) => method)).toEqual(["GET", "GET"]);
  });

  it("measures the clock", async () => {
    proxy.shiftClock(200);
    const diagnosis = await cliJson<S3Diagnosis>(["doctor", PLACE, "--read-only"], 0, { env });
    const clock = diagnosis.checks.find(({ id }) => id === "clock");
    expect(clock).toMatchObject({ state: "warn", found: expect.stringMatching(/^(199|200|201) s behind/) });
  });

  it("ends with one sentence where nothing can be tried", async () => {
    const missing = await cliJson<S3Diagnosis>(["doctor", "s3://no-such-orchard"], 1, { env });
    expect(missing.checks.at(-1)).toMatchObject({ id: "connection", found: expect.stringContaining("[s3/no-bucket]") });
    const nowhere = { ...env, AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" };
    const refused = await cliJson<S3Diagnosis>(["doctor", PLACE], 1, { env: nowhere });
    expect(refused.checks.at(-1)?.found).toContain("[s3/unreachable]");
    const without = { ...noAwsSettings(), AWS_ENDPOINT_URL_S3: server.endpoint, AWS_REGION: server.region };
    const strangers = await cliJson<S3Diagnosis>(["doctor", PLACE], 1, { env: without });
    expect(strangers.checks.at(-1)).toMatchObject({ id: "credentials", state: "fail" });
    expect(strangers.credentials).toBeNull();
  });

  it("removes what it wrote when it is interrupted", async () => {
    let interrupted = 0;
    // After the listing, the delete, and each of what follows.
    for (let calls = 2; calls <= 14; calls += 2) {
      proxy.clear();
      const doctor = new CliProcess(["doctor", PLACE], { env });
      await doctor.until(() => proxy.calls.length >= calls);
      doctor.kill("SIGINT");
      const { code, stderr } = await doctor.ended;
      if (code === 130) interrupted++;
      else expect(code, stderr).toBe(0);
      expect(await standing()).toEqual(["photos/Apple/1.jpg"]);
    }
    expect(interrupted).toBeGreaterThan(0);
  });

  it("removes also what the server writes only after the interrupt", async () => {
    let doctor: CliProcess | undefined;
    let held = 0;
    // A server that is slow with a request carries it out although nobody waits for its answer.
    const slow = await startHoldingProxy(
      server.endpoint,
      (method, path) => method === "PUT" && path.includes(".verger-doctor-"),
      async () => {
        held++;
        doctor?.kill("SIGINT");
        await setTimeout(300);
      },
    );
    try {
      doctor = new CliProcess(["doctor", PLACE], { env: { ...env, AWS_ENDPOINT_URL_S3: slow.endpoint } });
      const { code, stderr } = await doctor.ended;
      expect(code, stderr).toBe(130);
      expect(held).toBe(1);
      // Until the server has carried out what it held, should nobody have waited for it.
      await setTimeout(600);
    } finally {
      await slow.stop();
    }
    expect(await standing()).toEqual(["photos/Apple/1.jpg"]);
  });
});

it("refuses what is no address", async () => {
  expect((await cliFailure(["doctor", "s3:///photos"])).code).toBe("s3/url");
  expect((await cliFailure(["doctor", "photos", "--read-only"], 2)).code).toBe("usage/conflict");
  expect((await cliFailure(["doctor", "photos", "--region", "eu-west-3"], 2)).code).toBe("usage/conflict");
});
