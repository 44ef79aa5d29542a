import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CHECK_TITLES, OUTCOME_CODES, type Outcome, outcome, saysOf } from "../../src-main/core/doctor/outcomes.js";
import { NOTICE_CODES, type Notice, type NoticeCode, notice } from "../../src-main/core/notices.js";
import { en } from "../../src-renderer/i18n/en.js";
import { frDoctor } from "../../src-renderer/i18n/fr-doctor.js";
import { frNotices, frProblems } from "../../src-renderer/i18n/fr-said.js";
import { chooseLanguage, type Key, LANGUAGES, type Message, SAID, speechOf } from "../../src-renderer/i18n/index.js";

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

/** Every form of what is said for a code. */
const saidForms = (code: string): string[] => {
  const said = SAID.fr[code];
  return said === undefined ? [] : Array.isArray(said) ? [...said] : forms(said as Message);
};

describe("French", () => {
  it("has its spaces before double punctuation and inside quotes, and they do not break", () => {
    const sentences = [
      ...keys.map((key) => [key, forms(LANGUAGES.fr.messages[key])] as const),
      ...Object.keys(SAID.fr).map((code) => [code, saidForms(code)] as const),
    ];
    for (const [name, all] of sentences) {
      for (const form of all) {
        expect(form, name).not.toMatch(/ [;:?!»]|« |\w[;?!]/);
        expect(form, name).not.toContain("'");
      }
    }
  });

  it("has a sentence for every notice, and none for notices that are gone", () => {
    expect(Object.keys(frNotices).sort()).toEqual([...NOTICE_CODES].sort());
  });

  it("of a notice has a singular and a plural where it counts, and names only what the notice tells", () => {
    const details = detailsOfNotices();
    expect(Object.keys(details).sort()).toEqual([...NOTICE_CODES].sort());
    for (const code of NOTICE_CODES) {
      const said = frNotices[code] as Message | string[];
      const counts = typeof said !== "string" && !Array.isArray(said);
      expect(counts ? Object.keys(said) : ["one sentence"], code).toEqual(
        "count" in details[code] ? ["one", "other"] : ["one sentence"],
      );
      for (const sentence of saidForms(code)) {
        for (const name of names(sentence)) expect(Object.keys(details[code]), code).toContain(name);
      }
    }
  });

  it("has a sentence for every error but those of the command line, and none for codes that are gone", () => {
    const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
    const documented = [...page.matchAll(/`([a-z][a-z0-9]*\/[a-z][a-z-]*)`/g)].map(([, code]) => code as string);
    const expected = [...documented, ...OTHERS].filter(
      (code) => !OF_THE_COMMAND_LINE.test(code) && !(code in frNotices),
    );
    expect(Object.keys(frProblems).sort()).toEqual([...new Set(expected)].sort());
    for (const code of Object.keys(frProblems)) expect(saidForms(code), code).not.toContain("");
  });
});

/** Raised by the page itself, and codes without an area. */
const OTHERS = ["network/unreachable", "cancelled", "internal"];
/** What only `verger` on a command line can end with. */
const OF_THE_COMMAND_LINE =
  /^(usage\/.*|sample\/not-empty|server\/(remote|port|address|no-window)|desktop\/not-electron|s3\/left-behind)$/;

const PROVIDER = { provider: "cpu", sessions: 2, threads: 1 };

/** What each notice tells, by the notices themselves. */
function detailsOfNotices(): Record<NoticeCode, Notice["details"]> {
  const skipped = { count: 2, example: "a" };
  const told = [
    notice("scan/ignored-files", { count: 2, extensions: ".txt" }),
    notice("scan/hidden", skipped),
    notice("scan/runs", skipped),
    notice("scan/repeated-folders", skipped),
    notice("scan/unreadable-folders", skipped),
    notice("scan/name-encoding", skipped),
    notice("scan/duplicates", { count: 2 }),
    notice("scan/label-conflicts", skipped),
    notice("run/unchanged", {}),
    notice("run/uploading", { run: "s3://farm/run", mebibytes: 3 }),
    notice("run/provider", { ...PROVIDER, reasons: "cuda: gone", without: "cuda", library: "libcuda.so" }),
    notice("labels/applied", { count: 2 }),
    notice("labels/kept", { count: 2 }),
    notice("labels/set-aside", { count: 2, file: "f" }),
    notice("features/fetching", { count: 2, mebibytes: 3, from: "s3://farm" }),
    notice("cache/unavailable", { reason: "full" }),
    notice("job/interrupted", {}),
  ];
  return Object.fromEntries(told.map(({ code, details }) => [code, details])) as Record<NoticeCode, Notice["details"]>;
}

