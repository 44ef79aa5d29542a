/** Keeps the title of the page up to date: in a browser's tab the counterpart of what a taskbar shows of the desktop app. */
import { pageTitle } from "../components/job-words.js";
import { useApp } from "../state/app.js";
import { currentSpeech, useSettings } from "../state/settings.js";

/** To be called once. */
export function followTitle(): void {
  const write = () => {
    const title = pageTitle(useApp.getState().jobs ?? [], currentSpeech().language);
    if (document.title !== title) document.title = title;
  };
  useApp.subscribe(write);
  useSettings.subscribe(write);
}
