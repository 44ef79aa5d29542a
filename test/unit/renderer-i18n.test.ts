import { describe, expect, it } from "vitest";
import { en } from "../../src-renderer/i18n/en.js";
import { chooseLanguage, type Key, LANGUAGES, type Message, speechOf } from "../../src-renderer/i18n/index.js";

const keys = Object.keys(en) as Key[];
const forms = (message: Message) => (typeof message === "string" ? [message] : Object.values(message));
const names = (message: Message) =>
  [...new Set(forms(message).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)))].sort();

for (const [language, { messages }] of Object.entries(LANGUAGES)) {
  describe(`dictionary: ${language}`, () => {
    it("says everything, and nothing else", () => {
      expect(Object.keys(messages).sort()).toEqual([...keys].sort());
      for (const key of keys) for (const form of forms(messages[key])) expect(form.trim(), key).not.toBe("");
    });

    it("takes the same values as English, and plurals where English has them", () => {
      for (const key of keys) {
        expect(names(messages[key]), key).toEqual(names(en[key]));
        expect(typeof messages[key], key).toBe(typeof en[key]);
        if (typeof messages[key] !== "string") expect(Object.keys(messages[key]), key).toEqual(["one", "other"]);
      }
    });
  });
}

describe("French", () => {
  it("has its spaces before double punctuation and inside quotes, and they do not break", () => {
    for (const key of keys) {
      for (const form of forms(LANGUAGES.fr.messages[key])) {
        expect(form, key).not.toMatch(/ [;:?!»]|« |\w[;?!]/);
        expect(form, key).not.toContain("'");
      }
    }
  });
});

describe("speech", () => {
  it("counts as the language does", () => {
    expect(speechOf("en").t("runs.photos", { count: 0 })).toBe("0 photos");
    expect(speechOf("en").t("runs.photos", { count: 1 })).toBe("1 photo");
    expect(speechOf("fr").t("runs.setAside", { count: 0 })).toBe("0 écartée");
    expect(speechOf("fr").t("runs.setAside", { count: 2 })).toBe("2 écartées");
    expect(speechOf("en").t("runs.photos", { count: 22688 })).toBe("22,688 photos");
  });

  it("writes shares, bytes and times", () => {
    expect(speechOf("en").percent(0.802)).toBe("80.2%");
    expect(speechOf("fr").percent(0.802)).toMatch(/^80,2\s%$/u);
    expect(speechOf("en").bytes(1_450_000)).toBe("1.5 MB");
    expect(speechOf("en").bytes(999_900)).toBe("1 MB");
    expect(speechOf("fr").bytes(512)).toMatch(/^512\so/u);
    expect(speechOf("en").duration(75)).toBe("75 secs");
    expect(speechOf("en").duration(7260)).toBe("2 hrs 1 min");
  });

  it("chooses the first language that it speaks", () => {
    expect(chooseLanguage(["de-CH", "fr-CH", "en"])).toBe("fr");
    expect(chooseLanguage(["de"])).toBe("en");
    expect(chooseLanguage([])).toBe("en");
  });
});