describe("French of a check of the machine", () => {
  const keys = [
    ...Object.keys(CHECK_TITLES).map((id) => `check.${id}`),
    ...OUTCOME_CODES.flatMap((code) => {
      const { found, advice } = saysOf(code);
      return [...(found ? [code] : []), ...(advice ? [`${code}.advice`] : [])];
    }),
  ];

  it("has a title for every check, and sentences for every outcome that is not an error's; and none that are gone", () => {
    expect(Object.keys(frDoctor).sort()).toEqual(keys.sort());
  });

  it("names only what the outcome tells, and is never the English one", () => {
    for (const told of outcomes()) {
      const named = saidForms(told.code).flatMap((form) => names(form));
      for (const name of named) expect(Object.keys(told.details), told.code).toContain(name);
      const found = speechOf("fr").said({ code: told.code, message: "ENGLISH", details: told.details });
      expect(found === "ENGLISH", told.code).toBe(!saysOf(told.code).found);
      expect(found, told.code).not.toMatch(/[{}]/);
    }
    expect(
      outcomes()
        .map(({ code }) => code)
        .sort(),
    ).toEqual([...OUTCOME_CODES].sort());
  });

  it("writes sizes and times as French does", () => {
    const { code, found, details } = outcome("memory.ok", { availableBytes: 8e9, totalBytes: 16e9 });
    expect(found).toBe("8.0 GB available of 16.0 GB");
    expect(speechOf("fr").said({ code, message: found, details })).toMatch(/^8\sGo disponibles sur 16\sGo$/u);
  });
});

/** Each outcome, as the checks make it. */
function outcomes(): Outcome[] {
  const processor = { name: "CPU", usable: 2, count: 4, target: "AVX2", targets: "AVX2, SSE4" };
  const memory = { availableBytes: 1e9, totalBytes: 2e9 };
  const room = { folder: "/runs", freeBytes: 1e9 };
  const embedded = { model: "lite0", provider: "cpu", runtime: "1.2", afterSeconds: 1.25 };
  const failed = { message: "Expected a disk." };
  return [
    outcome("node.ok", { version: "24.1.0" }),
    outcome("node.old", { version: "18.1.0" }),
    outcome("addon.ok", { threads: 2, platform: "linux-x64" }),
    outcome("processor.ok", processor),
    outcome("processor.slow", processor),
    outcome("memory.ok", memory),
    outcome("memory.little", memory),
    outcome("libraries.ok", { versions: "libpng 1.6" }),
    outcome("models.ok", { names: "lite0" }),
    outcome("models.bad", { names: "lite0", message: "Expected lite0." }),
    outcome("embedding.ok", embedded),
    outcome("embedding.without", { ...embedded, without: "cuda", library: "libcuda.so" }),
    outcome("embedding.fallback", { ...embedded, without: "cuda", reason: "no driver" }),
    outcome("embedding.failed", failed),
    outcome("embedding.not-numbers", {}),
    outcome("folder.ok", room),
    outcome("folder.little", room),
    outcome("folder.lossy", { folder: "/runs" }),
    outcome("folder.refused", { folder: "/runs", reason: "EACCES", message: "denied" }),
    outcome("broken.folder", failed),
    outcome("broken.part", failed),
  ];
}

describe("what the backend says", () => {
  const french = speechOf("fr");

  it("is said in the language of the person, with its numbers", () => {
    const told = notice("scan/ignored-files", { count: 1234, extensions: ".txt" });
    expect(speechOf("en").said(told)).toBe(told.message);
    expect(french.said(told)).toMatch(/^1\s234 fichiers ignorés\s:.*\(\.txt\)\.$/u);
    expect(french.said(notice("scan/duplicates", { count: 1 }))).toMatch(/^1 image citée/);
  });

  it("says why a provider is not used as far as that is known", () => {
    const told = (more: { reasons: string; without?: string; library?: string }) =>
      french.said(notice("run/provider", { ...PROVIDER, ...more }));
    expect(told({ reasons: "" })).toMatch(/\(sessions × fils\)\.$/);
    expect(told({ reasons: "cuda: no driver", without: "cuda" })).toMatch(/cuda ne fonctionne pas ici\.$/);
    expect(told({ reasons: "cuda: gone", without: "cuda", library: "libcuda.so" })).toContain("libcuda.so n’est pas");
  });

  it("is said without the place where that is not known, and in English where there is no sentence", () => {
    const problem = { code: "source/missing", message: "Expected a folder." };
    expect(french.said({ ...problem, details: { path: "/photos" } })).toContain("/photos");
    expect(french.said(problem)).toMatch(/^La source est introuvable/);
    expect(french.said({ code: "usage/invalid", message: "Expected it." })).toBe("Expected it.");
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
    expect(speechOf("en").duration(0.0132)).toBe("13 ms");
    expect(speechOf("en").duration(0)).toBe("0 secs");
    expect(speechOf("fr").fixed(-8, 1)).toMatch(/^.8,0$/u);
    expect(speechOf("en").duration(75)).toBe("75 secs");
    expect(speechOf("en").duration(7260)).toBe("2 hrs 1 min");
  });

  it("chooses the first language that it speaks", () => {
    expect(chooseLanguage(["de-CH", "fr-CH", "en"])).toBe("fr");
    expect(chooseLanguage(["de"])).toBe("en");
    expect(chooseLanguage([])).toBe("en");
  });
});
