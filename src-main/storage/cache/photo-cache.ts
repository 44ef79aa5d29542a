/**
 * A bounded cache of fetched photos, shared by the processes of a machine.
 *
 * Photos are small and many: a file each would cost more than fetching them again on a fast link. So they are appended
 * to segments, `<writer>-<n>.dat`, with their places in `<writer>-<n>.idx`. Each writing process holds the lock of one
 * writer number, so no two append to the same segment. Nothing is flushed to the device: a photo counts only when size
 * and CRC-32 agree as it is read, and what a killed process had not written is fetched again. Whole segments are removed,
 * the one whose photos were used longest ago first.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../../core/errors.js";
import { type FileLock, lockFile } from "../../native/system.js";
import { crc32 } from "../s3/crc32.js";
import { makePrivateFolder } from "./folder.js";
import { encodeRecord, ID_BYTES, PhotoIndex, RECORD_BYTES } from "./photo-index.js";

/** What makes a photo the same photo: a changed object has another ETag. */
export interface PhotoId {
  /** Of the server, empty for Amazon's. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
}

/** Processes that may write at once; one more only reads. */
const WRITERS = 32;
/** A segment is a sixteenth of the cache, so that removing one keeps most of it. */
const SEGMENTS = 16;
const MAX_SEGMENT_BYTES = 64 * 2 ** 20;
/** Photos are gathered into writes of this size. */
const WRITE_BYTES = 2 ** 20;
/** Above this many bytes not yet written, photos are not kept: the disk must not slow the run down. */
const MAX_WAITING_BYTES = 16 * 2 ** 20;

const SEGMENT = /^(\d+)-(\d+)\.(dat|idx)$/;

interface SegmentFiles {
  readonly writer: number;
  readonly number: number;
  readonly data: string;
  readonly index: string;
}

export class PhotoCache {
  private readonly index = new PhotoIndex();
  private readonly segments: SegmentFiles[] = [];
  private readonly handles = new Map<number, Promise<FileHandle>>();
  private readonly used = new Set<number>();
  private readonly segmentBytes: number;
  private writer: SegmentWriter | undefined;

  private constructor(
    private readonly folder: string,
    private readonly limitBytes: number,
  ) {
    this.segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.floor(limitBytes / SEGMENTS));
  }

  /**
   * Opens the cache and brings it within its limit.
   *
   * @param folder made if it is not there
   * @param limitBytes of all its files; several processes that write at once may each exceed it by a sixteenth
   * @throws VergerError `storage/write`, or the system's error when the folder cannot be used
   */
  static open(folder: string, limitBytes: number): PhotoCache {
    makePrivateFolder(folder);
    const cache = new PhotoCache(folder, limitBytes);
    cache.writer = SegmentWriter.claim(folder, cache.segmentBytes, (keep) => cache.evict(keep));
    cache.load();
    return cache;
  }

  /** A photo in a buffer of its own; undefined when the cache does not hold it whole. */
  async get(id: PhotoId, size: number): Promise<Uint8Array | undefined> {
    const found = this.index.find(hashOf(id));
    if (!found || found.size !== size) return undefined;
    try {
      const handle = await this.handle(found.segment);
      const bytes = Buffer.allocUnsafeSlow(size);
      const { bytesRead } = await handle.read(bytes, 0, size, found.offset);
      if (bytesRead !== size || crc32(bytes) !== found.crc32) return undefined;
      this.used.add(found.segment);
      return bytes;
    } catch {
      // Removed by another process, or unreadable: as good as absent.
      return undefined;
    }
  }

  /** Keeps a photo, if that costs no waiting. The bytes are copied before it returns. */
  put(id: PhotoId, bytes: Uint8Array): void {
    this.writer?.add(hashOf(id), bytes);
  }

  /** Writes what has been gathered and frees the files. */
  async close(): Promise<void> {
    await this.writer?.close();
    const now = new Date();
    for (const segment of this.used) {
      try {
        utimesSync((this.segments[segment] as SegmentFiles).data, now, now);
      } catch {
        // Removed meanwhile.
      }
    }
    for (const handle of this.handles.values()) await handle.then((file) => file.close()).catch(() => {});
    this.handles.clear();
  }

