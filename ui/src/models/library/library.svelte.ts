// What can be done with the models on disk: delete and restore, verify, move their folder, adopt those of others.
import { SvelteMap } from "svelte/reactivity";
import type { Backend } from "../../ipc/backend";
import type {
  AppError,
  Deleted,
  LibraryFolder,
  LibraryModel,
  VerifyOutcome,
} from "../../ipc/bindings";
import { asAppError } from "../../ipc/errors";

export type Verification =
  | { state: "reading"; fraction: number }
  | { state: "finished"; outcome: VerifyOutcome };
export type Trashed = { model: LibraryModel; deleted: Deleted };

export class Library {
  folder = $state.raw<LibraryFolder | null>(null);
  /** What was deleted since the app was opened, the last first. */
  trash = $state.raw<Trashed[]>([]);
  readonly verifications = new SvelteMap<string, Verification>();
  /** How far a move of the folder is; null where none runs. */
  moving = $state<number | null>(null);
  isLookingForNewer = $state(false);

  #backend: Backend;
  #report: (error: AppError) => void;

  constructor(backend: Backend, report: (error: AppError) => void) {
    this.#backend = backend;
    this.#report = report;
  }

  async refreshFolder(): Promise<void> {
    await this.#attempt(async () => {
      this.folder = await this.#backend.models.folder();
    });
  }

  /** What was deleted, or null where it could not be. */
  async delete(model: LibraryModel): Promise<Deleted | null> {
    return this.#attempt(async () => {
      const deleted = await this.#backend.models.delete(model.id);
      this.verifications.delete(model.id);
      this.trash = [{ model, deleted }, ...this.trash];
      await this.refreshFolder();
      return deleted;
    });
  }

  /** Whether it is back. */
  async restore(modelId: string): Promise<boolean> {
    const done = await this.#attempt(async () => {
      await this.#backend.models.restore(modelId);
      this.trash = this.trash.filter(({ model }) => model.id !== modelId);
      await this.refreshFolder();
      return true;
    });
    return done ?? false;
  }

  /** Frees the space at once; what was deleted cannot come back then. */
  async emptyTrash(): Promise<void> {
    await this.#attempt(async () => {
      await this.#backend.models.emptyTrash();
      this.trash = [];
      await this.refreshFolder();
    });
  }

  get isVerifying(): boolean {
    return [...this.verifications.values()].some(
      ({ state }) => state === "reading",
    );
  }

  async verify(modelId: string): Promise<void> {
    if (this.isVerifying) {
      return;
    }
    this.verifications.set(modelId, { state: "reading", fraction: 0 });
    try {
      const outcome = await this.#backend.models.verify(modelId, (event) => {
        if (event.type === "reading") {
          const fraction = event.doneBytes / Math.max(1, event.totalBytes);
          this.verifications.set(modelId, { state: "reading", fraction });
        }
      });
      this.verifications.set(modelId, { state: "finished", outcome });
    } catch (error) {
      this.verifications.delete(modelId);
      this.#report(asAppError(error));
    }
  }

  async cancelVerify(): Promise<void> {
    await this.#attempt(() => this.#backend.models.cancelVerify());
  }

  /** Where the folder is now; null where it stayed. */
  async moveFolder(): Promise<LibraryFolder | null> {
    if (this.moving !== null) {
      return null;
    }
    try {
      const folder = await this.#backend.models.moveFolder((event) => {
        this.moving =
          event.type === "moving"
            ? event.doneBytes / Math.max(1, event.totalBytes)
            : 1;
      });
      this.folder = folder ?? this.folder;
      return folder;
    } catch (error) {
      this.#report(asAppError(error));
      await this.refreshFolder();
      return null;
    } finally {
      this.moving = null;
    }
  }

  async cancelMove(): Promise<void> {
    await this.#attempt(() => this.#backend.models.cancelMove());
  }

  async openFolder(): Promise<void> {
    await this.#attempt(() => this.#backend.models.openFolder());
  }

  /** Whether the Hub could be asked. */
  async checkForNewer(): Promise<boolean> {
    this.isLookingForNewer = true;
    const done = await this.#attempt(async () => {
      await this.#backend.models.checkForNewer();
      return true;
    });
    this.isLookingForNewer = false;
    return done ?? false;
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T | null> {
    try {
      return await action();
    } catch (error) {
      this.#report(asAppError(error));
      return null;
    }
  }
}
