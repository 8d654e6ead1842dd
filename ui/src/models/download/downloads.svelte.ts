// The queue of downloads, as the application tells it.
import { SvelteSet } from "svelte/reactivity";
import type { Backend } from "../../ipc/backend";
import type { AppError, Download, DownloadRequest } from "../../ipc/bindings";
import { asAppError } from "../../ipc/errors";
import { failedSince, finishedSince, overall } from "./progress";

const keyOf = (repository: string, file: string) => `${repository}\n${file}`;

type Listeners = {
  /** Models that have arrived. */
  finished: (modelIds: string[]) => void;
  /** What cannot go on by itself. */
  failed: (names: string[]) => void;
};

export class Downloads {
  list = $state.raw<Download[]>([]);
  #isPanelOpen = $state(false);
  /** Whether somebody has looked since the last one came to its end. */
  #areSeen = $state(true);
  readonly total = $derived(overall(this.list));

  #backend: Backend;
  #report: (error: AppError) => void;
  #listeners: Listeners;
  #starting = new SvelteSet<string>();
  #heard = false;

  constructor(
    backend: Backend,
    report: (error: AppError) => void,
    listeners: Listeners,
  ) {
    this.#backend = backend;
    this.#report = report;
    this.#listeners = listeners;
  }

  get isPanelOpen(): boolean {
    return this.#isPanelOpen;
  }

  set isPanelOpen(open: boolean) {
    this.#isPanelOpen = open;
    this.#areSeen ||= open;
  }

  /** Whether there is something to say of them in every view. */
  get isWorthShowing(): boolean {
    const { standing } = this.total;
    return (
      standing !== "none" &&
      (standing !== "done" || !this.#areSeen || this.#isPanelOpen)
    );
  }

  async begin(): Promise<void> {
    await this.#attempt(async () => {
      const list = await this.#backend.downloads.list();
      // What was broadcast meanwhile is newer.
      if (!this.#heard) {
        this.list = list;
      }
    });
  }

  changed(list: Download[]) {
    this.#heard = true;
    const finished = finishedSince(this.list, list);
    const failed = failedSince(this.list, list);
    this.list = list;
    if (finished.length > 0) {
      this.#areSeen = false;
      this.#listeners.finished(finished);
    }
    if (failed.length > 0) {
      this.#listeners.failed(failed);
    }
  }

  /** The download of a file that is not over, or else the newest that failed. */
  of(repository: string, file: string): Download | undefined {
    return this.list.findLast(
      (one) =>
        one.repository === repository &&
        one.file === file &&
        one.status.state !== "finished",
    );
  }

  isStarting(repository: string, file: string): boolean {
    return this.#starting.has(keyOf(repository, file));
  }

  async start(request: DownloadRequest): Promise<void> {
    const key = keyOf(request.repository, request.file);
    if (
      this.#starting.has(key) ||
      this.of(request.repository, request.file) !== undefined
    ) {
      return;
    }
    this.#starting.add(key);
    await this.#attempt(() => this.#backend.downloads.start(request));
    this.#starting.delete(key);
  }

  pause = (id: number) => this.#attempt(() => this.#queue.pause(id));
  resume = (id: number) => this.#attempt(() => this.#queue.resume(id));
  cancel = (id: number) => this.#attempt(() => this.#queue.cancel(id));

  /** One place earlier or later among those that are not over. */
  async move(id: number, by: -1 | 1): Promise<void> {
    const open = this.list.filter(({ status }) => status.state !== "finished");
    const neighbour = open[open.findIndex((one) => one.id === id) + by];
    if (neighbour) {
      const position = this.list.indexOf(neighbour);
      await this.#attempt(() => this.#queue.move(id, position));
    }
  }

  async clearFinished(): Promise<void> {
    for (const { id, status } of this.list) {
      if (status.state === "finished") {
        await this.cancel(id);
      }
    }
  }

  get #queue() {
    return this.#backend.downloads;
  }

  async #attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#report(asAppError(error));
    }
  }
}
