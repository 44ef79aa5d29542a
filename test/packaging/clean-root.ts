/** A Debian with nothing installed but its base system, to run packages in. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { repositoryRoot } from "../support/run-cli.js";
import { has, outputOf } from "./package.js";

const RELEASE = "bookworm";

/** Why no clean root can be made here, or undefined. */
export function whyNoCleanRoot(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "chroot is for root on Linux";
  return has("debootstrap") && has("chroot") ? undefined : "debootstrap is not installed";
}

/** A base system of Debian, made once by debootstrap in .cache from where this system's packages come from. */
function base(): string {
  const folder = path.join(repositoryRoot, ".cache", "clean-root", RELEASE);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(path.dirname(unfinished), { recursive: true });
  outputOf("debootstrap", ["--variant=minbase", RELEASE, unfinished, ...debianMirror()]);
  renameSync(unfinished, folder);
  return folder;
}

/** The address that apt takes Debian's packages from; debootstrap's own when apt names none. */
function debianMirror(): string[] {
  if (!has("apt-get")) return [];
  const lines = outputOf("apt-get", ["indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"]);
  const found = lines.split("\n").find((line) => /^Debian .*\/debian\/?$/.test(line));
  return found ? [found.slice("Debian ".length)] : [];
}

export interface CleanRoot {
  readonly folder: string;
  /** Runs a command in it, with an empty environment but HOME and PATH; never throws. */
  run(...command: readonly string[]): {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
  };
}

/** Makes a clean root of its own for one test file; the caller removes the folder. */
export function cleanRoot(folder: string): CleanRoot {
  // Device files too, which Node cannot copy.
  outputOf("cp", ["-a", base(), folder]);
  return {
    folder,
    run(...command) {
      const { status, stdout, stderr } = spawnSync("chroot", [folder, ...command], {
        encoding: "utf8",
        env: { HOME: "/root", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        maxBuffer: 1 << 26,
      });
      return { code: status, stdout, stderr };
    },
  };
}
