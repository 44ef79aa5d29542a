import { CSPProvider } from "@base-ui/react/csp-provider";
import { Component, lazy, type ReactNode, Suspense, useLayoutEffect, useState } from "react";
import { Button, Empty } from "../components/ui.js";
import { useSpeech, useTheme } from "../state/settings.js";
import { RunsView } from "../views/runs/RunsView.js";
import { KeysDialog } from "./KeysDialog.js";
import { type Place, writePlace } from "./link.js";
import { go, useRoute } from "./router.js";
import { Shell } from "./Shell.js";
import { useShortcuts } from "./shortcuts.js";

const ExploreView = lazy(async () => ({ default: (await import("../views/explore/ExploreView.js")).ExploreView }));
const VarianceView = lazy(async () => ({ default: (await import("../views/variance/VarianceView.js")).VarianceView }));
const NewRunView = lazy(async () => ({ default: (await import("../views/new-run/NewRunView.js")).NewRunView }));
const JobsView = lazy(async () => ({ default: (await import("../views/jobs/JobsView.js")).JobsView }));
const CompareView = lazy(async () => ({ default: (await import("../views/compare/CompareView.js")).CompareView }));
const TransfersView = lazy(async () => ({
  default: (await import("../views/transfers/TransfersView.js")).TransfersView,
}));
const AboutView = lazy(async () => ({ default: (await import("../views/about/AboutView.js")).AboutView }));
const SettingsView = lazy(async () => ({ default: (await import("../views/settings/SettingsView.js")).SettingsView }));

export function App() {
  const theme = useTheme();
  const { language } = useSpeech();
  const place = useRoute((route) => route.place);
  const [keys, setKeys] = useState(false);
  useShortcuts(() => setKeys(true));
  // Before the page is painted: it must not flash in the other theme, nor be read out in the other language.
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
    document.documentElement.lang = language;
  }, [theme, language]);
  return (
    // The page's security policy refuses style elements that were not in it from the start.
    <CSPProvider disableStyleElements>
      <Shell onKeys={() => setKeys(true)}>
        <Boundary key={writePlace(place)}>
          <Suspense fallback={null}>
            <View place={place} />
          </Suspense>
        </Boundary>
      </Shell>
      <KeysDialog open={keys} onClose={() => setKeys(false)} />
    </CSPProvider>
  );
}

function View({ place }: { place: Place }) {
  const { t } = useSpeech();
  switch (place.view) {
    case "runs":
      return <RunsView />;
    case "explore":
      return <ExploreView run={place.run} />;
    case "variance":
      return <VarianceView run={place.run} />;
    case "new":
      return <NewRunView />;
    case "jobs":
      return <JobsView />;
    case "compare":
      return <CompareView a={place.a} b={place.b} />;
    case "transfers":
      return <TransfersView />;
    case "settings":
      return <SettingsView />;
    case "about":
      return <AboutView />;
    default:
      return (
        <Empty title={t("nav.notFound")} text={t("nav.notFoundText")}>
          <Button kind="primary" onClick={() => go({ view: "runs" })}>
            {t("nav.toRuns")}
          </Button>
        </Empty>
      );
  }
}

/** A view that fails takes neither the others nor the bars along. */
class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: undefined as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    return this.state.error === undefined ? this.props.children : <Failed error={this.state.error} />;
  }
}

function Failed({ error }: { error: unknown }) {
  const { t } = useSpeech();
  return <Empty title={t("error.view")} text={error instanceof Error ? error.message : String(error)} />;
}