  private handle(segment: number): Promise<FileHandle> {
    let handle = this.handles.get(segment);
    if (!handle) {
      handle = open((this.segments[segment] as SegmentFiles).data, "r");
      this.handles.set(segment, handle);
    }
    return handle;
  }

  private load(): void {
    for (const files of listSegments(this.folder)) {
      let content: Buffer;
      try {
        content = readFileSync(files.index);
      } catch {
        continue;
      }
      this.index.add(this.segments.length, content);
      this.segments.push(files);
    }
    this.index.build();
  }

  /**
   * Removes segments, least recently used first, until `room` bytes fit.
   *
   * @param room how much the caller is going to write
   * @param own data file that must stay
   */
  private evict({ room, own }: { room: number; own: string | undefined }): void {
    const sized = listSegments(this.folder).map((files) => ({ files, ...sizeAndUse(files) }));
    let total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
    const newest = new Map<number, SegmentFiles>();
    for (const { files } of sized) {
      if (files.number >= (newest.get(files.writer)?.number ?? -1)) newest.set(files.writer, files);
    }
    for (const { files, bytes } of sized.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total + room <= this.limitBytes) return;
      // Another process may be appending to its last one.
      if (files.data === own || (newest.get(files.writer) === files && isHeld(this.folder, files.writer))) continue;
      // The index first: data without one is garbage that the next listing removes.
      rmSync(files.index, { force: true });
      rmSync(files.data, { force: true });
      total -= bytes;
    }
  }
}

function hashOf({ endpoint, bucket, key, etag }: PhotoId): Buffer {
  // The key, which may hold anything, comes last: no two ids read the same.
  const digest = createHash("sha256").update(`${endpoint}\0${bucket}\0${etag}\0${key}`).digest();
  return digest.subarray(0, ID_BYTES);
}

/** All segments, and removes data that lost its index to a kill. */
function listSegments(folder: string): SegmentFiles[] {
  const names = new Set(readdirSync(folder));
  const found: SegmentFiles[] = [];
  for (const name of names) {
    const match = SEGMENT.exec(name);
    if (!match) continue;
    const stem = `${match[1]}-${match[2]}`;
    const files = {
      writer: Number(match[1]),
      number: Number(match[2]),
      data: path.join(folder, `${stem}.dat`),
      index: path.join(folder, `${stem}.idx`),
    };
    if (match[3] === "idx") found.push(files);
    else if (!names.has(`${stem}.idx`)) rmSync(files.data, { force: true });
  }
  return found;
}

function sizeAndUse({ data, index }: SegmentFiles): { bytes: number; usedMs: number } {
  const stats = [data, index].map((file) => statSync(file, { throwIfNoEntry: false }));
  return {
    bytes: stats.reduce((sum, stat) => sum + (stat?.size ?? 0), 0),
    usedMs: stats[0]?.mtimeMs ?? 0,
  };
}

const lockOf = (folder: string, writer: number): string => path.join(folder, `${writer}.lock`);

function isHeld(folder: string, writer: number): boolean {
  try {
    lockFile(lockOf(folder, writer)).unlock();
    return false;
  } catch {
    return true;
  }
}

/** Appends photos to the segments of one writer number. */
class SegmentWriter {
  private gathered: Buffer[] = [];
  private records: { id: Buffer; size: number; crc32: number }[] = [];
  private gatheredBytes = 0;
  private waitingBytes = 0;
  private writing: Promise<void> = Promise.resolve();
  private current: { data: FileHandle; index: FileHandle; file: string; bytes: number; indexBytes: number } | undefined;
  private number: number;
  private broken = false;

  private constructor(
    private readonly folder: string,
    private readonly writer: number,
    private readonly lock: FileLock,
    private readonly segmentBytes: number,
    private readonly evict: (keep: { room: number; own: string | undefined }) => void,
  ) {
    this.number = Math.max(-1, ...this.own().map(({ number }) => number));
  }

