import type { OverlayColours } from "./overlay.js";

/** The page's colours for what a plot draws itself; to be read anew when the theme changes. */
export function coloursOfPage(): OverlayColours {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    line: value("--line"),
    text: value("--muted"),
    strong: value("--ink"),
    accent: value("--accent"),
    accentSoft: `color-mix(in srgb, ${value("--accent")} 14%, transparent)`,
    background: value("--surface"),
  };
}
