export type CheckState = "ok" | "warn" | "fail";

/** What a check found, and what to do where it is not ok. */
export interface Finding {
  readonly state: CheckState;
  readonly found: string;
  /** What to do; absent when the check is ok. */
  readonly advice?: string;
}

export const ok = (found: string): Finding => ({ state: "ok", found });
export const warn = (found: string, advice: string): Finding => ({ state: "warn", found, advice });
export const fail = (found: string, advice: string): Finding => ({ state: "fail", found, advice });
