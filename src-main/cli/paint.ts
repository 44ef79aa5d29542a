import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

/** Text styles of one stream; each returns its text unchanged where the stream shows no colours. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

type Style = keyof Paint;

/**
 * Whether to colour what goes to `stream`: a terminal with colours, unless NO_COLOR is set and not empty
 * (no-color.org). FORCE_COLOR colours a pipe too; `FORCE_COLOR=0` colours nothing.
 */
export function wantsColor(stream: Partial<WriteStream>, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== "0" && force !== "false";
  return stream.isTTY === true && (stream.hasColors?.(env) ?? false);
}

/** The styles of a stream; see `wantsColor`. */
export function paintFor(color: boolean): Paint {
  const style = (name: Style) => (color ? (text: string) => styleText(name, text) : (text: string) => text);
  return {
    bold: style("bold"),
    dim: style("dim"),
    red: style("red"),
    yellow: style("yellow"),
    green: style("green"),
    cyan: style("cyan"),
  };
}
