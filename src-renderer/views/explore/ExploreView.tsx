import { useEffect, useRef } from "react";
import { Group, Panel, Separator, useDefaultLayout } from "react-resizable-panels";
import { readLink } from "../../app/link.js";
import { useRoute } from "../../app/router.js";
import { Button, Empty } from "../../components/ui.js";
import { followInAddress, followLink, openRun, reopen, useExplore } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";
import { ExportDialog } from "./ExportDialog.js";
import { FilterChips } from "./FilterChips.js";
import { Gallery } from "./Gallery.js";
import { Inspector } from "./Inspector.js";
import { LabelPanel } from "./LabelPanel.js";
import { LocateDialog } from "./LocateDialog.js";
import { MapPanel } from "./MapPanel.js";
import { NoMap } from "./NoMap.js";
import { RelabelDialog } from "./RelabelDialog.js";

/** Map and gallery of a run, linked both ways; labels on the left, the chosen photo on the right. */
export function ExploreView({ run }: { run: string }) {
  const { t, said } = useSpeech();
  const ready = useExplore((state) => state.run === run && state.overview !== null);
  const problem = useExplore((state) => (state.run === run ? state.problem : null));
  const search = useRoute((route) => route.search);
  const shownAt = useRef(search);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address is read once; afterwards it follows the view.
  useEffect(() => {
    void openRun(run, readLink(search));
    return followInAddress(run);
  }, [run]);
  useEffect(() => {
    if (shownAt.current === search) return;
    shownAt.current = search;
    void followLink(readLink(search));
  }, [search]);
  if (problem) {
    return (
      <Empty title={t("error.loading")} text={said(problem)}>
        <Button onClick={() => void reopen()}>{t("action.retry")}</Button>
      </Empty>
    );
  }
  if (!ready) {
    return (
      <div role="status" className="flex h-full animate-pulse items-center justify-center text-muted">
        {t("explore.loading")}
      </div>
    );
  }
  return <Layout />;
}

function Layout() {
  const { t } = useSpeech();
  const across = useDefaultLayout({ id: "verger.explore.across", storage: localStorage });
  const down = useDefaultLayout({ id: "verger.explore.down", storage: localStorage });
  const name = useExplore((state) => state.overview?.card.name ?? "");
  const hasMap = useExplore((state) => (state.overview?.pca?.components ?? 0) > 0);
  return (
    <>
      <h1 className="sr-only">{t("nav.exploreOf", { name })}</h1>
      <Group orientation="horizontal" className="h-full" {...across}>
        <Panel id="labels" defaultSize={244} minSize={190} maxSize={420} groupResizeBehavior="preserve-pixel-size">
          <LabelPanel />
        </Panel>
        <Handle />
        <Panel id="centre" minSize={360}>
          <div className="flex h-full flex-col">
            <FilterChips />
            {hasMap ? (
              <Group orientation="vertical" className="min-h-0 grow" {...down}>
                <Panel id="map" defaultSize="58%" minSize={160}>
                  <MapPanel />
                </Panel>
                <Handle flat />
                <Panel id="gallery" minSize={120}>
                  <Gallery />
                </Panel>
              </Group>
            ) : (
              <>
                <NoMap />
                <div className="min-h-0 grow">
                  <Gallery />
                </div>
              </>
            )}
          </div>
        </Panel>
        <Handle />
        <Panel id="inspector" defaultSize={296} minSize={240} maxSize={560} groupResizeBehavior="preserve-pixel-size">
          <Inspector />
        </Panel>
      </Group>
      <RelabelDialog />
      <ExportDialog />
      <LocateDialog />
    </>
  );
}

function Handle({ flat }: { flat?: boolean }) {
  return (
    <Separator
      className={`${flat ? "h-px" : "w-px"} bg-line transition-colors hover:bg-accent focus-visible:bg-accent data-[separator=active]:bg-accent`}
    />
  );
}
