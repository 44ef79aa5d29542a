/** What a scan came across and left out. */
import path from "node:path";
import { notice } from "../notices.js";
import type { ManifestBuilder } from "./manifest.js";
import { compareCodePoints } from "./order.js";

/** Files that are no images, by extension. */
export class OtherFiles {
  count = 0;
  private readonly byExtension = new Map<string, number>();

  add(name: string): void {
    const extension = path.posix.extname(name).toLowerCase();
    this.byExtension.set(extension, (this.byExtension.get(extension) ?? 0) + 1);
    this.count += 1;
  }

  /** The commonest extensions. */
  extensions(): string {
    const shown = [...this.byExtension]
      .sort((a, b) => b[1] - a[1] || compareCodePoints(a[0], b[0]))
      .slice(0, 5)
      .map(([extension]) => extension || "no extension");
    return this.byExtension.size > shown.length ? `${shown.join(", ")}, …` : shown.join(", ");
  }

  report(builder: ManifestBuilder): void {
    if (this.count === 0) return;
    builder.notice(notice("scan/ignored-files", { count: this.count, extensions: this.extensions() }));
  }
}

/** Kinds of things that are skipped. */
type SkipCode =
  | "scan/hidden"
  | "scan/runs"
  | "scan/repeated-folders"
  | "scan/unreadable-folders"
  | "scan/name-encoding";

/** Counts things of one kind and remembers the first in code point order as an example. */
export class Tally {
  count = 0;
  private example = "";
  private latest: string | undefined;

  add(example: string): void {
    if (this.count === 0 || compareCodePoints(example, this.example) < 0) this.example = example;
    this.count++;
  }

  /** Counts what comes several times in a row once. */
  addOnce(example: string): void {
    if (example === this.latest) return;
    this.latest = example;
    this.add(example);
  }

  report(builder: ManifestBuilder, code: SkipCode): void {
    if (this.count > 0) builder.notice(notice(code, { count: this.count, example: this.example }));
  }
}
