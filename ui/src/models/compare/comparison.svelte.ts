// The models that stand side by side, wherever they were picked.
import { SvelteMap } from "svelte/reactivity";
import type { Backend } from "../../ipc/backend";
import type { AppError, HubDetails } from "../../ipc/bindings";
import { asAppError } from "../../ipc/errors";
import type { Checks } from "../hub/checks.svelte";
import { fileToCompare } from "./columns";

/** `id` is a catalog id, a repository or a library id. */
export type Item = {
  kind: "catalog" | "hub" | "library";
  id: string;
  name: string;
};

export type HubItem =
  | { state: "loading" }
  | { state: "read"; details: HubDetails }
  | { state: "failed"; error: AppError };

export const MOST = 4;

const same = (a: Pick<Item, "kind" | "id">, b: Pick<Item, "kind" | "id">) =>
  a.kind === b.kind && a.id === b.id;

export class Comparison {
  items = $state.raw<Item[]>([]);
  /** Pages of the Hub that were read for it. */
  readonly pages = new SvelteMap<string, HubItem>();
  /** Files that were chosen, by repository. */
  readonly files = new SvelteMap<string, string>();

  #backend: Backend;
  #checks: Checks;

  constructor(backend: Backend, checks: Checks) {
    this.#backend = backend;
    this.#checks = checks;
  }

  get isFull(): boolean {
    return this.items.length >= MOST;
  }

  has(item: Pick<Item, "kind" | "id">): boolean {
    return this.items.some((one) => same(one, item));
  }

  add(item: Item) {
    if (this.isFull || this.has(item)) {
      return;
    }
    this.items = [...this.items, item];
    if (item.kind === "hub") {
      void this.#read(item.id);
    }
  }

  remove(item: Pick<Item, "kind" | "id">) {
    this.items = this.items.filter((one) => !same(one, item));
  }

  toggle(item: Item) {
    if (this.has(item)) {
      this.remove(item);
    } else {
      this.add(item);
    }
  }

  chooseFile(repository: string, file: string) {
    this.files.set(repository, file);
    this.#check(repository);
  }

  async #read(repository: string): Promise<void> {
    if (this.pages.get(repository)?.state === "read") {
      this.#check(repository);
      return;
    }
    this.pages.set(repository, { state: "loading" });
    try {
      const details = await this.#backend.hub.details(repository);
      this.pages.set(repository, { state: "read", details });
      this.#check(repository);
    } catch (error) {
      this.pages.set(repository, { state: "failed", error: asAppError(error) });
    }
  }

  #check(repository: string) {
    const page = this.pages.get(repository);
    if (page?.state !== "read") {
      return;
    }
    const { commit, files } = page.details;
    const file = fileToCompare(files, this.files.get(repository));
    if (file) {
      void this.#checks.want({ repository, commit, file: file.name });
    }
  }
}
