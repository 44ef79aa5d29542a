/** Which keys may become files, and which would fall together. A key is text; a file's name is not just any text. */
import type { Problem } from "./entry.js";

/** `portable`: what Linux, macOS and Windows all hold, apart from each other; `system`: what this machine holds. */
export type NameRule = "portable" | "system";

/** Names that Windows gives to devices, whatever follows the first dot. */
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what Windows refuses.
const WINDOWS_CHARACTERS = /[<>:"|?*\u0000-\u001f]/;
/** A key may end or be cut inside a pair; such text has no UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;
/** The longest name that ext4, APFS and NTFS take; the first two count bytes. */
const LONGEST_NAME = 255;
/** Amazon's limit. */
const LONGEST_KEY = 1024;

/**
 * Why a key cannot be written below a folder, or undefined when it can. `..`, `.`, empty parts, NUL and names of over
 * 255 bytes are refused everywhere; with `portable`, or on Windows, also backslashes, names of devices and names that
 * end in a dot or space, which Windows would turn into other names; on Windows also what it refuses itself.
 */
export function nameProblem(key: string, rule: NameRule, platform = process.platform): Problem | undefined {
  const reason = reasonAgainst(key, rule === "portable" || platform === "win32", platform === "win32");
  if (reason === undefined) return undefined;
  return {
    code: "sync/name",
    message: `Expected a key that can be a file's name, but "${key}" ${reason}; rename the object, or leave it out with --exclude.`,
  };
}

function reasonAgainst(key: string, portable: boolean, windows: boolean): string | undefined {
  if (key.includes("\0")) return "holds a NUL character";
  if (LONE_SURROGATE.test(key)) return "is not valid Unicode";
  if (key.startsWith("/")) return "begins with a slash";
  const parts = (key.endsWith("/") ? key.slice(0, -1) : key).split("/");
  for (const part of parts) {
    if (part === "") return "has an empty part between two slashes";
    if (part === "." || part === "..") return `has the part "${part}", which leads to another folder`;
    // Three bytes a UTF-16 unit at most.
    if (part.length * 3 > LONGEST_NAME && Buffer.byteLength(part) > LONGEST_NAME) {
      return `has a part of ${Buffer.byteLength(part)} bytes where file systems allow ${LONGEST_NAME}`;
    }
    if (portable && part.includes("\\")) return "holds a backslash, which parts folders on Windows";
    if (portable && (part.endsWith(".") || part.endsWith(" "))) {
      return `has the part "${part}", whose last character Windows drops`;
    }
    if (portable && RESERVED.test(part)) return `has the part "${part}", which names a device on Windows`;
    if (windows && WINDOWS_CHARACTERS.test(part)) return `has the part "${part}" with a character that Windows refuses`;
  }
  return undefined;
}

/** Why a file's path cannot become a key, or undefined. @param prefix of the target, counted with it */
export function keyProblem(key: string, prefix: string): Problem | undefined {
  const bytes = Buffer.byteLength(prefix) + Buffer.byteLength(key);
  if (bytes <= LONGEST_KEY) return undefined;
  return {
    code: "sync/key-length",
    message: `Expected a key of at most ${LONGEST_KEY} bytes, but "${key}" would make one of ${bytes}; shorten the path or the prefix.`,
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the first and the last character of ASCII.
const ASCII = /^[\u0000-\u007f]*$/;

/** Files that differ only in case or in how accents are composed are one file on macOS and Windows. */
export function foldName(key: string): string {
  if (ASCII.test(key)) return key.toLowerCase();
  // Upper case first: it joins letters that lower case alone keeps apart (ß and ss, both kinds of sigma).
  return key.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");
}

/**
 * Remembers the names that a sync writes and finds those that would fall together: as files, as file and folder, or as
 * two spellings of one folder. Exact up to 64-bit hashes: among a million keys, an innocent one is reported in one sync
 * of 30 million. 20 bytes a name: 40 MB for a million.
 */
export class NameTable {
  private low = new Uint32Array(1 << 12);
  private high = new Uint32Array(1 << 12);
  /** 0: free; 1: a file; else the hash of a folder's spelling. */
  private value = new Uint32Array(1 << 12);
  private used = 0;
  private folder = "";

  /** @param fold also find names that differ in case or composition only */
  constructor(private readonly fold: boolean) {}

  /**
   * Takes a key in, unless it would fall together with one taken in before.
   *
   * @returns true when it was taken in
   */
  claim(key: string): boolean {
    const isFolder = key.endsWith("/");
    const end = isFolder ? key.length - 1 : key.lastIndexOf("/");
    // Keys come sorted, so most of them stand in the folder of the one before.
    const folder = end < 0 ? "" : key.slice(0, end);
    if (folder !== this.folder) {
      for (let slash = folder.indexOf("/"); ; slash = folder.indexOf("/", slash + 1)) {
        const part = slash < 0 ? folder : folder.slice(0, slash);
        if (part !== "" && !this.put(part, spellingOf(part))) return false;
        if (slash < 0) break;
      }
      this.folder = folder;
    }
    return isFolder || this.put(key, 1);
  }

  /** False when the name stands for something else already; two files never share a name. */
  private put(name: string, value: number): boolean {
    const text = this.fold ? foldName(name) : name;
    const low = hash(text, 0x811c9dc5, 0x01000193);
    const high = hash(text, 0x9e3779b9, 0x5bd1e995);
    if (this.used * 2 > this.low.length) this.grow();
    const slot = this.find(low, high);
    const standing = this.value[slot];
    if (standing !== 0) return standing === value && value !== 1;
    this.low[slot] = low;
    this.high[slot] = high;
    this.value[slot] = value;
    this.used += 1;
    return true;
  }

  private find(low: number, high: number): number {
    const mask = this.low.length - 1;
    let slot = low & mask;
    while (this.value[slot] !== 0 && (this.low[slot] !== low || this.high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { low, high, value } = this;
    this.low = new Uint32Array(low.length * 2);
    this.high = new Uint32Array(low.length * 2);
    this.value = new Uint32Array(low.length * 2);
    for (let old = 0; old < low.length; old += 1) {
      if (value[old] === 0) continue;
      const slot = this.find(low[old] as number, high[old] as number);
      this.low[slot] = low[old] as number;
      this.high[slot] = high[old] as number;
      this.value[slot] = value[old] as number;
    }
  }
}

/** Never 0 or 1, which mean other things. */
function spellingOf(folder: string): number {
  const value = hash(folder, 0x85ebca6b, 0x27d4eb2f);
  return value < 2 ? value + 2 : value;
}

/** 32 bits: the scheme of FNV-1a over UTF-16 units, ended by MurmurHash3's finalizer, which mixes the bits of short names. */
function hash(text: string, seed: number, multiplier: number): number {
  let value = seed;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), multiplier);
  value ^= value >>> 16;
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  value = Math.imul(value, 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
