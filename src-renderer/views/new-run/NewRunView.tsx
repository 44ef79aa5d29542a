import { clsx } from "clsx";
import { FolderSearch, Play } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import type { RequestOf } from "../../../src-main/api/channels.js";
import type { Preset } from "../../../src-main/api/contract.js";
import { client, problemOf } from "../../api/client.js";
import { go } from "../../app/router.js";
import { FolderDialog } from "../../components/FolderDialog.js";
import { Button, Choice, ProblemNote } from "../../components/ui.js";
import { useSettings, useSpeech } from "../../state/settings.js";
import { suggestedOut } from "./suggested-out.js";
import { useProbe } from "./use-probe.js";

const PRESETS: readonly Preset[] = ["fast", "balanced", "exact"];

export function NewRunView() {
  const { t, percent } = useSpeech();
  const info = useSettings((state) => state.info);
  const [source, setSource] = useState("");
  const [out, setOut] = useState("");
  const [ownOut, setOwnOut] = useState(false);
  const [preset, setPreset] = useState<Preset>();
  const [variance, setVariance] = useState(0.8);
  const [labelFrom, setLabelFrom] = useState<"parent" | "none">("parent");
  const [choosing, setChoosing] = useState(false);
  const [starting, setStarting] = useState(false);
  const [problem, setProblem] = useState<{ code: string; message: string }>();
  const chosen = preset ?? info?.preset ?? "balanced";
  const probe = useProbe({ source: source.trim(), out: out.trim(), preset: chosen, labelFrom });
  useEffect(() => {
    if (!ownOut) setOut(suggestedOut(source.trim()));
  }, [source, ownOut]);

  const start = async () => {
    setStarting(true);
    setProblem(undefined);
    const request: RequestOf<"jobs.start"> = {
      kind: "run",
      request: { sources: [source.trim()], out: out.trim(), preset: chosen, variance, labelFrom },
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
    <div className="h-full overflow-y-auto">
      <form
        className="mx-auto max-w-2xl px-6 py-5"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <h1 className="mb-5 text-lg font-semibold tracking-tight">{t("nav.new")}</h1>
        <Field id="source" label={t("new.source")} help={t("new.sourceHelp")}>
          <div className="flex gap-2">
            <input
              id="source"
              aria-describedby="source-help"
              className="field grow"
              placeholder={t("new.sourcePlaceholder")}
              value={source}
              onChange={(event) => setSource(event.target.value)}
              spellCheck={false}
              autoComplete="off"
            />
            <Button icon={FolderSearch} onClick={() => setChoosing(true)}>
              {t("action.choose")}
            </Button>
          </div>
        </Field>
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
          <Field id="variance" label={t("new.variance")} help={t("new.varianceHelp")}>
            <div className="flex h-8 items-center gap-3">
              <input
                id="variance"
                aria-describedby="variance-help"
                type="range"
                min={0.5}
                max={0.99}
                step={0.01}
                value={variance}
                onChange={(event) => setVariance(Number(event.target.value))}
                className="grow accent-accent"
              />
              <output htmlFor="variance" className="tabular w-12 text-right font-semibold">
                {percent(variance, 0)}
              </output>
            </div>
          </Field>
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
          <Field id="out" label={t("new.out")} help={t("new.outHelp")}>
            <input
              id="out"
              aria-describedby="out-help"
              className="field w-full"
              value={out}
              onChange={(event) => {
                setOwnOut(event.target.value !== "");
                setOut(event.target.value);
              }}
              spellCheck={false}
              autoComplete="off"
            />
          </Field>
        </div>
        {problem && (
          <div className="mt-4">
            <ProblemNote {...problem} />
          </div>
        )}
        <div className="mt-6 flex items-center gap-4 border-t border-line pt-4">
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
      <FolderDialog
        open={choosing}
        onClose={() => setChoosing(false)}
        onChoose={(path) => {
          setChoosing(false);
          setSource(path);
        }}
        start={source.trim()}
      />
    </div>
  );
}

function Field({ id, label, help, children }: { id: string; label: string; help: string; children: ReactNode }) {
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block font-medium">
        {label}
      </label>
      {children}
      <p id={`${id}-help`} className="mt-1 text-muted">
        {help}
      </p>
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
  const existing = probe.existing;
  return (
    <div role="status" className="tabular min-h-5 text-muted">
      {probe.state === "measuring" && t("new.measuring")}
      {probe.seconds != null && probe.imagesPerSecond != null && (
        <span className="text-ink">
          {t("new.estimate", {
            duration: duration(probe.seconds),
            rate: t("new.rate", { rate: n(probe.imagesPerSecond) }),
          })}
        </span>
      )}
      {existing && existing.done > 0 && !existing.problem && (
        <span className="block">{t("new.reused", { count: existing.done })}</span>
      )}
      {existing?.problem && <span className="block text-danger">{existing.problem.message}</span>}
    </div>
  );
}