  /** Undefined when every writer number is taken, or the file system has no locks. */
  static claim(
    folder: string,
    segmentBytes: number,
    evict: (keep: { room: number; own: string | undefined }) => void,
  ): SegmentWriter | undefined {
    for (let writer = 0; writer < WRITERS; writer += 1) {
      try {
        const lock = lockFile(lockOf(folder, writer));
        const claimed = new SegmentWriter(folder, writer, lock, segmentBytes, evict);
        evict({ room: segmentBytes, own: undefined });
        return claimed;
      } catch (error) {
        if (errorCode(error) === "lock/unavailable") return undefined;
        if (errorCode(error) !== "lock/held") throw error;
      }
    }
    return undefined;
  }

  add(id: Buffer, bytes: Uint8Array): void {
    const tooMuch = this.waitingBytes + bytes.length > MAX_WAITING_BYTES;
    if (this.broken || tooMuch || bytes.length + RECORD_BYTES > this.segmentBytes) return;
    // A batch goes into one segment, however small the cache is.
    if (this.gatheredBytes + bytes.length > Math.min(WRITE_BYTES, this.segmentBytes / 4)) this.flush();
    // A copy: the caller gives the buffer to another thread.
    const copy = Buffer.from(bytes);
    this.gathered.push(copy);
    this.records.push({ id, size: copy.length, crc32: crc32(copy) });
    this.gatheredBytes += copy.length;
    this.waitingBytes += copy.length;
  }

  async close(): Promise<void> {
    this.flush();
    await this.writing;
    await this.closeSegment();
    this.lock.unlock();
  }

  private own(): SegmentFiles[] {
    return listSegments(this.folder).filter(({ writer }) => writer === this.writer);
  }

  private flush(): void {
    const { gathered, records, gatheredBytes } = this;
    if (records.length === 0) return;
    this.gathered = [];
    this.records = [];
    this.gatheredBytes = 0;
    this.writing = this.writing
      .then(() => this.write(gathered, records, gatheredBytes))
      .catch(() => {
        // A full disk, say: the run goes on without a cache.
        this.broken = true;
      })
      .finally(() => {
        this.waitingBytes -= gatheredBytes;
      });
  }

  private async write(
    gathered: readonly Buffer[],
    records: readonly { id: Buffer; size: number; crc32: number }[],
    bytes: number,
  ): Promise<void> {
    const segment = await this.segmentFor(bytes + records.length * RECORD_BYTES);
    let offset = segment.bytes;
    const index = Buffer.concat(
      records.map(({ id, size, crc32: sum }) => {
        const record = encodeRecord(id, { offset, size, crc32: sum });
        offset += size;
        return record;
      }),
    );
    await segment.data.writev(gathered as Buffer[], segment.bytes);
    segment.bytes = offset;
    // The record after the photo: one that stands names bytes that were written.
    await segment.index.write(index, 0, index.length, segment.indexBytes);
    segment.indexBytes += index.length;
  }

  private async segmentFor(bytes: number): Promise<NonNullable<SegmentWriter["current"]>> {
    const fits = (used: number): boolean => used + bytes <= this.segmentBytes;
    if (this.current && fits(this.current.bytes + this.current.indexBytes)) return this.current;
    if (!this.current && this.number >= 0) {
      const last = this.own().find(({ number }) => number === this.number);
      if (last && fits(sizeAndUse(last).bytes)) return this.openSegment(last);
    }
    await this.closeSegment();
    this.evict({ room: this.segmentBytes, own: undefined });
    this.number += 1;
    const stem = path.join(this.folder, `${this.writer}-${this.number}`);
    return this.openSegment({ writer: this.writer, number: this.number, data: `${stem}.dat`, index: `${stem}.idx` });
  }

  private async openSegment(files: SegmentFiles): Promise<NonNullable<SegmentWriter["current"]>> {
    // Not append mode: writes say where they go. The index first, see listSegments.
    const index = await open(files.index, "a", 0o600).then(async (file) => {
      await file.close();
      return open(files.index, "r+");
    });
    const data = await open(files.data, "a", 0o600).then(async (file) => {
      await file.close();
      return open(files.data, "r+");
    });
    const indexBytes = (await index.stat()).size;
    const whole = indexBytes - (indexBytes % RECORD_BYTES);
    if (whole !== indexBytes) truncateSync(files.index, whole);
    this.current = { data, index, file: files.data, bytes: (await data.stat()).size, indexBytes: whole };
    return this.current;
  }

  private async closeSegment(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    await current?.data.close();
    await current?.index.close();
  }
}
