/** Where this person's thumbnails are kept. */
import path from "node:path";
import { settingsSchema } from "../api/channels.js";
import { DiskCache } from "../core/thumbnails/disk-cache.js";
import { ThumbnailKeeper } from "../core/thumbnails/keeper.js";
import { userFolder } from "../core/user-folder.js";
import { userCacheFolder } from "../storage/cache/folder.js";
import { readState } from "./state-file.js";

/** The folder of what the window remembers. */
export function windowFolder(): string {
  return path.join(userFolder(), "window");
}

/** The folder of thumbnails in a cache folder. */
export function thumbnailFolder(cacheFolder = userCacheFolder()): string {
  return path.join(cacheFolder, "thumbnails");
}

/** For a job that keeps thumbnails: the window's cache, within the bound that the person has set there. */
export async function openThumbnailKeeper(): Promise<ThumbnailKeeper> {
  const settings = await readState(path.join(windowFolder(), "settings.json"), settingsSchema);
  const { thumbnailBytes } = settings ?? settingsSchema.parse({});
  return new ThumbnailKeeper(new DiskCache(thumbnailFolder(), thumbnailBytes), thumbnailBytes);
}
