import cliProgress from "cli-progress";
import { bytes, count, duration, percent, rate, remaining } from "./format.js";
import type { Output } from "./output.js";
import { pad, truncate } from "./table.js";

/** What a job tells while it works. Every event of a run is one of these, and so are those of shorter jobs. */
export type JobEvent =
  | { readonly type: "notice"; readonly message: string }
  | {
      readonly type: "stage";
      readonly stage: string;
      readonly state: "start" | "done";
      readonly total?: number | undefined;
      readonly seconds?: number | undefined;
    }
  | {
      readonly type: "progress";
      readonly stage: string;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      /** The same progress counted in something else: files beside bytes. */
      readonly also?: { readonly done: number; readonly total: number; readonly unit: string } | undefined;
      readonly setAside?: number | undefined;
    };

/** Progress of a job on stderr: a bar on a terminal, plain lines elsewhere, nothing with --quiet. */
export interface Progress {
  /** Takes the job's events; bound, so it can be handed on. */
  readonly onEvent: (event: JobEvent) => void;
  /** Removes the bar and gives the terminal back as it was. Idempotent. */
  close(): void;
}

/** Seconds between two plain lines of one stage. */
const LINE_INTERVAL = 3;
/** Seconds over which the current rate is taken. */
const RATE_WINDOW = 10;
const MAX_BAR = 40;
const MIN_BAR = 8;

/** Progress per second over the last few seconds, so that parts reused at once do not promise an early end. */
export class RateMeter {
  readonly #window: number;
  readonly #samples: { time: number; done: number }[] = [];

  constructor(window: number = RATE_WINDOW) {
    this.#window = window;
  }

  /** @param time in seconds, ascending */
  add(time: number, done: number): void {
    const last = this.#samples.at(-1);
    // Four samples a second are plenty, and bound the list however often the job reports.
    const earlier = this.#samples.at(-2);
    if (last && earlier && time - earlier.time < 0.25) this.#samples.pop();
    this.#samples.push({ time, done });
    while (this.#samples.length > 2 && time - (this.#samples[1]?.time ?? time) >= this.#window) this.#samples.shift();
  }

  /** Progress per second at `time`, or undefined before there is any to tell. */
  perSecond(time: number): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.done <= first.done || time <= first.time) return undefined;
    return (last.done - first.done) / (Math.max(time, last.time) - first.time);
  }
}

type ProgressEvent = Extract<JobEvent, { type: "progress" }>;

/** What is known of one stage. */
class StageState {
  readonly stage: string;
  readonly startedAt: number;
  readonly meter = new RateMeter();
  /** Of what the events count also. */
  readonly otherMeter = new RateMeter();
  lastLine: number;
  latest: ProgressEvent | undefined;

  constructor(stage: string, now: number) {
    this.stage = stage;
    this.startedAt = now;
    this.lastLine = now;
  }

  progress(event: ProgressEvent, now: number): void {
    this.latest = event;
    this.meter.add(now, event.done);
    if (event.also) this.otherMeter.add(now, event.also.done);
  }

  /** `1,204 of 6,030 images`, or `1,204 images` where the end is not known; `3.1 MB of 12 MB, 4 of 9 files`. */
  amount(): string {
    const { latest } = this;
    if (!latest) return "";
    return latest.also ? `${amountOf(latest)}, ${amountOf(latest.also)}` : amountOf(latest);
  }

  /** `492 images/s`, `8.1 MB/s`. */
  #speed(perSecond: number): string {
    const unit = this.latest?.unit ?? "";
    return unit === "bytes" ? `${bytes(perSecond)}/s` : `${rate(perSecond)} ${unit}/s`;
  }

  share(): number | undefined {
    const { latest } = this;
    return latest && latest.total > 0 && latest.done <= latest.total ? latest.done / latest.total : undefined;
  }

  /** `492 images/s`, `9.8 s left`, `3 set aside`, each only when there is something to tell. */
  facts(now: number): { rate?: string; left?: string; setAside?: string } {
    const { latest } = this;
    if (!latest) return {};
    const perSecond = this.meter.perSecond(now);
    const left = this.#secondsLeft(perSecond, now);
    return {
      ...(perSecond === undefined ? {} : { rate: this.#speed(perSecond) }),
      ...(left === undefined ? {} : { left: `${remaining(left)} left` }),
      ...(latest.setAside ? { setAside: `${count(latest.setAside)} set aside` } : {}),
    };
  }

  /** By what is counted and by what is counted also, whichever takes longer: many small files are few bytes. */
  #secondsLeft(perSecond: number | undefined, now: number): number | undefined {
    const { latest } = this;
    if (!latest) return undefined;
    const other = latest.also && this.otherMeter.perSecond(now);
    const times = [
      ...(perSecond === undefined ? [] : [(latest.total - latest.done) / perSecond]),
      ...(latest.also === undefined || other === undefined ? [] : [(latest.also.total - latest.also.done) / other]),
    ];
    const longest = Math.max(...times);
    return longest > 0 ? longest : undefined;
  }

  /** `6,030 images in 12.3 s (490 images/s)`. */
  outcome(seconds: number): string {
    const { latest } = this;
    if (!latest) return duration(seconds);
    const perSecond = seconds > 0 ? ` (${this.#speed(latest.done / seconds)})` : "";
    const setAside = latest.setAside ? `, ${count(latest.setAside)} set aside` : "";
    return `${this.amount()} in ${duration(seconds)}${perSecond}${setAside}`;
  }
}

