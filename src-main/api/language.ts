/** The languages that the window and the desktop app's menus speak. */

export type Language = "en" | "fr";

/** The first of the preferred languages (BCP 47 tags) that Verger speaks; English when it speaks none. */
export function chooseLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "en" || language === "fr") return language;
  }
  return "en";
}
