// The queue of downloads of the scripted backend: one at a time, in order.
import type { Backend } from "./backend";
import type {
  AppError,
  AppEvent,
  Download,
  DownloadState,
  LibraryModel,
} from "./bindings";
import { fakeEntries } from "./fakeEntries";
import { fakeModels } from "./fakeModels";

type Options = {
  scenario: string;
  pause: (ms: number) => Promise<void>;
  emit: (event: AppEvent) => void;
  /** Size of a file on the Hub. */
  sizeOf: (repository: string, file: string) => number;
  addModel: (model: LibraryModel) => void;
};

const RATE = 22e6;
const STEPS = 25;
const COMMIT = "7c41481f57cb95916b40956ab2f0b139b296d974";

const corrupt: AppError = {
  code: "download_corrupt",
  message: "The sha256 of Qwen3-4B-Q6_K.gguf is 51d8d4a2…, not aeda25e6….",
};

/** A queue in which something of everything has happened; it stands still. */
function standing(now: number): Download[] {
  const entry = (
    id: number,
    repository: string,
    file: string,
    sizeBytes: number,
    done: number,
    status: DownloadState,
    notice: string | null = null,
  ): Download => ({
    id,
    repository,
    file,
    commit: COMMIT,
    sizeBytes,
    doneBytes: Math.round(sizeBytes * done),
    addedAtMs: now - id * 60_000,
    status,
    notice,
  });
  return [
    entry(
      1,
      "unsloth/Phi-4-mini-instruct-GGUF",
      "Phi-4-mini-instruct-Q5_K_M.gguf",
      2.9e9,
      0.62,
      { state: "downloading", bytesPerSecond: RATE, secondsLeft: 50 },
    ),
    entry(
      2,
      "ggml-org/gemma-3-4b-it-GGUF",
      "gemma-3-4b-it-Q8_0.gguf",
      4.13e9,
      0.31,
      {
        state: "waiting",
        untilMs: now + 42_000,
        reason: "The Hub asks to slow down.",
      },
    ),
    entry(
      3,
      "Qwen/Qwen3-1.7B-GGUF",
      "Qwen3-1.7B-Q8_0.gguf",
      1.83e9,
      0.18,
      { state: "paused" },
      "The file changed on the server; the download started afresh.",
    ),
    entry(4, "Qwen/Qwen3-4B-GGUF", "Qwen3-4B-Q6_K.gguf", 3.3e9, 1, {
      state: "failed",
      error: corrupt,
    }),
    entry(
      5,
      "unsloth/gemma-3-12b-it-GGUF",
      "gemma-3-12b-it-Q4_K_M.gguf",
      7.3e9,
      0,
      { state: "queued" },
    ),
    entry(
      6,
      "a-publisher/An-Extremely-Long-Merge-Of-Merges-v2.1-DPO-Instruct-Abliterated-GGUF",
      "An-Extremely-Long-Merge-Of-Merges-v2.1-DPO-Instruct-Abliterated.Q4_K_M-00001-of-00003.gguf",
      41.2e9,
      0,
      { state: "queued" },
    ),
    entry(7, "Qwen/Qwen3-4B-GGUF", "Qwen3-4B-Q4_K_M.gguf", 2.5e9, 1, {
      state: "finished",
      modelId: "b2",
    }),
  ];
}

export function fakeDownloads(options: Options): Backend["downloads"] {
  const { scenario, pause, emit, sizeOf, addModel } = options;
  const still = scenario === "downloads";
  let queue: Download[] = still ? standing(Date.now()) : [];
  let nextId = 10;
  let running: number | null = null;

  const tell = () => emit({ type: "downloads_changed", downloads: queue });
  const get = (id: number) => queue.find((one) => one.id === id);
  const set = (id: number, patch: Partial<Download>) => {
    queue = queue.map((one) => (one.id === id ? { ...one, ...patch } : one));
    tell();
  };
  const stateOf = (id: number) => get(id)?.status.state;

  async function play(id: number) {
    running = id;
    set(id, { status: { state: "resolving" }, commit: COMMIT });
    await pause(300);
    const { repository = "", file = "", sizeBytes } = get(id) ?? {};
    const total = sizeBytes ?? sizeOf(repository, file);
    for (let step = 0; step <= STEPS; step += 1) {
      const state = stateOf(id);
      if (state !== "resolving" && state !== "downloading") {
        return;
      }
      const done = Math.max(get(id)?.doneBytes ?? 0, (total / STEPS) * step);
      set(id, {
        sizeBytes: total,
        doneBytes: done,
        status: {
          state: "downloading",
          bytesPerSecond: RATE,
          secondsLeft: (total - done) / RATE,
        },
      });
      if (scenario === "offline" && step === 5) {
        const untilMs = Date.now() + 30_000;
        const reason = "The network is gone.";
        set(id, { status: { state: "waiting", untilMs, reason } });
        return;
      }
      await pause(240);
    }
    if (file.includes("Q6_K")) {
      set(id, { status: { state: "failed", error: corrupt } });
      return;
    }
    set(id, { status: { state: "verifying" } });
    await pause(700);
    const modelId = `download-${id}`;
    addModel(modelFor(modelId, repository, file, total));
    set(id, { status: { state: "finished", modelId } });
  }

  async function work() {
    if (running !== null || still) {
      return;
    }
    for (;;) {
      const next = queue.find(({ status }) => status.state === "queued");
      if (!next) {
        break;
      }
      await play(next.id);
    }
    running = null;
  }

  return {
    list: async () => queue,
    async start({ repository, file }) {
      await pause(60);
      const download: Download = {
        id: nextId++,
        repository,
        file,
        commit: null,
        sizeBytes: null,
        doneBytes: 0,
        addedAtMs: Date.now(),
        status: { state: "queued" },
        notice: null,
      };
      queue = [...queue, download];
      tell();
      void work();
      return download;
    },
    async pause(id) {
      set(id, { status: { state: "paused" } });
    },
    async resume(id) {
      set(id, { status: { state: "queued" } });
      void work();
    },
    async cancel(id) {
      queue = queue.filter((one) => one.id !== id);
      tell();
    },
    async move(id, position) {
      const moved = get(id);
      if (moved) {
        queue = queue.filter((one) => one.id !== id);
        queue = queue.toSpliced(position, 0, moved);
        tell();
      }
    },
  };
}

function modelFor(
  id: string,
  repository: string,
  file: string,
  sizeBytes: number,
): LibraryModel {
  const usual = fakeModels[1] as LibraryModel;
  const entry = fakeEntries.find((one) => one.repository === repository);
  const level = entry?.files.find(({ name }) => name === file)?.level;
  return {
    ...usual,
    id,
    info: {
      ...usual.info,
      name: entry?.name ?? repository.split("/")[1] ?? repository,
      quantization: level ?? "Q4_K_M",
      parameters: entry?.parameters ?? usual.info.parameters,
    },
    sizeBytes,
    origin: { repository, file, commit: COMMIT },
    addedAtMs: Date.now(),
    lastUsedAtMs: null,
    decodeTokensPerSecond: null,
    newerCommit: null,
  };
}
