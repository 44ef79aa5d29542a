/**
 * Where a bucket is and with what credentials it is reached, as the AWS SDK finds it out: environment, profile files,
 * SSO, processes, web identity, instance metadata. The SDK takes 100 ms to load: nothing does so before the first call.
 */
import { isDeepStrictEqual } from "node:util";
import type { HeadBucketCommandOutput, S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { errorMessage, VergerError } from "../../core/errors.js";
import type { S3Options } from "../types.js";
import { type Credentials, Signer } from "./signer.js";

export type Sdk = typeof import("@aws-sdk/client-s3");

/** What a request needs: taken anew for each attempt, since credentials and region may change between two. */
export interface Site {
  /** `https://bucket.s3.eu-west-3.amazonaws.com` */
  readonly origin: string;
  readonly host: string;
  /** Before a key: empty, or `/bucket` with path style. */
  readonly base: string;
  readonly signer: Signer;
}

/** Credentials that expire are asked for anew this long before. */
const EXPIRY_MARGIN_MS = 60_000;
/** Where no region is configured: S3 there answers for every region, and names the right one. */
const FALLBACK_REGION = "us-east-1";

/** Handler that the SDK sends its own requests through. */
export type Handler = NonNullable<S3ClientConfig["requestHandler"]>;

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

let loaded: Promise<Sdk> | undefined;

/** Loads the SDK once. */
export function loadSdk(): Promise<Sdk> {
  // The SDK warns on stderr about Node versions that it will drop one day; ours are pinned together with it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  loaded ??= import("@aws-sdk/client-s3");
  return loaded;
}

/** One bucket's place, with the SDK's client for it. */
export class Connection {
  /** Grows when credentials or clock have become others, and with each region. */
  changes = 0;
  private credentials: Credentials | undefined;
  private expiresMs = Number.POSITIVE_INFINITY;
  private refreshing: Promise<Credentials> | undefined;
  /** What to add to our clock for the server's, milliseconds. */
  private clockOffsetMs = 0;

  private constructor(
    readonly bucket: string,
    readonly sdk: Sdk,
    private readonly configuration: S3ClientConfig,
    readonly client: S3Client,
    readonly site: Site,
    readonly region: string,
  ) {}

  /**
   * @throws VergerError `s3/endpoint` for an endpoint or region that cannot be used
   */
  static async open(
    bucket: string,
    options: S3Options,
    handler: Handler,
    region: string | undefined = options.region,
  ): Promise<Connection> {
    const sdk = await loadSdk();
    const endpoint = options.endpoint ?? (await profileEndpoint(options.profile));
    if (endpoint !== undefined) checkEndpoint(endpoint);
    const configuration: S3ClientConfig & { ignoreCache: boolean } = {
      requestHandler: handler,
      // Attempts are ours to make: retry.ts.
      maxAttempts: 1,
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      // Credential files are read again on each refresh: someone may have signed in meanwhile.
      ignoreCache: true,
      // Otherwise it warns on stderr, for one, when both a profile and keys of the environment are there.
      logger: SILENT,
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(options.pathStyle === undefined ? {} : { forcePathStyle: options.pathStyle }),
    };
    try {
      if (region === undefined) configuration.region = await configuredRegion(sdk, configuration);
      let site = await resolveSite(sdk, configuration, bucket);
      if (options.pathStyle === undefined && (await hasOwnEndpoint(sdk, configuration, bucket, site))) {
        configuration.forcePathStyle = true;
        site = await resolveSite(sdk, configuration, bucket);
      }
      const client = new sdk.S3Client(configuration);
      return new Connection(bucket, sdk, configuration, client, site, site.signer.region);
    } catch (error) {
      if (error instanceof VergerError) throw error;
      throw new VergerError(
        "s3/endpoint",
        `Expected an endpoint and a region to reach s3://${bucket}, but received: ${errorMessage(error)}; correct --endpoint, --region, --profile or the configuration they come from.`,
      );
    }
  }

  /** The same bucket in another region. */
  async inRegion(region: string): Promise<Connection> {
    const configuration = { ...this.configuration, region };
    const site = await resolveSite(this.sdk, configuration, this.bucket);
    const client = new this.sdk.S3Client(configuration);
    const moved = new Connection(this.bucket, this.sdk, configuration, client, site, region);
    moved.changes = this.changes + 1;
    moved.clockOffsetMs = this.clockOffsetMs;
    moved.client.config.systemClockOffset = this.clockOffsetMs;
    return moved;
  }

  /** The server's time as far as it is known, milliseconds since 1970. */
  now(): number {
    return Date.now() + this.clockOffsetMs;
  }

  /** @returns false when the clocks agree: the correction was made already, and did not help */
  correctClock(serverTimeMs: number): boolean {
    const offset = serverTimeMs - Date.now();
    // A Date header counts whole seconds, and the answer took its time.
    if (Math.abs(offset - this.clockOffsetMs) < 2_000) return false;
    this.changes += 1;
    this.clockOffsetMs = offset;
    this.client.config.systemClockOffset = offset;
    return true;
  }

  /**
   * The credentials to sign with.
   *
   * @throws VergerError `s3/credentials` when the chain finds none
   */
  current(): Credentials | Promise<Credentials> {
    if (this.credentials && Date.now() < this.expiresMs - EXPIRY_MARGIN_MS) return this.credentials;
    return this.fetchCredentials(false);
  }

  /** Asks the chain again. @returns false when it has nothing newer */
  async refresh(): Promise<boolean> {
    const { changes, credentials } = this;
    await this.fetchCredentials(true);
    // Before the first request of our own, only the SDK knew any.
    return credentials === undefined || this.changes !== changes;
  }

  /** Many requests that fail together ask once. */
  private fetchCredentials(force: boolean): Promise<Credentials> {
    this.refreshing ??= this.askChain(force).finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async askChain(force: boolean): Promise<Credentials> {
    try {
      const found = await this.client.config.credentials({ forceRefresh: force });
      this.expiresMs = found.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
      const { accessKeyId, secretAccessKey, sessionToken } = found;
      const fresh = { accessKeyId, secretAccessKey, sessionToken };
      if (this.credentials && !isDeepStrictEqual(fresh, this.credentials)) this.changes += 1;
      this.credentials = fresh;
      return fresh;
    } catch (error) {
      throw noCredentials(this.bucket, error, this.configuration.profile);
    }
  }
}

/** @param error of the SDK's chain; its sentences name sources, not secrets */
export function noCredentials(bucket: string, error: unknown, profile?: string): VergerError {
  const said =
    errorMessage(error)
      .split("\n", 1)[0]
      ?.replace(/[.\s]+$/, "") ?? "";
  return new VergerError(
    "s3/credentials",
    `Expected AWS credentials for s3://${bucket}${profile === undefined ? "" : ` from the profile ${profile}`}, but found none that can be used (${said}); sign in, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile with --profile.`,
  );
}

/**
 * `endpoint_url` of a profile that is asked for by name: the SDK looks for it only under AWS_PROFILE. The environment
 * comes first, as it does there.
 */
async function profileEndpoint(profile: string | undefined): Promise<string | undefined> {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
  if (profile === undefined || AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL) return undefined;
  const { loadSharedConfigFiles } = await import("@smithy/core/config");
  const { configFile } = await loadSharedConfigFiles();
  const section = configFile[profile];
  const ofS3 = section?.services === undefined ? undefined : configFile[`services.${section.services}`];
  return ofS3?.["s3.endpoint_url"] ?? section?.endpoint_url;
}

function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return;
  throw new VergerError(
    "s3/endpoint",
    `Expected an endpoint like https://storage.example.org:9000, but received "${endpoint}"; write it with http:// or https://.`,
  );
}

async function configuredRegion(sdk: Sdk, configuration: S3ClientConfig): Promise<string> {
  try {
    return await new sdk.S3Client(configuration).config.region();
  } catch {
    return FALLBACK_REGION;
  }
}

/**
 * Has the SDK build a HeadBucket request and takes its address from it, without sending it: endpoint rules, FIPS, dual
 * stack, access points and configuration files are all in there.
 */
async function resolveSite(sdk: Sdk, configuration: S3ClientConfig, bucket: string): Promise<Site> {
  // Nothing is sent: an address needs no real credentials, and the chain may be slow to find none.
  const client = new sdk.S3Client({ ...configuration, credentials: { accessKeyId: "none", secretAccessKey: "none" } });
  let site: Site | undefined;
  const probe = new sdk.HeadBucketCommand({ Bucket: bucket });
  probe.middlewareStack.add(
    (_next, context) => async (args) => {
      const request = args.request as { protocol: string; hostname: string; port?: number; path: string };
      const endpoint = context.endpointV2 as
        | { properties?: { authSchemes?: { signingRegion?: string; signingName?: string }[] } }
        | undefined;
      const scheme = endpoint?.properties?.authSchemes?.[0];
      const host = request.port === undefined ? request.hostname : `${request.hostname}:${request.port}`;
      site = {
        origin: `${request.protocol}//${host}`,
        host,
        base: request.path === "/" ? "" : request.path.replace(/\/$/, ""),
        signer: new Signer(scheme?.signingRegion ?? (await client.config.region()), scheme?.signingName ?? "s3"),
      };
      const output: HeadBucketCommandOutput = { $metadata: {} };
      return { output, response: {} };
    },
    { step: "build", priority: "low", name: "vergerAddress" },
  );
  await client.send(probe);
  if (!site) throw new Error("the SDK built no request");
  return site;
}

/** True when an endpoint is given, here, in the environment or in a profile: the SDK's own would be another. */
async function hasOwnEndpoint(sdk: Sdk, configuration: S3ClientConfig, bucket: string, site: Site): Promise<boolean> {
  if (configuration.endpoint !== undefined) return true;
  const usual = { ...configuration, ignoreConfiguredEndpointUrls: true };
  return (await resolveSite(sdk, usual, bucket)).origin !== site.origin;
}
