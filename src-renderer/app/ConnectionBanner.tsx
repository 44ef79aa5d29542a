import { Unplug } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { Button } from "../components/ui.js";
import { useApp } from "../state/app.js";
import { useSpeech } from "../state/settings.js";
import { addressToOpen } from "./new-address.js";

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
    <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-2 bg-warning-soft px-4 py-2 text-warning">
      <Unplug size={16} aria-hidden className="shrink-0" />
      <p className="min-w-0 grow basis-80">
        <strong className="font-semibold">{t(text)}</strong> {link === "lost" && t(lostDetail)}
      </p>
      {!client.shell && (link === "refused" || link === "ended") && <NewAddress />}
      {link === "lost" && (
        <Button onClick={() => client.retryNow()} className="!h-7">
          {t("connection.retry")}
        </Button>
      )}
    </div>
  );
}

/** Takes the address that the server printed when it was started again, and goes on here where the person was. */
function NewAddress() {
  const { t } = useSpeech();
  const [text, setText] = useState("");
  const target = addressToOpen(text, location);
  const wrong = text.trim() !== "" && target === undefined;
  return (
    <form
      className="flex items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (target !== undefined) location.assign(target);
      }}
    >
      <input
        value={text}
        onChange={(event) => setText(event.target.value)}
        aria-label={t("connection.address")}
        aria-invalid={wrong}
        placeholder={t("connection.address")}
        autoComplete="off"
        spellCheck={false}
        className="h-7 w-64 rounded-md border border-current bg-raised px-2 text-ink placeholder:text-muted aria-invalid:border-danger"
      />
      <Button type="submit" className="!h-7" disabled={target === undefined}>
        {t("connection.goOn")}
      </Button>
    </form>
  );
}
