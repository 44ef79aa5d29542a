import { clsx } from "clsx";
import { ImageOff } from "lucide-react";
import { useState } from "react";
import type { ThumbnailSize } from "../../src-main/api/channels.js";
import { imageUrl } from "../api/client.js";

/**
 * Gives a photo up that has left the page before it came: the browser would go on loading it, and those that are looked
 * at now would wait behind it.
 */
const giveUpWhenGone = (image: HTMLImageElement) => () => {
  if (!image.complete) image.removeAttribute("src");
};

/** A photo of a run, or a quiet placeholder where it cannot be shown. */
export function Photo({
  run,
  row,
  size,
  alt = "",
  cover,
  className,
}: {
  run: { run: string; version: string };
  row: number;
  size: ThumbnailSize;
  alt?: string;
  /** Fill the frame instead of showing the whole photo. */
  cover?: boolean;
  className?: string;
}) {
  const source = imageUrl(run, row, size);
  const [failed, setFailed] = useState<string>();
  if (failed === source) {
    return (
      <span className={clsx("flex items-center justify-center bg-sunken text-muted", className)}>
        <ImageOff size={16} aria-hidden />
        {alt && <span className="sr-only">{alt}</span>}
      </span>
    );
  }
  return (
    <img
      ref={giveUpWhenGone}
      src={source}
      alt={alt}
      decoding="async"
      draggable={false}
      onError={() => setFailed(source)}
      className={clsx("bg-sunken", cover ? "object-cover" : "object-contain", className)}
    />
  );
}
