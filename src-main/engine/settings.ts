import path from "node:path";
import { type Settings, settingsSchema } from "../api/channels.js";
import type { Events } from "./events.js";
import { readState, writeState } from "./state-file.js";

/** What people set for themselves, in `settings.json` of their folder. */
export class SettingsStore {
  private current: Settings | undefined;

  constructor(
    private readonly stateFolder: string,
    private readonly events: Events,
  ) {}

  async get(): Promise<Settings> {
    this.current ??= (await readState(this.file, settingsSchema)) ?? settingsSchema.parse({});
    return this.current;
  }

  async set(changes: Partial<Settings>): Promise<Settings> {
    const settings = { ...(await this.get()), ...changes };
    this.current = settings;
    await writeState(this.file, settings);
    this.events.emit({ type: "settings", settings });
    return settings;
  }

  private get file(): string {
    return path.join(this.stateFolder, "settings.json");
  }
}
