// The library of the scripted backend.
import type { Backend } from "./backend";
import type {
  AppError,
  AppEvent,
  ErrorCode,
  LibraryFolder,
  LibraryModel,
} from "./bindings";
import { isBare } from "./fakeContent";
import { fakeAdoptables, fakeModels, manyModels } from "./fakeModels";

type Options = {
  scenario: string;
  pause: (ms: number) => Promise<void>;
  emit: (event: AppEvent) => void;
};

type Library = Omit<Backend["models"], "select" | "unload"> & {
  find(modelId: string | null): LibraryModel | undefined;
  installed(repository: string, file: string): LibraryModel | undefined;
  add(model: LibraryModel): void;
};

const failure = (code: ErrorCode, message: string): AppError => ({
  code,
  message,
});

const STEPS = 20;

export function fakeLibrary({ scenario, pause, emit }: Options): Library {
  const bare = isBare(scenario);
  let models = bare ? [] : scenario === "many" ? manyModels : fakeModels;
  const trash = new Map<string, LibraryModel>();
  let adoptables = scenario === "nothing-to-adopt" ? [] : fakeAdoptables;
  let cancelled = false;
  let path = "/home/ada/.local/share/org.wick.desktop/models";

  const change = (next: LibraryModel[]) => {
    models = next;
    emit({ type: "library_changed" });
  };
  const find = (modelId: string | null) =>
    models.find(({ id }) => id === modelId);
  const add = (model: LibraryModel) =>
    change([model, ...models.filter(({ id }) => id !== model.id)]);
  const folder = (): LibraryFolder => ({
    path,
    state:
      scenario === "folder-missing"
        ? "missing"
        : scenario === "folder-read-only"
          ? "read_only"
          : "ok",
    freeBytes: scenario === "folder-missing" ? null : 212_000_000_000,
    modelsBytes: models
      .filter(({ storage }) => storage.kind === "kept")
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    trashBytes: [...trash.values()].reduce((sum, m) => sum + m.sizeBytes, 0),
  });

  /** Plays a long piece of work, which can be cancelled. */
  async function work(
    totalBytes: number,
    tell: (doneBytes: number, totalBytes: number) => void,
  ) {
    cancelled = false;
    for (let part = 0; part <= STEPS; part += 1) {
      if (cancelled) {
        throw failure("cancelled", "It was cancelled.");
      }
      tell((totalBytes / STEPS) * part, totalBytes);
      await pause(120);
    }
  }
  const cancel = async () => {
    cancelled = true;
  };

  return {
    find,
    installed: (repository, file) =>
      models.find(
        ({ origin }) =>
          origin?.repository === repository && origin.file === file,
      ),
    add,
    list: async () => models,
    async import(mode, _kind, onEvent) {
      const model = fakeModels[0] as LibraryModel;
      const type = mode === "copy" ? "copying" : "reading";
      await work(model.sizeBytes, (doneBytes, totalBytes) =>
        onEvent({ type, doneBytes, totalBytes }),
      );
      onEvent({ type: "finished", model });
      add(model);
      return model;
    },
    cancelImport: cancel,
    async delete(modelId) {
      const model = find(modelId);
      if (!model) {
        throw failure("not_found", "The model is not in the library.");
      }
      if (scenario === "folder-read-only") {
        throw failure("storage_unwritable", `${path} is read-only.`);
      }
      trash.set(modelId, model);
      change(models.filter(({ id }) => id !== modelId));
      return {
        id: modelId,
        freedBytes: model.storage.kind === "kept" ? model.sizeBytes : 0,
      };
    },
    async restore(modelId) {
      const model = trash.get(modelId);
      if (!model) {
        throw failure("not_found", "The model was deleted for good.");
      }
      trash.delete(modelId);
      change([...models, model]);
    },
    async verify(modelId, onEvent) {
      const total = find(modelId)?.sizeBytes ?? 0;
      await work(total, (doneBytes, totalBytes) =>
        onEvent({ type: "reading", doneBytes, totalBytes }),
      );
      const outcome =
        modelId === "d4"
          ? {
              outcome: "damaged" as const,
              file: "sha256-aeda25e63ebd",
              expected: "aeda25e63ebd698fab8638ffb778e68bed908b960d39d0be",
              found: "51d8d4a2b6ff0c4ee7d1a8e2f7c0a4f1d2f0a6bb0a2b7c11",
            }
          : { outcome: "whole" as const };
      onEvent({ type: "finished", outcome });
      return outcome;
    },
    cancelVerify: cancel,
    folder: async () => folder(),
    async openFolder() {},
    async moveFolder(onEvent) {
      await work(folder().modelsBytes, (doneBytes, totalBytes) =>
        onEvent({ type: "moving", doneBytes, totalBytes }),
      );
      path = "/media/ada/Big disk/Wick models";
      onEvent({ type: "finished", folder: folder() });
      return folder();
    },
    cancelMove: cancel,
    async adoptable() {
      await pause(400);
      return adoptables;
    },
    async adopt(keys, onEvent) {
      const chosen = adoptables.filter(({ key }) => keys.includes(key));
      const total = chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      await work(total, (doneBytes, totalBytes) =>
        onEvent({ type: "reading", doneBytes, totalBytes }),
      );
      const adopted = chosen.map((one): LibraryModel => ({
        ...(fakeModels[1] as LibraryModel),
        id: `adopted-${one.key}`,
        info: { ...(fakeModels[1] as LibraryModel).info, name: one.name },
        sizeBytes: one.sizeBytes,
        storage: { kind: "adopted", from: one.peer, path: one.path },
        origin: null,
        lastUsedAtMs: null,
        decodeTokensPerSecond: null,
        newerCommit: null,
      }));
      adoptables = adoptables.map((one) =>
        keys.includes(one.key)
          ? { ...one, already: `adopted-${one.key}` }
          : one,
      );
      change([...adopted, ...models]);
      return adopted;
    },
    async emptyTrash() {
      trash.clear();
    },
    async checkForNewer() {
      await pause(300);
      if (scenario === "offline") {
        throw failure("offline", "huggingface.co could not be resolved.");
      }
      emit({ type: "library_changed" });
    },
  };
}
