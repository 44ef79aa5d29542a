/** Sources in S3: listing, and photos from the socket, or from the cache, to the decoder. */
import { errorCode, errorMessage, VergerError } from "../../core/errors.js";
import type { Notice } from "../../core/notices.js";
import type { RemoteImage, RemoteObject, RemoteSources, UnreadableImage } from "../../core/remote.js";
import type { PhotoCache, PhotoId } from "../cache/photo-cache.js";
import { isS3Url, parseLocation, type S3Location } from "../location.js";
import type { ObjectInfo, ObjectStore } from "../types.js";
import { fetchFeatures } from "./features.js";

/** What concerns one object; everything else concerns all of them. */
const OF_ONE_OBJECT = new Set([
  "s3/access-denied",
  "s3/changed",
  "s3/damaged",
  "s3/no-key",
  "s3/refused",
  "s3/too-large",
]);
/** When so many photos were refused and none was read, it is not the photos. */
const DENIED_LIMIT = 32;
/** A list of ten million paths; more is no list. */
const MAX_LIST_BYTES = 2 ** 30;
/** The decoder takes no larger file. */
const MAX_IMAGE_BYTES = 2 ** 31 - 1;

export interface SourceCache {
  readonly photos: PhotoCache;
  readonly endpoint: string;
}

/** `s3://bucket/key` as a location. */
export function s3Location(address: string): S3Location {
  const location = parseLocation(address);
  if (location.kind !== "s3") throw new TypeError(`${address} is no S3 address`);
  return location;
}

export class S3Sources implements RemoteSources {
  private denied = 0;
  private read_ = 0;

  /**
   * @param open the store of a bucket; called as often as wanted
   * @param scratch makes a folder that is removed when the job's storage is closed
   */
  constructor(
    private readonly open: (bucket: string) => Promise<ObjectStore>,
    private readonly cache: () => SourceCache | undefined,
    private readonly scratch: () => string,
    private readonly onNotice: (notice: Notice) => void,
  ) {}

  serves(address: string): boolean {
    return isS3Url(address);
  }

  async *list(folder: string, signal?: AbortSignal): AsyncGenerator<readonly RemoteObject[]> {
    const { bucket, key } = s3Location(folder);
    const store = await this.open(bucket);
    for await (const page of store.list(key, { signal })) {
      yield page.map((info) => described(info, key.length));
    }
  }

  /** Asked by listing: to a HEAD of what is not there, S3 answers 403 unless the whole bucket may be listed. */
  async head(address: string, signal?: AbortSignal): Promise<RemoteObject | undefined> {
    const { bucket, key } = s3Location(address);
    const store = await this.open(bucket);
    for await (const page of store.list(key, { signal })) {
      // The shortest key of a prefix comes first.
      const first = page[0];
      if (first) return first.key === key ? described(first, key.lastIndexOf("/") + 1) : undefined;
    }
    return undefined;
  }

  async read(address: string, signal?: AbortSignal): Promise<Uint8Array> {
    const { bucket, key } = s3Location(address);
    const store = await this.open(bucket);
    return (await store.get(key, { signal, limitBytes: MAX_LIST_BYTES })).bytes;
  }

  async image(image: RemoteImage, signal: AbortSignal): Promise<Uint8Array | UnreadableImage> {
    const { bucket, key } = s3Location(image.address);
    const cache = image.etag === null ? undefined : this.cache();
    const id: PhotoId | undefined = cache && { endpoint: cache.endpoint, bucket, key, etag: image.etag as string };
    if (cache && id) {
      const kept = await cache.photos.get(id, image.size);
      if (kept) return kept;
    }
    try {
      const store = await this.open(bucket);
      const ifMatch = image.etag === null ? {} : { ifMatch: image.etag };
      const { bytes } = await store.get(key, { signal, limitBytes: MAX_IMAGE_BYTES, ...ifMatch });
      this.read_ += 1;
      if (cache && id) cache.photos.put(id, bytes);
      // Only a buffer that the photo fills can change threads without taking others along.
      return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    } catch (error) {
      const code = errorCode(error);
      if (!OF_ONE_OBJECT.has(code)) throw error;
      if (code === "s3/access-denied") this.refuseDenial(error);
      return { code, message: errorMessage(error) };
    }
  }

  async features(
    address: string,
    signal: AbortSignal,
    onProgress?: (done: number, total: number) => void,
  ): Promise<string> {
    const { bucket, key } = s3Location(address);
    return fetchFeatures({
      store: await this.open(bucket),
      address,
      key,
      folder: this.scratch(),
      signal,
      onNotice: this.onNotice,
      onProgress,
    });
  }

  /** Ends the job when access is denied to all photos, rather than to some. */
  private refuseDenial(error: unknown): void {
    this.denied += 1;
    if (this.read_ > 0 || this.denied < DENIED_LIMIT) return;
    throw new VergerError(
      "s3/access-denied",
      `Expected to read the photos, but the first ${this.denied} were all refused; ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

function described({ key, size, etag, modifiedMs }: ObjectInfo, skip: number): RemoteObject {
  return { name: key.slice(skip), size, etag, modifiedMs };
}
