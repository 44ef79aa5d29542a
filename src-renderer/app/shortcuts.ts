import { useEffect } from "react";
import { clearOne, redo, selectShown, setTool, showDialog, step, undo } from "../state/explore.js";
import { useRoute } from "./router.js";

/** True where letters are text. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.tagName === "TEXTAREA" ||
      target.tagName === "SELECT" ||
      (target instanceof HTMLInputElement && !["checkbox", "radio", "range", "color"].includes(target.type)))
  );
}

/** Keys that work anywhere in a view; a dialog that is open (not one that is fading out) has its own. */
export function useShortcuts(showKeys: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector('[role="dialog"][data-open]')) return;
      const typing = isTyping(event.target);
      const exploring = useRoute.getState().place.view === "explore";
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const act = (action: () => void) => {
        event.preventDefault();
        action();
      };
      if (event.ctrlKey || event.metaKey) {
        if (typing || event.altKey || !exploring) return;
        if (key === "z") act(() => void (event.shiftKey ? redo() : undo()));
        else if (key === "y") act(() => void redo());
        else if (key === "a") act(selectShown);
        return;
      }
      if (event.altKey) return;
      if (key === "Escape" && typing) return (event.target as HTMLElement).blur();
      if (typing) return;
      if (key === "?") return act(showKeys);
      const search = document.getElementById("search");
      if (key === "/" && search) return act(() => search.focus());
      if (!exploring) return;
      const actions: Record<string, () => void> = {
        Escape: clearOne,
        v: () => setTool("pan"),
        l: () => setTool("lasso"),
        r: () => setTool("rectangle"),
        e: () => showDialog("relabel"),
        x: () => showDialog("export"),
        j: () => step(1),
        k: () => step(-1),
      };
      const action = actions[key];
      if (action) act(action);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [showKeys]);
}
