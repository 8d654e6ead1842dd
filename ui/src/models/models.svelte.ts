// The models on this computer, the engine that runs one of them, and a running import.
import type { Backend, ImportKind } from "../ipc/backend";
import type {
  AppError,
  EngineStatus,
  ImportEvent,
  ImportMode,
  LibraryModel,
  MemoryUse,
  StarterState,
} from "../ipc/bindings";
import { asAppError } from "../ipc/errors";
import { plainName } from "./words";

export type ImportProgress = {
  mode: ImportMode;
  doneBytes: number;
  totalBytes: number;
};

export class Models {
  library = $state.raw<LibraryModel[]>([]);
  loaded = $state(false);
  engine = $state.raw<EngineStatus>({ state: "idle" });
  /** The last known use of memory; a writing engine does not say it anew. */
  memory = $state.raw<MemoryUse | null>(null);
  importing = $state.raw<ImportProgress | null>(null);
  importError = $state.raw<AppError | null>(null);
  starter = $state<StarterState>("absent");
  starterError = $state.raw<AppError | null>(null);
  /** A crash the user has read about. */
  crashDismissed = $state(false);

  #backend: Backend;
  #report: (error: AppError) => void;

  constructor(backend: Backend, report: (error: AppError) => void) {
    this.#backend = backend;
    this.#report = report;
  }

  async start(): Promise<void> {
    await this.refresh();
    try {
      this.engineChanged(await this.#backend.engine.status());
    } catch (error) {
      this.#report(asAppError(error));
    }
  }

  async refresh(): Promise<void> {
    try {
      const library = await this.#backend.models.list();
      // A file may call itself anything.
      this.library = library.map(({ info, ...model }) => ({
        ...model,
        info: { ...info, name: plainName(info.name) },
      }));
      this.loaded = true;
    } catch (error) {
      this.#report(asAppError(error));
    }
  }

  engineChanged(status: EngineStatus) {
    if (status.state === "crashed" && this.engine.state !== "crashed") {
      this.crashDismissed = false;
    }
    this.engine = status;
    if (status.state === "ready") {
      this.memory = status.memory;
    } else if (status.state !== "generating") {
      this.memory = null;
    }
  }

  starterChanged(state: StarterState, error: AppError | null) {
    this.starter = state;
    this.starterError = error;
  }

  /** The imported model, or null when there is none. */
  async import(
    mode: ImportMode,
    kind: ImportKind,
  ): Promise<LibraryModel | null> {
    if (this.importing) {
      return null;
    }
    this.importError = null;
    try {
      const model = await this.#backend.models.import(mode, kind, (event) => {
        this.importChanged(event);
      });
      await this.refresh();
      return model;
    } catch (error) {
      const appError = asAppError(error);
      this.importError = appError.code === "cancelled" ? null : appError;
      return null;
    } finally {
      this.importing = null;
    }
  }

  /** How an import comes along, whoever began it; the model once it is there. */
  importChanged(event: ImportEvent | null): LibraryModel | null {
    if (event === null || event.type === "finished") {
      this.importing = null;
      return event?.model ?? null;
    }
    const { type, doneBytes, totalBytes } = event;
    const mode = type === "copying" ? "copy" : "in_place";
    this.importing = { mode, doneBytes, totalBytes };
    return null;
  }

  async cancelImport(): Promise<void> {
    await this.#attempt(() => this.#backend.models.cancelImport());
  }

  async select(modelId: string): Promise<void> {
    await this.#attempt(() => this.#backend.models.select(modelId));
  }

  async unload(): Promise<void> {
    await this.#attempt(() => this.#backend.models.unload());
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#report(asAppError(error));
    }
  }
}
