import { clsx } from "clsx";
import { Play, Recycle } from "lucide-react";
import { useEffect, useState } from "react";
import type { RequestOf } from "../../../src-main/api/channels.js";
import type { Preset } from "../../../src-main/api/contract.js";
import { client, problemOf } from "../../api/client.js";
import { go, useRoute } from "../../app/router.js";
import { TextField } from "../../components/Field.js";
import { PathField } from "../../components/PathField.js";
import { S3Fields } from "../../components/S3Fields.js";
import { isBucket, NO_S3, s3Options } from "../../components/s3-choice.js";
import { Button, Choice, ProblemNote } from "../../components/ui.js";
import { useSettings, useSpeech } from "../../state/settings.js";
import { suggestedOut } from "./suggested-out.js";
import { useDrop } from "./use-drop.js";
import { useOut } from "./use-out.js";
import { useProbe } from "./use-probe.js";
import { VarianceField } from "./VarianceField.js";

const PRESETS: readonly Preset[] = ["fast", "balanced", "exact"];

export function NewRunView() {
  const { t } = useSpeech();
  const info = useSettings((state) => state.info);
  const given = useRoute((route) => route.search.get("source"));
  const [source, setSource] = useState(given ?? "");
  const [s3, setS3] = useState(NO_S3);
  const home = useSettings((state) => state.info?.home ?? "");
  const [out, setOut] = useOut(suggestedOut(source.trim(), home));
  const [preset, setPreset] = useState<Preset>();
  const [variance, setVariance] = useState(0.8);
  const [labelFrom, setLabelFrom] = useState<"parent" | "none">("parent");
  const [choosing, setChoosing] = useState(false);
  const { over, ...drop } = useDrop({ onPath: setSource, onNoPath: () => setChoosing(true) });
  const [starting, setStarting] = useState(false);
  const [problem, setProblem] = useState<{ code: string; message: string }>();
  const chosen = preset ?? info?.preset ?? "balanced";
  const probe = useProbe({ source: source.trim(), out: out.trim(), preset: chosen, labelFrom, s3 });
  // The desktop app comes here with a folder that was dropped on another view, or again on this one.
  useEffect(() => {
    if (given !== null) setSource(given);
  }, [given]);
  const inBucket = isBucket(source) || isBucket(out);

  const start = async () => {
    setStarting(true);
    setProblem(undefined);
    const request: RequestOf<"jobs.start"> = {
      kind: "run",
      request: { sources: [source.trim()], out: out.trim(), preset: chosen, variance, labelFrom },
      ...(inBucket ? { s3: s3Options(s3) } : {}),
    };
    try {
      await client.call("jobs.start", request);
      go({ view: "jobs" });
    } catch (error) {
      setProblem(problemOf(error));
      setStarting(false);
    }
  };
  return (
    <div className="relative h-full overflow-y-auto">
      <form
        className="mx-auto max-w-2xl px-6 pt-5"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <h1 className="mb-5 text-lg font-semibold tracking-tight">{t("nav.new")}</h1>
        <div
          {...drop}
          data-testid="drop"
          className={clsx(
            "rounded-xl border border-dashed p-4 transition-colors",
            over ? "border-accent bg-accent-soft" : "border-line-strong/60 bg-surface",
          )}
        >
          <PathField
            id="source"
            label={t("new.source")}
            help={t(client.shell ? "new.sourceDrop" : "new.sourceHelp")}
            value={source}
            onChange={setSource}
            placeholder={t("new.sourcePlaceholder")}
            choosing={choosing}
            onChoosing={setChoosing}
          />
          {inBucket && (
            <div className="mt-4">
              <S3Fields value={s3} onChange={setS3} />
            </div>
          )}
        </div>
        <Found probe={probe} />
        <fieldset className="mt-6">
          <legend className="mb-1.5 font-medium">{t("new.preset")}</legend>
          <div className="grid gap-2 sm:grid-cols-3">
            {PRESETS.map((name) => (
              <label
                key={name}
                className={clsx(
                  "cursor-pointer rounded-lg border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
                  name === chosen ? "border-accent bg-accent-soft" : "border-line bg-surface hover:border-line-strong",
                )}
              >
                <input
                  type="radio"
                  name="preset"
                  className="sr-only"
                  checked={name === chosen}
                  onChange={() => setPreset(name)}
                />
                <span className="font-semibold">{t(`new.preset.${name}`)}</span>
                <span className={clsx("block", name === chosen ? "text-ink" : "text-muted")}>
                  {t(`new.preset.${name}Text`)}
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <div className="mt-6 grid gap-6 sm:grid-cols-2">
          <VarianceField id="variance" value={variance} onChange={setVariance} />
          <div>
            <p className="mb-1.5 font-medium" aria-hidden>
              {t("new.labels")}
            </p>
            <Choice
              label={t("new.labels")}
              className="w-full"
              value={labelFrom}
              onChange={({ target }) => setLabelFrom(target.value as "parent" | "none")}
            >
              <option value="parent">{t("new.labels.parent")}</option>
              <option value="none">{t("new.labels.none")}</option>
            </Choice>
          </div>
        </div>
        <div className="mt-6">
          <TextField id="out" label={t("new.out")} help={t("new.outHelp")} value={out} onChange={setOut} />
          <Standing probe={probe} />
        </div>
        {problem && (
          <div className="mt-4">
            <ProblemNote {...problem} />
          </div>
        )}
        <div className="sticky bottom-0 -mx-6 mt-6 flex items-center gap-4 border-t border-line bg-ground px-6 py-4">
          <Estimate probe={probe} />
          <div className="grow" />
          <Button
            kind="primary"
            type="submit"
            icon={Play}
            disabled={starting || source.trim() === "" || out.trim() === "" || probe.images === 0}
          >
            {t("new.start")}
          </Button>
        </div>
      </form>
    </div>
  );
}

type Probe = ReturnType<typeof useProbe>;

/** What is in the folder, counted as it is walked. */
function Found({ probe }: { probe: Probe }) {
  const { t, bytes } = useSpeech();
  if (probe.problem) {
    return (
      <div className="mt-2">
        <ProblemNote {...probe.problem} />
      </div>
    );
  }
  return (
    <p role="status" className="tabular mt-2 min-h-5 font-medium">
      {probe.state === "counting" && t("new.counting", { images: t("runs.photos", { count: probe.images ?? 0 }) })}
      {probe.images === 0 && probe.state !== "counting" && t("new.none")}
      {probe.images !== undefined &&
        probe.images > 0 &&
        probe.state !== "counting" &&
        t("new.found", {
          images: t("runs.photos", { count: probe.images }),
          labels: t("runs.labels", { count: probe.labels ?? 0 }),
          bytes: bytes(probe.bytes ?? 0),
        })}
    </p>
  );
}

function Estimate({ probe }: { probe: Probe }) {
  const { t, n, duration } = useSpeech();
  return (
    <div role="status" className="tabular min-h-5 text-muted">
      {probe.state === "measuring" && t("new.measuring")}
      {probe.seconds != null && probe.seconds > 0 && probe.imagesPerSecond != null && (
        <span className="text-ink">
          {t("new.estimate", {
            duration: duration(probe.seconds),
            rate: t("new.rate", { rate: n(probe.imagesPerSecond) }),
          })}
        </span>
      )}
    </div>
  );
}

/** The run that stands in the run folder already: what of it is reused, or why it cannot be continued. */
function Standing({ probe }: { probe: Probe }) {
  const { t } = useSpeech();
  const { existing, images = 0 } = probe;
  if (!existing) return null;
  if (existing.problem) {
    return (
      <div className="mt-2">
        <ProblemNote {...existing.problem} />
      </div>
    );
  }
  const fresh = Math.max(0, images - existing.reusable);
  return (
    <p role="status" className="tabular mt-2 flex items-start gap-2 rounded-md bg-accent-soft px-3 py-2">
      <Recycle size={15} className="mt-0.5 shrink-0 text-accent" aria-hidden />
      <span>
        <span className="font-medium">{t("new.reused", { count: existing.reusable })}</span>{" "}
        {fresh > 0 ? t("new.fresh", { count: fresh }) : t("new.allReused")}
      </span>
    </p>
  );
}
