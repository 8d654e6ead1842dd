// The machine: what it is, its measurement, and what suits it.
import type { Backend } from "../ipc/backend";
import type {
  Advice,
  AppError,
  CalibrationState,
  Estimate,
  HardwareReport,
  Measurement,
  Preferences,
} from "../ipc/bindings";
import { asAppError } from "../ipc/errors";
import type { SettingsState } from "../settings/settings.svelte";
import { freeBytesFor } from "./gpus";

export class Machine {
  report = $state.raw<HardwareReport | null>(null);
  measurements = $state.raw<Measurement[]>([]);
  advice = $state.raw<Advice | null>(null);
  /** Why the machine could not be looked at. */
  problem = $state.raw<AppError | null>(null);
  /** How far a measurement is; null where none runs. */
  measuring = $state<number | null>(null);
  /** Why the last one ended early. */
  measuringProblem = $state.raw<AppError | null>(null);

  #backend: Backend;
  #settings: SettingsState;
  #asked = 0;

  constructor(backend: Backend, settings: SettingsState) {
    this.#backend = backend;
    this.#settings = settings;
  }

  /** What the person wants; kept among the settings. */
  get preferences(): Preferences {
    return this.#settings.current.preferences;
  }

  /** What is free of the memory that a model is computed in; 0 while the machine is not known. */
  freeFor(estimate: Pick<Estimate, "place">): number {
    return this.report ? freeBytesFor(estimate, this.report.profile) : 0;
  }

  /** Looks at the machine anew, and at what suits it. */
  async refresh(): Promise<void> {
    const { hardware } = this.#backend;
    try {
      this.report = await hardware.inspect();
      this.measurements = await hardware.measurements();
      this.problem = null;
    } catch (error) {
      this.problem = asAppError(error);
      return;
    }
    await this.#advise();
  }

  /** Measures it; ends well also where that was cancelled. What it found is read when its end is broadcast. */
  async calibrate(): Promise<void> {
    if (this.measuring !== null) {
      return;
    }
    this.measuring = 0;
    this.measuringProblem = null;
    try {
      await this.#backend.hardware.calibrate((fraction) => {
        this.measuring = fraction;
      });
    } catch (error) {
      this.measuringProblem = asAppError(error);
    } finally {
      this.measuring = null;
    }
  }

  async cancel(): Promise<void> {
    try {
      await this.#backend.hardware.cancelCalibration();
    } catch (error) {
      this.measuringProblem = asAppError(error);
    }
  }

  /** A measurement, whoever began it. */
  calibrationChanged(state: CalibrationState) {
    if (state.state === "running") {
      this.measuring = state.fraction;
      this.measuringProblem = null;
    } else {
      this.measuring = null;
      this.measuringProblem = state.state === "failed" ? state.error : null;
      void this.refresh();
    }
  }

  async prefer(patch: Partial<Preferences>): Promise<void> {
    this.#settings.change({ preferences: { ...this.preferences, ...patch } });
    await this.#advise();
  }

  async #advise(): Promise<void> {
    const asked = ++this.#asked;
    const { recommend } = this.#backend;
    try {
      const advice = await recommend.models(this.preferences);
      // Wishes change faster than they are answered; only the last answer counts.
      if (asked === this.#asked) {
        this.advice = advice;
        this.problem = null;
      }
    } catch (error) {
      if (asked === this.#asked) {
        this.problem = asAppError(error);
      }
    }
  }
}
