import { Check, ClipboardCopy, Stethoscope, TriangleAlert, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import type { About, DiagnosisAnswer } from "../../../src-main/api/about.js";
import type { Problem } from "../../../src-main/api/channels.js";
import { client, problemOf } from "../../api/client.js";
import { CopyButton } from "../../components/CopyButton.js";
import { Button, ProblemNote } from "../../components/ui.js";
import { copyText } from "../../state/clipboard.js";
import { useSettings, useSpeech } from "../../state/settings.js";
import { diagnosticText } from "./diagnostic-text.js";

/** Versions, licences, places, and what to send along when something is wrong. */
export function AboutView() {
  const { t, bytes } = useSpeech();
  const info = useSettings((state) => state.info);
  const [about, setAbout] = useState<About>();
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    client.call("app.about", {}).then(setAbout, (error) => setProblem(problemOf(error)));
  }, []);
  return (
    <div className="relative h-full overflow-y-auto">
      <div className="mx-auto max-w-3xl px-6 py-5">
        <h1 className="text-lg font-semibold tracking-tight">
          Verger <span className="tabular font-normal text-muted">{about?.version ?? info?.version}</span>
        </h1>
        <p className="mt-1 max-w-[65ch] text-muted">{t("about.text")}</p>
        {problem && <ProblemNote {...problem} />}
        {about && (
          <>
            <Diagnose about={about} />
            <Section title={t("about.places")}>
              <dl className="divide-y divide-line border-y border-line">
                {(["settings", "history", "models", "sync", "cache"] as const).map((name) => (
                  <div key={name} className="flex items-center gap-3 py-1">
                    <dt className="w-40 shrink-0 text-muted">{t(`about.places.${name}`)}</dt>
                    <dd className="flex min-w-0 grow items-center gap-3">
                      <span className="min-w-0 grow [overflow-wrap:anywhere]">{about.places[name]}</span>
                      <CopyButton text={about.places[name]} what={t(`about.places.${name}`)} />
                    </dd>
                  </div>
                ))}
              </dl>
              <p className="mt-2 text-muted">{t("about.logs")}</p>
            </Section>
            <Section title={t("about.models")}>
              <ul className="space-y-2">
                {about.models
                  .filter(({ installed }) => installed)
                  .map(({ name, licence, source, sha256 }) => (
                    <li key={name}>
                      <span className="font-medium">{name}</span> <span className="text-muted">· {licence}</span>
                      <span className="block [overflow-wrap:anywhere] text-muted">{source}</span>
                      <code className="block text-2xs [overflow-wrap:anywhere] text-muted">sha256 {sha256}</code>
                    </li>
                  ))}
              </ul>
            </Section>
            <Section title={t("about.credits")}>
              <p className="max-w-[70ch]">{t("about.licence", { licence: about.licence })}</p>
              <p className="mt-2 max-w-[70ch]">{t("about.photos")}</p>
            </Section>
            <Section title={t("about.software")}>
              <dl className="grid grid-cols-[9rem_1fr] gap-y-2">
                {info && (
                  <>
                    <dt className="text-muted">{t("settings.machine")}</dt>
                    <dd>
                      {t("settings.machineText", {
                        platform: info.platform,
                        count: info.processors,
                        memory: bytes(info.memoryBytes),
                      })}
                    </dd>
                  </>
                )}
                <dt className="text-muted">{t("about.runtime")}</dt>
                <dd className="tabular">{listed(about.runtime)}</dd>
                <dt className="text-muted">{t("about.native")}</dt>
                <dd className="tabular">{listed(about.native)}</dd>
                <dt className="text-muted">{t("about.libraries")}</dt>
                <dd className="tabular">{listed(about.libraries)}</dd>
              </dl>
            </Section>
          </>
        )}
      </div>
    </div>
  );
}

const listed = (items: About["libraries"]): string => items.map(({ name, version }) => `${name} ${version}`).join(", ");

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="mt-7">
      <h2 className="mb-2 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

const ICONS = { ok: Check, warn: TriangleAlert, fail: X } as const;
const TONES = { ok: "text-accent", warn: "text-warning", fail: "text-danger" } as const;

function Diagnose({ about }: { about: About }) {
  const { t, said } = useSpeech();
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<DiagnosisAnswer>();
  const [problem, setProblem] = useState<Problem>();
  const run = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      setFound(await client.call("app.diagnose", {}));
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="mt-5 rounded-xl border border-line bg-surface p-4">
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0 grow basis-64">{t("about.diagnose.text")}</p>
        {found && (
          <Button icon={ClipboardCopy} onClick={() => void copyText(diagnosticText(about, found))}>
            {t("about.diagnose.copy")}
          </Button>
        )}
        <Button kind={found ? "plain" : "primary"} icon={Stethoscope} disabled={busy} onClick={() => void run()}>
          {t(busy ? "about.diagnose.busy" : "about.diagnose")}
        </Button>
      </div>
      {problem && (
        <div className="mt-3">
          <ProblemNote {...problem} />
        </div>
      )}
      {found && (
        <ul className="mt-3 divide-y divide-line border-t border-line" aria-label={t("about.diagnose")}>
          {found.checks.map(({ id, title, state, code, details, found: text, advice, problem }) => {
            const Icon = ICONS[state];
            const told = problem ?? { code, message: text, details };
            return (
              <li key={id} className="flex gap-2.5 py-1.5">
                <Icon size={15} className={`mt-0.5 shrink-0 ${TONES[state]}`} aria-label={t(`about.check.${state}`)} />
                <span className="w-36 shrink-0 font-medium">{said({ code: `check.${id}`, message: title })}</span>
                <span className="min-w-0 grow [overflow-wrap:anywhere]">
                  {said(told)}
                  {advice && (
                    <span className={`block ${TONES[state]}`}>
                      {said({ code: `${code}.advice`, message: advice, details })}
                    </span>
                  )}
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
