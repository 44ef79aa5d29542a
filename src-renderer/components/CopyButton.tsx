import { Copy } from "lucide-react";
import { copyText } from "../state/clipboard.js";
import { useSpeech } from "../state/settings.js";
import { IconButton } from "./ui.js";

/** Copies a text; `what` it is is said to those who do not see it. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const { t } = useSpeech();
  return <IconButton icon={Copy} size={14} label={t("copy.what", { what })} onClick={() => void copyText(text)} />;
}
