import { type DragEvent, useState } from "react";
import { client } from "../../api/client.js";
import { tell } from "../../state/app.js";
import { useSpeech } from "../../state/settings.js";

/**
 * A place to drop a folder on. The desktop app tells its path. A browser shows a page no paths, and sending the photos
 * through the page would be slower than to choose the folder on the machine that serves: so it says that, and helps.
 */
export function useDrop({ onPath, onNoPath }: { onPath: (path: string) => void; onNoPath: () => void }) {
  const { t } = useSpeech();
  const [over, setOver] = useState(false);
  return {
    over,
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "link";
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const [file] = event.dataTransfer.files;
      const path = file && client.shell ? client.shell.pathOf(file) : "";
      if (path) {
        onPath(path);
        return;
      }
      tell({ kind: "done", text: t("new.dropNoPath") });
      onNoPath();
    },
  };
}
