/** What the window shows of a photo's EXIF. */
import * as z from "zod";

/** In the order in which they are shown. */
export const EXIF_TAGS = [
  "Make",
  "Model",
  "LensModel",
  "FocalLength",
  "FNumber",
  "ExposureTime",
  "ISOSpeedRatings",
  "Flash",
  "WhiteBalance",
  "Orientation",
  "GPSLatitude",
  "GPSLongitude",
  "GPSAltitude",
  "Software",
] as const;

export const exifFactSchema = z.object({
  tag: z.enum(EXIF_TAGS),
  /** As text for people; of a place signed degrees, north and east above zero. */
  value: z.string(),
  /** Of a choice (flash, white balance, orientation): EXIF's number for it. */
  code: z.number().int().nullable(),
});
export type ExifFact = z.infer<typeof exifFactSchema>;
