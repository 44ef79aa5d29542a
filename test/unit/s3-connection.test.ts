import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Connection, type Handler } from "../../src-main/storage/s3/connection.js";
import type { S3Options } from "../../src-main/storage/types.js";

const environment = { ...process.env };
let folder: string;

function setEnvironment(values: Record<string, string>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, values);
}

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-s3-connection-"));
  setEnvironment({
    AWS_CONFIG_FILE: path.join(folder, "config"),
    AWS_SHARED_CREDENTIALS_FILE: path.join(folder, "credentials"),
    AWS_EC2_METADATA_DISABLED: "true",
  });
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  setEnvironment({});
  Object.assign(process.env, environment);
});

/** Nothing may be sent to find out where a bucket is. */
const noNetwork = {
  handle: () => Promise.reject(new Error("a request was sent")),
} as unknown as Handler;

const open = (bucket: string, options: S3Options = {}) => Connection.open(bucket, options, noNetwork);

async function address(bucket: string, options: S3Options = {}) {
  const { site } = await open(bucket, options);
  return { origin: site.origin, base: site.base, region: site.signer.region };
}

describe("where a bucket is", () => {
  it("stands in the host name at Amazon", async () => {
    expect(await address("photos", { region: "eu-west-3" })).toEqual({
      origin: "https://photos.s3.eu-west-3.amazonaws.com",
      base: "",
      region: "eu-west-3",
    });
  });

  it("stands in the path where the name cannot be in a certificate, or the option says so", async () => {
    const origin = "https://s3.eu-west-3.amazonaws.com";
    expect(await address("my.photos", { region: "eu-west-3" })).toMatchObject({ origin, base: "/my.photos" });
    expect(await address("photos", { region: "eu-west-3", pathStyle: true })).toMatchObject({
      origin,
      base: "/photos",
    });
  });

  it("stands in the path of an endpoint, given by option or environment", async () => {
    const expected = { origin: "http://localhost:9000", base: "/photos", region: "us-east-1" };
    expect(await address("photos", { endpoint: "http://localhost:9000" })).toEqual(expected);
    process.env.AWS_ENDPOINT_URL = "http://localhost:9000/";
    expect(await address("photos")).toEqual(expected);
    delete process.env.AWS_ENDPOINT_URL;
    expect(await address("photos", { endpoint: "http://localhost:9000", pathStyle: false })).toMatchObject({
      origin: "http://photos.localhost:9000",
      base: "",
    });
  });

  it("stands in the path of a profile's endpoint", async () => {
    writeFileSync(
      path.join(folder, "config"),
      "[profile own]\nendpoint_url = http://localhost:9000\nregion = eu-west-3\n",
    );
    expect(await address("photos", { profile: "own" })).toEqual({
      origin: "http://localhost:9000",
      base: "/photos",
      region: "eu-west-3",
    });
  });

  it("follows the settings of the SDK: region of the environment, FIPS, dual stack", async () => {
    process.env.AWS_REGION = "us-west-2";
    process.env.AWS_USE_FIPS_ENDPOINT = "true";
    process.env.AWS_USE_DUALSTACK_ENDPOINT = "true";
    expect(await address("photos")).toEqual({
      origin: "https://photos.s3-fips.dualstack.us-west-2.amazonaws.com",
      base: "",
      region: "us-west-2",
    });
  });

  it("moves to another region", async () => {
    const moved = await (await open("photos")).inRegion("ap-southeast-2");
    expect(moved.site.origin).toBe("https://photos.s3.ap-southeast-2.amazonaws.com");
    expect(moved.site.signer.region).toBe("ap-southeast-2");
  });

  it.each(["localhost:9000", "ftp://example.org", "not an address"])("refuses the endpoint %j", async (endpoint) => {
    await expect(open("photos", { endpoint })).rejects.toMatchObject({ code: "s3/endpoint" });
  });
});
