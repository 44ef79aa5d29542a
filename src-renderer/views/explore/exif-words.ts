/** EXIF in the person's words. */
import type { ExifFact } from "../../../src-main/api/exif.js";
import type { Speech } from "../../i18n/index.js";

/** Degrees by which EXIF's orientations are turned, clockwise; the even ones below 5 and odd ones above are mirrored too. */
const TURNED: Readonly<Record<number, number>> = { 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270 };
const MIRRORED = new Set([2, 4, 5, 7]);
/** Bit of EXIF's flash that tells whether it fired. */
const FIRED = 1;

/** What is said of a fact; empty for one that says nothing, such as a camera that was held upright. */
export function exifValue({ t, n }: Speech, { tag, value, code }: ExifFact): string {
  if (tag === "Flash" && code !== null) return t(code & FIRED ? "exif.flash.fired" : "exif.flash.off");
  if (tag === "WhiteBalance" && code !== null) return t(code === 0 ? "exif.white.auto" : "exif.white.manual");
  if (tag === "Orientation" && code !== null) {
    const turned = TURNED[code];
    return [
      ...(turned === undefined ? [] : [t("exif.turned", { degrees: turned })]),
      ...(MIRRORED.has(code) ? [t("exif.mirrored")] : []),
    ].join(", ");
  }
  if (tag === "GPSLatitude" || tag === "GPSLongitude") return `${n(Number(value), 4)}°`;
  if (tag === "ExposureTime") return `${value} s`;
  // Millimetres, f-numbers and metres have a decimal point; names of cameras keep theirs.
  if (tag === "FocalLength" || tag === "FNumber" || tag === "GPSAltitude") {
    return value.replace(/\d+\.\d+/, (number) => n(Number(number), 2));
  }
  return value;
}