function amountOf({ done, total, unit }: Pick<ProgressEvent, "done" | "total" | "unit">): string {
  if (unit === "bytes") return total > done ? `${bytes(done)} of ${bytes(total)}` : bytes(done);
  if (total > done) return `${count(done)} of ${count(total)} ${unit}`;
  return `${count(done)} ${done === 1 ? unit.replace(/s$/, "") : unit}`;
}

/** Seconds of a clock that never goes back. */
export type Clock = () => number;
const monotonic: Clock = () => performance.now() / 1000;

/** Opens the progress that fits stderr. */
export function openProgress(output: Output, clock: Clock = monotonic): Progress {
  if (output.quiet) return { onEvent: () => {}, close: () => {} };
  const terminal = output.stderr.isTTY === true && process.env.TERM !== "dumb";
  return terminal ? openBar(output, clock) : openLines(output, clock);
}

/** Keeps one state per stage that is under way, in the order of their starts. */
class Stages {
  readonly active = new Map<string, StageState>();

  get(stage: string, now: number): StageState {
    let state = this.active.get(stage);
    if (!state) {
      state = new StageState(stage, now);
      this.active.set(stage, state);
    }
    return state;
  }

  /** The stage to show: the one that started last. */
  foremost(): StageState | undefined {
    return [...this.active.values()].at(-1);
  }
}

function openLines(output: Output, clock: Clock): Progress {
  const stages = new Stages();
  const onEvent = (event: JobEvent): void => {
    const now = clock();
    if (event.type === "notice") {
      output.notice(event.message);
      return;
    }
    const state = stages.get(event.stage, now);
    if (event.type === "progress") {
      state.progress(event, now);
      if (now - state.lastLine < LINE_INTERVAL) return;
      state.lastLine = now;
      const share = state.share();
      const facts = state.facts(now);
      const parts = [facts.rate, facts.left, facts.setAside].filter((part) => part !== undefined);
      output.progressLine(
        `verger: ${event.stage}: ${state.amount()}${share === undefined ? "" : ` (${percent(share)})`}` +
          parts.map((part) => `, ${part}`).join(""),
      );
    } else if (event.state === "done") {
      stages.active.delete(event.stage);
      output.progressLine(`verger: ${event.stage}: done, ${state.outcome(event.seconds ?? now - state.startedAt)}`);
    }
  };
  return { onEvent, close: () => {} };
}

/** Whether the terminal's encoding is known to be UTF-8. */
export function unicodeTerminal(env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.platform === "win32") return Boolean(env.WT_SESSION ?? env.TERM_PROGRAM);
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || "");
}

function openBar(output: Output, clock: Clock): Progress {
  const { stderr, paintErr } = output;
  const stages = new Stages();
  const [complete, incomplete] = unicodeTerminal() ? ["━", "─"] : ["#", "-"];

  /** The bar's line, fitted to the terminal of this moment: what matters least goes first when it is narrow. */
  const line = (): string => {
    const state = stages.foremost();
    if (!state) return "";
    const now = clock();
    const width = Math.max(20, (stderr.columns ?? 80) - 1);
    const share = state.share();
    const name = pad(state.stage, 9);
    if (share === undefined) {
      return truncate(`  ${name} ${state.amount()} ${duration(now - state.startedAt)}`, width);
    }
    const facts = state.facts(now);
    const parts = [percent(share).padStart(7), state.amount(), facts.left, facts.rate, facts.setAside].filter(
      (part) => part !== undefined,
    );
    const text = () => parts.join("  ");
    while (parts.length > 1 && width - name.length - text().length - 5 < MIN_BAR) parts.pop();
    const room = Math.min(MAX_BAR, width - name.length - text().length - 5);
    if (room < MIN_BAR) return truncate(`  ${name} ${text()}`, width);
    const filled = Math.round(share * room);
    const bar = paintErr.green(complete.repeat(filled)) + paintErr.dim(incomplete.repeat(room - filled));
    return `  ${paintErr.bold(name)} ${bar}  ${text()}`;
  };

  const bars = new cliProgress.MultiBar({
    stream: stderr,
    format: line,
    fps: 8,
    hideCursor: true,
    clearOnComplete: true,
    // The text is ours and so is its width; redrawing also repairs what a resize left behind.
    forceRedraw: true,
    linewrap: false,
  });
  let open = true;
  let drawn = false;
  const draw = (): void => {
    if (!drawn) bars.create(1, 0);
    drawn = true;
  };
  const close = (): void => {
    if (!open) return;
    open = false;
    process.off("exit", close);
    output.redirectLines(undefined);
    if (!drawn) return;
    // stop() clears without flushing what was logged since the last frame.
    bars.update();
    bars.stop();
  };
  // The end by a second Ctrl-C must give the cursor back too.
  process.on("exit", close);
  output.redirectLines((text) => {
    if (drawn) bars.log(`${text}\n`);
    else stderr.write(`${text}\n`);
  });

  const onEvent = (event: JobEvent): void => {
    if (!open) return;
    const now = clock();
    if (event.type === "notice") {
      output.notice(event.message);
      return;
    }
    const state = stages.get(event.stage, now);
    draw();
    if (event.type === "progress") {
      state.progress(event, now);
    } else if (event.state === "done") {
      stages.active.delete(event.stage);
      output.progressLine(
        `  ${paintErr.bold(pad(event.stage, 9))} ${state.outcome(event.seconds ?? now - state.startedAt)}`,
      );
    }
  };
  return { onEvent, close };
}
