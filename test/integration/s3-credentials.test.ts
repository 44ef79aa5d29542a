/** Credentials come from the SDK's chain, and appear in nothing that Verger prints or writes. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { S3Diagnosis } from "../../src-main/storage/s3/doctor.js";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.js";
import { type CliResult, cli, cliFailure, cliJson } from "../support/run-cli.js";
import { noAwsSettings, type S3Server, startMoto, startVersity } from "../support/s3-servers.js";

const BUCKET = "orchard";
const ROOT = `s3://${BUCKET}`;
/** Long enough that none turns up by chance, and with the characters that encodings change. */
const PLANTED = {
  key: "AKIAPLANTEDINTHEORCHARD",
  secret: "plantedSecret/under+the/third0tree=of3the4row",
  token: "plantedToken//IQoJb3JpZ2luX2VjEHcaCWV1LXdlc3QtMyJ+/=",
};

const work = mkdtempSync(path.join(tmpdir(), "verger-credentials-"));
const photos = path.join(work, "photos");
/** What the test itself writes secrets into. */
const keys = path.join(work, "keys");
let versity: S3Server;
let moto: S3Server;
let proxy: RecordingProxy;
let counter = 0;

beforeAll(async () => {
  mkdirSync(keys);
  [versity, moto] = await Promise.all([startVersity(), startMoto()]);
  await Promise.all([versity.createBucket(BUCKET), moto.createBucket(BUCKET)]);
  proxy = await startRecordingProxy(versity.endpoint);
  await cliJson(["sample", photos, "--images", "20", "--labels", "4"]);
});
beforeEach(() => {
  proxy.permit(undefined);
  proxy.answer(undefined);
  proxy.clear();
});
afterAll(async () => {
  await proxy?.stop();
  await Promise.all([versity?.stop(), moto?.stop()]);
  rmSync(work, { recursive: true, force: true });
});

/** Every spelling in which a secret could stand somewhere. */
function spellings(secret: string): readonly string[] {
  const quoted = JSON.stringify(secret).slice(1, -1);
  return [secret, quoted, encodeURIComponent(secret), Buffer.from(secret).toString("base64").replace(/=+$/, "")];
}

const SECRETS = (): readonly string[] =>
  [PLANTED.key, PLANTED.secret, PLANTED.token, versity.accessKey, versity.secretKey].flatMap(spellings);

/** What of the secrets, or of a signature made with them, stands in a text. */
function leaks(text: string): readonly string[] {
  return [...SECRETS(), "AWS4-HMAC-SHA256", "X-Amz-Signature", "x-amz-security-token"].filter((one) =>
    text.includes(one),
  );
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile());
}

/** Fails when anything that was printed, or any file that Verger wrote here or into the bucket, holds a secret. */
function expectNoLeak(results: readonly CliResult[], folders: readonly string[]): void {
  for (const { stdout, stderr } of results) expect(leaks(stdout + stderr), stdout + stderr).toEqual([]);
  for (const file of folders.flatMap(filesBelow)) {
    expect(leaks(readFileSync(file, "latin1")), file).toEqual([]);
    expect(leaks(path.basename(file))).toEqual([]);
  }
}

/** A machine with nothing of AWS on it but what `settings` say. */
function machine(settings: Readonly<Record<string, string>>): { home: string; env: Record<string, string> } {
  counter += 1;
  const home = path.join(work, `home-${counter}`);
  mkdirSync(path.join(home, "tmp"), { recursive: true });
  const env = {
    ...noAwsSettings(),
    HOME: home,
    VERGER_HOME: path.join(home, "verger"),
    TMPDIR: path.join(home, "tmp"),
  };
  return { home, env: { ...env, VERGER_DEBUG: "1", ...settings } };
}

/** Writes the two profile files. @returns the environment that points to them */
function profiles(config: string, credentials = ""): Record<string, string> {
  counter += 1;
  const files = { AWS_CONFIG_FILE: `config-${counter}`, AWS_SHARED_CREDENTIALS_FILE: `credentials-${counter}` };
  writeFileSync(path.join(keys, files.AWS_CONFIG_FILE), config);
  writeFileSync(path.join(keys, files.AWS_SHARED_CREDENTIALS_FILE), credentials);
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, path.join(keys, file)]));
}

