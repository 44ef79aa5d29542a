/** Language and theme: the person's choice, else the system's. */
import { create } from "zustand";
import type { ResponseOf, Settings } from "../../src-main/api/channels.js";
import { client } from "../api/client.js";
import { chooseLanguage, type Speech, speechOf } from "../i18n/index.js";
import type { Theme } from "../plots/colour.js";

interface SettingsState {
  readonly settings: Pick<Settings, "theme" | "language">;
  readonly info: ResponseOf<"app.info"> | null;
  readonly systemIsDark: boolean;
}

// A copy beside the server's: the first picture already has the right theme and language.
const KEPT = "verger.settings";

const systemDark = matchMedia("(prefers-color-scheme: dark)");

export const useSettings = create<SettingsState>(() => ({
  settings: kept(),
  info: null,
  systemIsDark: systemDark.matches,
}));

function kept(): SettingsState["settings"] {
  try {
    const { theme, language } = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return {
      theme: theme === "light" || theme === "dark" ? theme : "system",
      language: language === "en" || language === "fr" ? language : "system",
    };
  } catch {
    return { theme: "system", language: "system" };
  }
}

/** Takes settings over that came from the server. */
export function takeSettings({ theme, language }: SettingsState["settings"]): void {
  useSettings.setState({ settings: { theme, language } });
  try {
    localStorage.setItem(KEPT, JSON.stringify({ theme, language }));
  } catch {
    // Storage may be forbidden; the server has them.
  }
}

/** Changes settings here and on the server. @throws CallError when the server refuses; the change stays in this window */
export async function changeSettings(change: Partial<SettingsState["settings"]>): Promise<void> {
  takeSettings({ ...useSettings.getState().settings, ...change });
  await client.call("settings.set", change);
}

// `systemDark.matches` is read in no other place: in Chromium a read between a change and its event swallows the event
// (MediaQueryList::matches brings the list up to date without telling its listeners).
systemDark.addEventListener("change", ({ matches }) => useSettings.setState({ systemIsDark: matches }));

/** The theme that is shown. */
export function useTheme(): Theme {
  const chosen = useSettings((state) => state.settings.theme);
  const system = useSettings((state) => (state.systemIsDark ? "dark" : "light"));
  return chosen === "system" ? system : chosen;
}

/** The words of the language that is shown. */
export function useSpeech(): Speech {
  const chosen = useSettings((state) => state.settings.language);
  return speechOf(chosen === "system" ? chooseLanguage(navigator.languages) : chosen);
}

/** The same outside of components. */
export function currentSpeech(): Speech {
  const chosen = useSettings.getState().settings.language;
  return speechOf(chosen === "system" ? chooseLanguage(navigator.languages) : chosen);
}
