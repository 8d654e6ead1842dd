// The models Wick knows by heart, and the level at which each is looked at.
import { SvelteMap } from "svelte/reactivity";
import type { Backend } from "../../ipc/backend";
import type { AppError, CatalogEntry, Mixture } from "../../ipc/bindings";
import { asAppError } from "../../ipc/errors";

export class Catalog {
  entries = $state.raw<CatalogEntry[]>([]);
  /** Levels that were chosen; the others stand at the level that suits them best. */
  readonly levels = new SvelteMap<string, Mixture>();
  filter = $state("");

  #backend: Backend;
  #report: (error: AppError) => void;

  constructor(backend: Backend, report: (error: AppError) => void) {
    this.#backend = backend;
    this.#report = report;
  }

  /** Reads it unless somebody has already. */
  async ensure(): Promise<void> {
    if (this.entries.length > 0) {
      return;
    }
    try {
      this.entries = await this.#backend.hub.catalog();
    } catch (error) {
      this.#report(asAppError(error));
    }
  }
}
