/**
 * What the window says, in the person's language. A dictionary of our own: i18next asks for a newer Node than Verger
 * does, and a typed object with Intl.PluralRules is all that is needed.
 */
import type { Language } from "../../src-main/api/language.js";
import { durationText, LOCALES, unitText } from "../../src-main/api/spoken.js";
import { en } from "./en.js";
import { fr } from "./fr.js";
import { frDoctor } from "./fr-doctor.js";
import { frNotices, frProblems } from "./fr-said.js";

export { chooseLanguage, type Language } from "../../src-main/api/language.js";

export type Key = keyof typeof en;
/** A sentence, or one per plural category of `count`. */
export type Message = string | Readonly<Record<string, string>>;
export type Dictionary = Readonly<Record<Key, Message>>;
export type Values = Readonly<Record<string, string | number>>;

export const LANGUAGES: Readonly<Record<Language, { readonly name: string; readonly messages: Dictionary }>> = {
  en: { name: "English", messages: en },
  fr: { name: "Français", messages: fr },
};

/** Sentences by code; of several the first counts whose {values} are all known. */
export type Said = Readonly<Record<string, Message | readonly string[]>>;

/** A notice or a failure of the backend: its English sentence, and what it takes to say it in another language. */
export interface Told {
  readonly code: string;
  readonly message: string;
  readonly details?: Values | undefined;
}

/** What the backend says, in languages other than its own. */
export const SAID: Readonly<Record<Language, Said>> = { en: {}, fr: { ...frNotices, ...frProblems, ...frDoctor } };

/** Words, numbers and dates of one language. */
export interface Speech {
  readonly language: Language;
  /** The message of a key with its {values} put in; numbers are written as the language writes them. */
  t(key: Key, values?: Values): string;
  /** What the backend tells, in the person's language; its English sentence where there is none. */
  said(told: Told): string;
  /** A number, at most `digits` decimals (default 0). */
  n(value: number, digits?: number): string;
  /** A number with so many decimals (1 or 3, the default), whatever they are: for numbers that are compared. */
  fixed(value: number, digits?: 1 | 3): string;
  /** A share in 0..1 as a percentage. */
  percent(share: number, digits?: number): string;
  /** Bytes in the unit that gives one to three digits before the point (1 kB = 1000 bytes). */
  bytes(value: number): string;
  /** Seconds as the two largest units that count. */
  duration(seconds: number): string;
  date(value: string | number): string;
  /** A date without its time. */
  day(value: string | number): string;
  /** Date and time of a clock of its own (a camera's), in milliseconds since 1970 as if that clock kept UTC. */
  clock(value: number): string;
  clockDay(value: number): string;
  /** Orders words as the language does, whatever the case; numbers inside by their value. */
  compare(a: string, b: string): number;
}

/** A place in a sentence where a value goes. A number whose name ends in `Bytes` or `Seconds` is said in that unit. */
const VALUE = /\{(\w+)\}/g;
const isList = (said: Message | readonly string[]): said is readonly string[] => Array.isArray(said);
const speeches = new Map<Language, Speech>();

/** The speech of a language; made once, since Intl's formatters are slow to make. */
export function speechOf(language: Language): Speech {
  const known = speeches.get(language);
  if (known) return known;
  const made = makeSpeech(language);
  speeches.set(language, made);
  return made;
}

function makeSpeech(language: Language): Speech {
  const locale = LOCALES[language];
  const { messages } = LANGUAGES[language];
  const plurals = new Intl.PluralRules(locale);
  const numbers = Array.from(
    { length: 5 },
    (_, digits) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }),
  );
  const percents = Array.from(
    { length: 3 },
    (_, digits) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }),
  );
  const dates = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const days = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const clocks = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  const clockDays = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
  const decimals = (digits: number) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [tenths, thousandths] = [decimals(1), decimals(3)];
  const n = (value: number, digits = 0) => (numbers[digits] ?? numbers[0])?.format(value) ?? String(value);
  const formOf = (message: Message, values: Values): string | undefined =>
    typeof message === "string" ? message : (message[plurals.select(Number(values.count ?? 0))] ?? message.other);
  const fill = (sentence: string, values: Values): string =>
    sentence.replace(VALUE, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === "number" ? written(name, value) : value;
    });
  const written = (name: string, value: number): string => {
    if (name.endsWith("Bytes")) return speech.bytes(value);
    return name.endsWith("Seconds") ? speech.duration(value) : n(value);
  };

  const speech: Speech = {
    language,
    n,
    t: (key, values = {}) => fill(formOf(messages[key], values) ?? key, values),
    said({ code, message, details = {} }) {
      const said = SAID[language][code];
      if (said === undefined) return message;
      const sentences = isList(said) ? said : [formOf(said, details) ?? message];
      const known = sentences.find((sentence) =>
        [...sentence.matchAll(VALUE)].every(([, name]) => details[name as string] !== undefined),
      );
      return known === undefined ? message : fill(known, details).trim();
    },
    fixed: (value, digits = 3) => (digits === 1 ? tenths : thousandths).format(value),
    percent: (share, digits = 1) => (percents[digits] ?? percents[1])?.format(share) ?? String(share),
    bytes(value) {
      const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
      let power = 0;
      let scaled = value;
      while (scaled >= 999.5 && power < units.length - 1) {
        scaled /= 1000;
        power++;
      }
      return unitText(language, scaled, units[power] ?? "byte", power > 1 && scaled < 100 ? 1 : 0);
    },
    duration: (seconds) => durationText(language, seconds),
    date: (value) => dates.format(new Date(value)),
    day: (value) => days.format(new Date(value)),
    clock: (value) => clocks.format(new Date(value)),
    clockDay: (value) => clockDays.format(new Date(value)),
    compare: collator.compare,
  };
  return speech;
}
