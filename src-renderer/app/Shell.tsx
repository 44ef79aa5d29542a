import { clsx } from "clsx";
import { Keyboard, Plus, Settings as SettingsIcon } from "lucide-react";
import type { ReactNode } from "react";
import { isActive } from "../../src-main/api/progress.js";
import { IconButton } from "../components/ui.js";
import { useApp } from "../state/app.js";
import { useExplore } from "../state/explore.js";
import { useSpeech } from "../state/settings.js";
import { ConnectionBanner } from "./ConnectionBanner.js";
import { JobsBar } from "./JobsBar.js";
import { type Place, writePlace } from "./link.js";
import { Notes } from "./Notes.js";
import { go, useRoute } from "./router.js";

/** What stands around every view: the bar above, banners, the bar of jobs below. */
export function Shell({ children, onKeys }: { children: ReactNode; onKeys: () => void }) {
  const { t } = useSpeech();
  return (
    <div className="flex h-full flex-col">
      <button
        type="button"
        onClick={() => document.getElementById("content")?.focus()}
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2"
      >
        {t("app.skip")}
      </button>
      <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line bg-surface px-3 max-sm:h-auto max-sm:flex-wrap max-sm:py-2">
        <a
          href={writePlace({ view: "runs" })}
          className="mr-3 flex items-center gap-2 rounded-md px-1 text-[0.9375rem] font-semibold tracking-tight"
        >
          <Logo />
          Verger
        </a>
        <MainLinks />
        <div className="grow" />
        <a
          href={writePlace({ view: "new" })}
          className="mr-1 inline-flex h-8 shrink-0 items-center gap-1.5 rounded-md bg-accent px-3 font-medium text-on-accent hover:brightness-110"
        >
          <Plus size={15} aria-hidden />
          {t("nav.new")}
        </a>
        <IconButton icon={Keyboard} label={t("nav.keys")} onClick={onKeys} />
        <IconButton icon={SettingsIcon} label={t("nav.settings")} onClick={() => go({ view: "settings" })} />
      </header>
      <ConnectionBanner />
      <main id="content" tabIndex={-1} className="relative min-h-0 grow outline-none">
        {children}
      </main>
      <JobsBar />
      <Notes />
    </div>
  );
}

function MainLinks() {
  const { t } = useSpeech();
  const place = useRoute((route) => route.place);
  const running = useApp((state) => state.jobs?.filter(isActive).length ?? 0);
  const card = useExplore((state) => state.overview?.card);
  const openRun = "run" in place ? place.run : card?.run;
  return (
    <>
      <nav aria-label={t("nav.main")} className="flex items-center gap-0.5">
        <Tab to={{ view: "runs" }} current={place.view === "runs"}>
          {t("nav.runs")}
        </Tab>
        <Tab to={{ view: "jobs" }} current={place.view === "jobs"}>
          {t("nav.jobs")}
          {running > 0 && (
            <span className="tabular ml-1.5 rounded-full bg-accent px-1.5 text-2xs font-semibold text-on-accent">
              {running}
            </span>
          )}
        </Tab>
        <Tab to={{ view: "transfers" }} current={place.view === "transfers"}>
          {t("nav.transfers")}
        </Tab>
      </nav>
      {openRun && (
        <nav aria-label={t("nav.run")} className="ml-2 flex min-w-0 items-center gap-0.5 border-l border-line pl-3">
          <span className="mr-2 max-w-56 truncate text-muted" title={card?.path}>
            {card?.run === openRun ? card.name : "…"}
          </span>
          <Tab to={{ view: "explore", run: openRun }} current={place.view === "explore"}>
            {t("nav.explore")}
          </Tab>
          <Tab to={{ view: "variance", run: openRun }} current={place.view === "variance"}>
            {t("nav.variance")}
          </Tab>
        </nav>
      )}
    </>
  );
}

function Tab({ to, current, children }: { to: Place; current: boolean; children: ReactNode }) {
  return (
    <a
      href={writePlace(to)}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        // Its address says nothing of what is looked at, which a click on where one is already must not lose.
        if (current && !event.ctrlKey && !event.metaKey && !event.shiftKey) event.preventDefault();
      }}
      className={clsx(
        "inline-flex h-8 items-center rounded-md px-2.5 font-medium transition-colors",
        current ? "bg-sunken text-ink" : "text-muted hover:text-ink",
      )}
    >
      {children}
    </a>
  );
}

function Logo() {
  return (
    <svg width="20" height="20" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="8" cy="15" r="4.2" fill="#3f8f4f" />
      <circle cx="16.4" cy="14" r="3.4" fill="#c8553d" />
      <circle cx="12.6" cy="7" r="2.8" fill="#e0a83e" />
    </svg>
  );
}
