/** The window's own files. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};

export interface Asset {
  readonly content: Buffer;
  readonly type: string;
  /** Its name carries a hash of its content. */
  readonly immutable: boolean;
}

/**
 * Files of one folder by name. Only names that a listing of the folder has found are ever opened, so no path of a
 * request can lead out of it.
 */
export class Assets {
  private names = new Set<string>();

  constructor(private readonly folder: string) {}

  /** @param name `/` between folders; "" is the page itself */
  async get(name: string): Promise<Asset | undefined> {
    const wanted = name === "" ? "index.html" : name;
    // A new build has new names.
    if (!this.names.has(wanted)) await this.list();
    if (!this.names.has(wanted)) return undefined;
    const type = TYPES[path.extname(wanted)] ?? "application/octet-stream";
    try {
      const content = await readFile(path.join(this.folder, wanted));
      return { content, type, immutable: wanted.startsWith("assets/") };
    } catch {
      this.names.delete(wanted);
      return undefined;
    }
  }

  private async list(): Promise<void> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile());
    this.names = new Set(
      files.map((entry) =>
        path.relative(this.folder, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"),
      ),
    );
  }
}
