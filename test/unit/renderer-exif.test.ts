import { describe, expect, it } from "vitest";
import { EXIF_TAGS, type ExifFact } from "../../src-main/api/exif.js";
import { speechOf } from "../../src-renderer/i18n/index.js";
import { exifValue } from "../../src-renderer/views/explore/exif-words.js";

const [en, fr] = [speechOf("en"), speechOf("fr")];
const fact = (tag: ExifFact["tag"], value: string, code: number | null = null): ExifFact => ({ tag, value, code });

describe("EXIF in words", () => {
  it("names every tag, in both languages", () => {
    for (const tag of EXIF_TAGS) for (const speech of [en, fr]) expect(speech.t(`exif.${tag}`)).not.toContain("exif.");
  });

  it("says choices by their numbers, not by the file's English", () => {
    expect(exifValue(fr, fact("Flash", "Flash did not fire", 16))).toBe("Non déclenché");
    expect(exifValue(en, fact("Flash", "Flash fired, auto mode", 25))).toBe("Fired");
    expect(exifValue(fr, fact("WhiteBalance", "Auto white balance", 0))).toBe("Automatique");
    expect(exifValue(fr, fact("Flash", "unheard of"))).toBe("unheard of");
  });

  it.each([
    [1, ""],
    [2, "mirrored"],
    [3, "turned by 180°"],
    [5, "turned by 90°, mirrored"],
    [6, "turned by 90°"],
    [8, "turned by 270°"],
  ])("says of orientation %d: %s", (code, text) => {
    expect(exifValue(en, fact("Orientation", "top-left", code))).toBe(text);
  });

  it("writes numbers as the language does, and names as they are", () => {
    expect(exifValue(fr, fact("FNumber", "f/2.8"))).toBe("f/2,8");
    expect(exifValue(fr, fact("FocalLength", "4.25 mm"))).toBe("4,25 mm");
    expect(exifValue(fr, fact("GPSLatitude", "-33.86881"))).toMatch(/^.33,8688°$/u);
    expect(exifValue(en, fact("ExposureTime", "1/125"))).toBe("1/125 s");
    expect(exifValue(fr, fact("Model", "X-T3.5"))).toBe("X-T3.5");
  });
});
