import { useState } from "react";

/** Where something is to go: what the person typed, or else a suggestion that follows the rest of the form. */
export function useOut(suggested: string): readonly [string, (text: string) => void] {
  const [own, setOwn] = useState("");
  return [own === "" ? suggested : own, setOwn];
}
