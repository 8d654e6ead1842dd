// The headers of files on the Hub: read when a file comes into view, a few at a time.
import { SvelteMap } from "svelte/reactivity";
import type { Backend } from "../../ipc/backend";
import type { AppError, HubFileCheck } from "../../ipc/bindings";
import { asAppError } from "../../ipc/errors";

export type Check =
  | { state: "waiting" }
  | { state: "reading" }
  | { state: "read"; check: HubFileCheck }
  | { state: "failed"; error: AppError };

export type CheckedFile = { repository: string; commit: string; file: string };

const AT_ONCE = 3;

const keyOf = ({ repository, commit, file }: CheckedFile) =>
  [repository, commit, file].join("\n");

export class Checks {
  #backend: Backend;
  #checks = new SvelteMap<string, Check>();
  #waiting: { file: CheckedFile; told: (check: Check) => void }[] = [];
  #running = 0;
  #promises: Record<string, Promise<Check>> = Object.create(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  of(file: CheckedFile): Check | undefined {
    return this.#checks.get(keyOf(file));
  }

  /** What was found, or will be; one that failed is read again. */
  want(file: CheckedFile): Promise<Check> {
    const key = keyOf(file);
    const known = this.#promises[key];
    if (known && this.of(file)?.state !== "failed") {
      return known;
    }
    this.#checks.set(key, { state: "waiting" });
    const promise = new Promise<Check>((told) => {
      this.#waiting.push({ file, told });
    });
    this.#promises[key] = promise;
    this.#work();
    return promise;
  }

  /** What is not looked at any more need not be asked for. */
  forget(repository: string) {
    const error: AppError = { code: "cancelled", message: "" };
    this.#waiting = this.#waiting.filter(({ file, told }) => {
      if (file.repository !== repository) {
        return true;
      }
      this.#checks.delete(keyOf(file));
      delete this.#promises[keyOf(file)];
      told({ state: "failed", error });
      return false;
    });
  }

  #work() {
    while (this.#running < AT_ONCE) {
      const next = this.#waiting.shift();
      if (!next) {
        return;
      }
      this.#running += 1;
      void this.#read(next.file).then((check) => {
        this.#running -= 1;
        next.told(check);
        this.#work();
      });
    }
  }

  async #read(file: CheckedFile): Promise<Check> {
    const { repository, commit } = file;
    const key = keyOf(file);
    this.#checks.set(key, { state: "reading" });
    let outcome: Check;
    try {
      const check = await this.#backend.hub.check(
        repository,
        commit,
        file.file,
      );
      outcome = { state: "read", check };
    } catch (error) {
      outcome = { state: "failed", error: asAppError(error) };
    }
    this.#checks.set(key, outcome);
    return outcome;
  }
}
