// The settings, saved a moment after each change.
import type { Backend } from "../ipc/backend";
import type { AppError, Settings, SettingsPatch } from "../ipc/bindings";
import { asAppError } from "../ipc/errors";

export class SettingsState {
  current = $state.raw<Settings>() as Settings;

  #backend: Backend;
  #report: (error: AppError) => void;
  #saved: Settings;
  #pending: SettingsPatch = {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    backend: Backend,
    initial: Settings,
    report: (error: AppError) => void,
  ) {
    this.#backend = backend;
    this.#report = report;
    this.#saved = initial;
    this.current = initial;
  }

  /** Shows the change at once and saves it together with those that follow closely. */
  change(patch: SettingsPatch, delayMs = 300) {
    this.current = { ...this.current, ...patch };
    this.#pending = { ...this.#pending, ...patch };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), delayMs);
  }

  /** Saves what is still waiting. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const patch = this.#pending;
    this.#pending = {};
    if (Object.keys(patch).length === 0) {
      return;
    }
    try {
      this.changedElsewhere(await this.#backend.settings.update(patch));
    } catch (error) {
      this.changedElsewhere(this.#saved);
      this.#report(asAppError(error));
    }
  }

  /** What is saved now; changes still waiting stay on top of it. */
  changedElsewhere(saved: Settings) {
    this.#saved = saved;
    this.current = { ...saved, ...this.#pending };
  }
}
