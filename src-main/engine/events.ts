import type { ApiEvent } from "../api/channels.js";

/** Tells every listener what happens. A listener that throws harms no other. */
export class Events {
  private readonly listeners = new Set<(event: ApiEvent) => void>();

  /** @returns a function that ends the subscription */
  subscribe(listener: (event: ApiEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: ApiEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch {
        // A carrier that cannot take an event has lost its client and learns so by itself.
      }
    }
  }
}
