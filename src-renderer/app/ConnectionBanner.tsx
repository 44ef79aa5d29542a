import { Unplug } from "lucide-react";
import { client } from "../api/client.js";
import { Button } from "../components/ui.js";
import { useApp } from "../state/app.js";
import { useSpeech } from "../state/settings.js";

const SERVER = {
  lost: "connection.lost",
  lostDetail: "connection.lostDetail",
  ended: "connection.ended",
} as const;
/** Of the desktop app. */
const ENGINE = {
  lost: "connection.engineLost",
  lostDetail: "connection.engineLostDetail",
  ended: "connection.engineEnded",
} as const;

/** Says that the server is gone. What is on the screen stays, so that nobody loses their place. */
export function ConnectionBanner() {
  const { t } = useSpeech();
  const link = useApp((state) => state.link);
  if (link === "online" || link === "connecting") return <div role="status" />;
  const { lost, lostDetail, ended } = client.shell ? ENGINE : SERVER;
  const text = link === "lost" ? lost : link === "ended" ? ended : "connection.unauthorised";
  return (
    <div role="status" className="flex items-center gap-3 bg-warning-soft px-4 py-2 text-warning">
      <Unplug size={16} aria-hidden className="shrink-0" />
      <p className="grow">
        <strong className="font-semibold">{t(text)}</strong> {link === "lost" && t(lostDetail)}
      </p>
      {link === "lost" && (
        <Button onClick={() => client.retryNow()} className="!h-7">
          {t("connection.retry")}
        </Button>
      )}
    </div>
  );
}
