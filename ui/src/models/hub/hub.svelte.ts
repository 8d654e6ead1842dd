// The search on the Hub, and the model that is open.
import type { Backend } from "../../ipc/backend";
import type {
  AppError,
  HubDetails,
  HubModel,
  HubQuery,
  Source,
} from "../../ipc/bindings";
import { asAppError } from "../../ipc/errors";
import { Checks } from "./checks.svelte";

export const EMPTY_QUERY: HubQuery = {
  search: "",
  sort: "trending",
  class: null,
  onlyFitting: false,
  licences: [],
  languages: [],
  architecture: null,
  gated: null,
  publisher: null,
  next: null,
};

const TYPING_MS = 300;

export class Hub {
  query = $state.raw<HubQuery>(EMPTY_QUERY);
  models = $state.raw<HubModel[]>([]);
  source = $state.raw<Source | null>(null);
  /** What to ask for the next page with; null at the end. */
  next = $state.raw<string | null>(null);
  loading = $state<"first" | "more" | null>(null);
  problem = $state.raw<AppError | null>(null);

  opened = $state.raw<string | null>(null);
  /** Somebody asked for the page now, and reads it next. */
  isJustOpened = false;
  details = $state.raw<HubDetails | null>(null);
  detailsProblem = $state.raw<AppError | null>(null);
  readonly checks: Checks;

  #backend: Backend;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.checks = new Checks(backend);
  }

  /** Whether anything but the words and the order narrows the search. */
  get isFiltered(): boolean {
    const { search, sort } = this.query;
    const plain: HubQuery = { ...EMPTY_QUERY, search, sort };
    return JSON.stringify(plain) !== JSON.stringify(this.query);
  }

  get isOffline(): boolean {
    return this.source !== null && this.source.kind !== "live";
  }

  /** Searches unless somebody has already. */
  ensure() {
    if (this.source === null && this.loading === null) {
      void this.search();
    }
  }

  /** Narrows or widens the search; words are waited for until nothing more is typed. */
  change(patch: Partial<HubQuery>) {
    this.query = { ...this.query, ...patch, next: null };
    clearTimeout(this.#timer);
    if ("search" in patch) {
      this.#timer = setTimeout(() => void this.search(), TYPING_MS);
    } else {
      void this.search();
    }
  }

  clear() {
    const { search, sort } = this.query;
    this.change({ ...EMPTY_QUERY, search, sort });
  }

  /** Everything of one publisher. */
  showPublisher(publisher: string) {
    this.close();
    this.change({ ...EMPTY_QUERY, sort: this.query.sort, publisher });
  }

  async search(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#load("first", { ...this.query, next: null });
  }

  async more(): Promise<void> {
    if (this.next !== null && this.loading === null) {
      await this.#load("more", { ...this.query, next: this.next });
    }
  }

  async #load(what: "first" | "more", query: HubQuery): Promise<void> {
    // Words change faster than the Hub answers; only the last answer counts.
    const asked = ++this.#asked;
    this.loading = what;
    this.problem = null;
    try {
      const page = await this.#backend.hub.search(query);
      if (asked !== this.#asked) {
        return;
      }
      const known = what === "more" ? this.models : [];
      // Pages shift while they are read: a model may come twice.
      this.models = [...known, ...page.models].filter(
        ({ repository }, at, all) =>
          all.findIndex((one) => one.repository === repository) === at,
      );
      this.next = page.next;
      this.source = page.source;
    } catch (error) {
      if (asked === this.#asked) {
        this.problem = asAppError(error);
        if (what === "first") {
          this.models = [];
          this.next = null;
        }
      }
    } finally {
      if (asked === this.#asked) {
        this.loading = null;
      }
    }
  }

  async open(repository: string): Promise<void> {
    this.opened = repository;
    this.isJustOpened = true;
    this.details = null;
    this.detailsProblem = null;
    try {
      const details = await this.#backend.hub.details(repository);
      if (this.opened === repository) {
        this.details = details;
      }
    } catch (error) {
      if (this.opened === repository) {
        this.detailsProblem = asAppError(error);
      }
    }
  }

  close() {
    this.opened = null;
    this.details = null;
    this.detailsProblem = null;
  }
}