/** A credential_process that answers with the n-th of these keys when it is called for the n-th time, then the last. */
function credentialProcess(...answers: readonly { key: string; secret: string; token?: string }[]): string {
  counter += 1;
  const count = path.join(keys, `count-${counter}`);
  const program = path.join(keys, `process-${counter}.mjs`);
  const documents = answers.map(({ key, secret, token }) => ({
    Version: 1,
    AccessKeyId: key,
    SecretAccessKey: secret,
    ...(token === undefined ? {} : { SessionToken: token }),
    Expiration: new Date(Date.now() + 3_600_000).toISOString(),
  }));
  writeFileSync(
    program,
    `import { appendFileSync, readFileSync } from "node:fs";
appendFileSync(${JSON.stringify(count)}, ".");
const answers = ${JSON.stringify(documents)};
const calls = readFileSync(${JSON.stringify(count)}, "utf8").length;
console.log(JSON.stringify(answers[Math.min(calls, answers.length) - 1]));
`,
  );
  chmodSync(program, 0o700);
  return `"${process.execPath}" "${program}"`;
}

const refusing =
  (code: string, status: number, extra = "") =>
  () => ({ status, code, message: "The provided credentials are of no use.", extra });

describe("no secret is printed or written", () => {
  it("by work that succeeds, with keys and a session token from the environment", async () => {
    const { home, env } = machine({
      AWS_ACCESS_KEY_ID: PLANTED.key,
      AWS_SECRET_ACCESS_KEY: PLANTED.secret,
      AWS_SESSION_TOKEN: PLANTED.token,
      AWS_REGION: moto.region,
      AWS_ENDPOINT_URL_S3: moto.endpoint,
    });
    const results: CliResult[] = [];
    for (const args of [
      ["sync", photos, `${ROOT}/photos`],
      ["run", `${ROOT}/photos`, "--out", `${ROOT}/runs/first`],
      ["run", `${ROOT}/photos`, "--out", path.join(home, "run")],
      ["inspect", `${ROOT}/runs/first`],
      ["doctor", `${ROOT}/photos`],
      ["sync", ROOT, path.join(home, "everything")],
    ]) {
      for (const json of [["--json"], []]) {
        const result = await cli([...args, ...json], { env });
        expect(result.code, result.stderr).toBe(0);
        results.push(result);
      }
    }
    expect(filesBelow(home).some((file) => file.endsWith("run.json"))).toBe(true);
    expectNoLeak(results, [home]);
  });

  it("by work that succeeds, with a profile of the credentials file", async () => {
    const files = profiles(
      `[profile planted]\nregion = ${versity.region}\nendpoint_url = ${versity.endpoint}\n`,
      `[planted]\naws_access_key_id = ${versity.accessKey}\naws_secret_access_key = ${versity.secretKey}\n`,
    );
    const { home, env } = machine(files);
    const results: CliResult[] = [];
    for (const args of [
      ["sync", photos, `${ROOT}/photos`],
      ["run", `${ROOT}/photos`, "--out", `${ROOT}/runs/first`],
    ]) {
      results.push(await cli([...args, "--profile", "planted", "--json"], { env }));
    }
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expectNoLeak(results, [home, versity.folder ?? ""]);
    const { credentials } = await cliJson<S3Diagnosis>(["doctor", `${ROOT}/photos`, "--profile", "planted"], 0, {
      env,
    });
    expect(credentials).toBe("profile planted");
  });

  it.each([
    [
      "keys that the server does not know",
      "s3/credentials",
      refusing("InvalidAccessKeyId", 403, `<AWSAccessKeyId>${PLANTED.key}</AWSAccessKeyId>`),
    ],
    [
      "a wrong secret",
      "s3/credentials",
      refusing(
        "SignatureDoesNotMatch",
        403,
        `<AWSAccessKeyId>${PLANTED.key}</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256</StringToSign>`,
      ),
    ],
    ["an expired token", "s3/credentials", refusing("ExpiredToken", 400, `<Token-0>${PLANTED.token}</Token-0>`)],
    ["a denied action", "s3/access-denied", refusing("AccessDenied", 403)],
    ["a request that is refused", "s3/refused", refusing("InvalidRequest", 400, `<Token-0>${PLANTED.token}</Token-0>`)],
  ])("by work that fails for %s", async (_, code, reply) => {
    proxy.answer(reply);
    const { home, env } = machine({
      AWS_ACCESS_KEY_ID: PLANTED.key,
      AWS_SECRET_ACCESS_KEY: PLANTED.secret,
      AWS_SESSION_TOKEN: PLANTED.token,
      AWS_REGION: versity.region,
      AWS_ENDPOINT_URL_S3: proxy.endpoint,
    });
    const results: CliResult[] = [];
    for (const args of [
      ["sync", photos, `${ROOT}/refused`],
      ["run", `${ROOT}/refused`, "--out", path.join(home, "run")],
      ["run", photos, "--out", `${ROOT}/refused/run`],
      ["inspect", `${ROOT}/refused/run`],
    ]) {
      const result = await cli([...args, "--json"], { env });
      const { error } = JSON.parse(result.stdout) as { error?: { code: string } };
      expect(error?.code, result.stdout + result.stderr).toBe(code);
      results.push(result);
    }
    results.push(await cli(["doctor", ROOT], { env }));
    expectNoLeak(results, [home]);
  });

  it("by work that fails because the real server refuses the signature, or is not there", async () => {
    const wrong = {
      AWS_ACCESS_KEY_ID: versity.accessKey,
      AWS_SECRET_ACCESS_KEY: PLANTED.secret,
      AWS_REGION: versity.region,
    };
    const results: CliResult[] = [];
    const refused = machine({ ...wrong, AWS_ENDPOINT_URL_S3: versity.endpoint });
    results.push(await cli(["sync", photos, `${ROOT}/wrong`, "--json"], { env: refused.env }));
    expect(results[0]?.stdout).toContain('"s3/credentials"');
    const absent = machine({ ...wrong, AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" });
    results.push(await cli(["doctor", `${ROOT}/wrong`], { env: absent.env }));
    expect(results[1]?.code).toBe(1);
    expectNoLeak(results, [refused.home, absent.home]);
  });

  it("when an --endpoint holds one", async () => {
    const { env } = machine({});
    const error = await cliFailure(["doctor", ROOT, "--endpoint", `http://u:${PLANTED.key}@127.0.0.1:9`], 2, {
      env: { ...env, VERGER_DEBUG: "0" },
    });
    expect(error.code).toBe("usage/invalid-value");
    expect(leaks(JSON.stringify(error))).toEqual([]);
  });

  it("and this test would see one", () => {
    for (const secret of [PLANTED.secret, PLANTED.token]) {
      expect(leaks(`x ${encodeURIComponent(secret)}`)).not.toEqual([]);
      expect(leaks(`{"a":${JSON.stringify(secret)}}`)).not.toEqual([]);
      expect(leaks(Buffer.from(secret).toString("base64"))).not.toEqual([]);
    }
    const file = path.join(work, "planted", "run.json");
    mkdirSync(path.dirname(file));
    writeFileSync(file, PLANTED.key);
    expect(() => expectNoLeak([], [path.dirname(file)])).toThrow();
  });
});

describe("the chain", () => {
  const place = `${ROOT}/chain`;

  it("runs a profile's credential_process", async () => {
    const command = credentialProcess({ key: versity.accessKey, secret: versity.secretKey });
    const files = profiles(`[profile tree]\nregion = ${versity.region}\ncredential_process = ${command}\n`);
    // A profile that is asked for comes before the keys of the environment, without a word about it.
    const others = { AWS_ACCESS_KEY_ID: PLANTED.key, AWS_SECRET_ACCESS_KEY: PLANTED.secret };
    const { home, env } = machine({ ...files, ...others, AWS_ENDPOINT_URL_S3: versity.endpoint });
    const result = await cli(["doctor", place, "--profile", "tree", "--json"], { env });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect((JSON.parse(result.stdout) as S3Diagnosis).credentials).toBe("credential_process of profile tree");
    expectNoLeak([result], [home]);
  });

  it("is asked again when credentials expire in the middle of the work", async () => {
    const command = credentialProcess(
      { key: PLANTED.key, secret: PLANTED.secret, token: PLANTED.token },
      { key: versity.accessKey, secret: versity.secretKey },
    );
    const files = profiles(`[default]\nregion = ${versity.region}\ncredential_process = ${command}\n`);
    const { home, env } = machine({ ...files, AWS_ENDPOINT_URL_S3: proxy.endpoint });
    const signers = new Set<string>();
    proxy.answer((_, accessKey) => {
      signers.add(accessKey);
      return accessKey === PLANTED.key ? refusing("ExpiredToken", 400)() : undefined;
    });
    const result = await cli(["sync", photos, `${place}/expired`, "--json"], { env });
    expect(result.code, result.stderr).toBe(0);
    expect([...signers]).toEqual([PLANTED.key, versity.accessKey]);
    expectNoLeak([result], [home]);
  });

  it("ends with one sentence when it has nothing", async () => {
    const { env } = machine({ AWS_REGION: versity.region, AWS_ENDPOINT_URL_S3: versity.endpoint, VERGER_DEBUG: "0" });
    for (const args of [
      ["sync", photos, place],
      ["run", `${ROOT}/photos`, "--out", path.join(work, "never")],
      ["run", photos, "--out", place],
      ["inspect", place],
    ]) {
      const { code, message } = await cliFailure(args, 1, { env });
      expect(code).toBe("s3/credentials");
      expect(message).toContain("--profile");
    }
    const unknown = await cliFailure(["sync", photos, place, "--profile", "nobody"], 1, { env });
    expect(unknown.code).toBe("s3/credentials");
    expect(unknown.message).toContain("nobody");
  });
});

describe("region, endpoint and path style", () => {
  const keysOf = () => ({ AWS_ACCESS_KEY_ID: versity.accessKey, AWS_SECRET_ACCESS_KEY: versity.secretKey });
  const examined = async (args: readonly string[], settings: Record<string, string>) => {
    const { stdout } = await cli(["doctor", ROOT, "--read-only", "--json", ...args], { env: machine(settings).env });
    return JSON.parse(stdout) as S3Diagnosis;
  };

  it("are taken from options before the environment, and from there before a profile", async () => {
    const files = profiles("[default]\nregion = eu-north-1\nendpoint_url = http://127.0.0.1:7\n");
    const profile = { ...keysOf(), ...files };
    expect(await examined([], profile)).toMatchObject({ endpoint: "http://127.0.0.1:7", region: "eu-north-1" });
    const environment = { ...profile, AWS_REGION: "eu-west-3", AWS_ENDPOINT_URL_S3: "http://127.0.0.1:8" };
    expect(await examined([], environment)).toMatchObject({ endpoint: "http://127.0.0.1:8", region: "eu-west-3" });
    const options = ["--endpoint", versity.endpoint, "--region", versity.region];
    expect(await examined(options, environment)).toMatchObject({
      ok: true,
      endpoint: versity.endpoint,
      region: versity.region,
      pathStyle: true,
    });
  });

  it("put the bucket where they say", async () => {
    const settings = { ...keysOf(), AWS_REGION: versity.region };
    const { port } = new URL(versity.endpoint);
    const endpoint = `http://localhost:${port}`;
    expect(await examined(["--endpoint", endpoint], settings)).toMatchObject({ ok: true, pathStyle: true, endpoint });
    expect(await examined(["--endpoint", endpoint, "--no-path-style"], settings)).toMatchObject({
      pathStyle: false,
      endpoint: `http://${BUCKET}.localhost:${port}`,
    });
  });

  it("follow the server to the region that it names", async () => {
    const diagnosis = await examined(["--endpoint", versity.endpoint, "--region", "eu-west-3"], keysOf());
    expect(diagnosis).toMatchObject({ ok: true, region: versity.region });
    expect(diagnosis.checks.find(({ id }) => id === "region")).toMatchObject({
      state: "warn",
      found: `the bucket is in ${versity.region}, not in eu-west-3`,
    });
  });
});
