// The Hub of the scripted backend.
import type { Backend } from "./backend";
import type {
  AppError,
  ErrorCode,
  Estimate,
  HubAccount,
  HubFile,
  HubModel,
  HubQuery,
  Source,
} from "./bindings";
import { fakeEntries } from "./fakeEntries";
import { fakeCard, fakeHubModels, GATED, UNSUPPORTED } from "./fakeHubContent";

type Options = {
  scenario: string;
  pause: (ms: number) => Promise<void>;
  installed: (repository: string, file: string) => string | null;
};

const PAGE = 20;
const FREE_BYTES = 11.2e9;
const COMMIT = "7c41481f57cb95916b40956ab2f0b139b296d974";

const failure = (code: ErrorCode, message: string): AppError => ({
  code,
  message,
});

const LEVELS: [string, number][] = [
  ["IQ2_XS", 2.4],
  ["Q2_K", 3.2],
  ["Q3_K_M", 3.9],
  ["Q4_K_M", 4.85],
  ["Q5_K_M", 5.7],
  ["Q6_K", 6.6],
  ["Q8_0", 8.5],
  ["F16", 16],
];

function filesOf(model: HubModel): Omit<HubFile, "installed" | "estimate">[] {
  const parameters = model.parameters ?? 7e9;
  const stem = model.name.replace(/-GGUF$/, "");
  const entry = fakeEntries.find(
    ({ repository }) => repository === model.repository,
  );
  return LEVELS.map(([level, bits]) => {
    const bytes = Math.round((parameters * bits) / 8);
    const parts = bytes > 25e9 ? 3 : 1;
    const known = entry?.files.find((file) => file.level === level);
    const part = parts > 1 ? "-00001-of-00003" : "";
    return {
      name: known?.name ?? `${stem}-${level}${part}.gguf`,
      parts,
      level,
      bytes: known?.verifiedBytes ?? bytes,
      runs:
        model.runs.kind === "no"
          ? model.runs
          : level.startsWith("IQ")
            ? { kind: "no", reason: `Wick cannot read ${level} yet.` }
            : { kind: "unknown" },
    };
  });
}

function estimateOf(model: HubModel, weights: number): Estimate {
  const kv_cache = (model.parameters ?? 7e9) * 0.14;
  const total = weights + kv_cache + 2e8;
  const expected = 44e9 / (weights + kv_cache / 2);
  const missing_bytes = total - FREE_BYTES;
  return {
    context_length: 8192,
    place: { kind: "processor" },
    prefill_tokens_per_second: null,
    decode_tokens_per_second: {
      low: expected * 0.8,
      expected,
      high: expected * 1.2,
    },
    time_to_first_token_seconds: null,
    verdict: {
      memory:
        missing_bytes > 0
          ? { fit: "too_large", missing_bytes }
          : { fit: total > 7e9 ? "tight" : "fits_well" },
      speed:
        expected >= 10
          ? "faster_than_reading"
          : expected >= 4
            ? "usable"
            : "slow",
    },
    memory_bytes: { weights, kv_cache, work: 2e8, total },
    vram_bytes: null,
  };
}

function matches(model: HubModel, query: HubQuery): boolean {
  const text = model.repository.toLowerCase();
  const words = query.search.toLowerCase().split(/\s+/).filter(Boolean);
  const fit = model.verdict?.memory.fit;
  return (
    words.every((word) => text.includes(word)) &&
    (query.class === null || model.class === query.class) &&
    (!query.onlyFitting || (fit !== undefined && fit !== "too_large")) &&
    (query.licences.length === 0 ||
      query.licences.includes(model.licence ?? "")) &&
    query.languages.every((code) => model.languages.includes(code)) &&
    (query.architecture === null ||
      model.architecture === query.architecture) &&
    (query.gated === null || model.gated === query.gated) &&
    (query.publisher === null ||
      model.publisher.toLowerCase() === query.publisher.toLowerCase())
  );
}

function sorted(models: HubModel[], { sort }: HubQuery): HubModel[] {
  const by = {
    trending: () => 0,
    downloads: (a: HubModel, b: HubModel) => b.downloads - a.downloads,
    likes: (a: HubModel, b: HubModel) => b.likes - a.likes,
    recent: (a: HubModel, b: HubModel) =>
      (b.updatedAt ?? "").localeCompare(a.updatedAt ?? ""),
  };
  return models.toSorted(by[sort]);
}

export function fakeHub({ scenario, pause, installed }: Options) {
  const offline = scenario === "offline";
  let account: HubAccount = {
    hasToken: false,
    keptIn: "keyring",
    endpoint: "https://huggingface.co",
  };
  const source = (): Source =>
    offline ? { kind: "catalog" } : { kind: "live" };
  const model = (repository: string) => {
    const found = fakeHubModels.find((one) => one.repository === repository);
    if (!found) {
      throw failure(
        "hub_not_found",
        `${repository} was not found, is private, or needs sign-in.`,
      );
    }
    return found;
  };

  const hub: Backend["hub"] = {
    async search(query) {
      await pause(350);
      if (scenario === "hub-failed") {
        throw failure("hub_failed", "huggingface.co answered with 502.");
      }
      const all = sorted(
        fakeHubModels.filter((one) => matches(one, query)),
        query,
      ).filter(
        (one) =>
          !offline ||
          fakeEntries.some(({ repository }) => repository === one.repository),
      );
      const from = Number(query.next ?? 0);
      const end = from + PAGE;
      return {
        models: all.slice(from, end),
        next: end < all.length ? String(end) : null,
        source: source(),
      };
    },
    async details(repository) {
      await pause(300);
      const found = model(repository);
      return {
        model: found,
        commit: COMMIT,
        card: fakeCard(found),
        files: filesOf(found).map((file) => ({
          ...file,
          installed: installed(repository, file.name),
          estimate:
            found.parameters === null ? null : estimateOf(found, file.bytes),
        })),
        source: offline
          ? { kind: "cached", atMs: Date.now() - 3 * 86_400_000 }
          : { kind: "live" },
        url: `https://huggingface.co/${repository}`,
      };
    },
    async check(repository, _commit, name) {
      await pause(500);
      if (offline) {
        throw failure("offline", "huggingface.co could not be resolved.");
      }
      if (repository === GATED && !account.hasToken) {
        throw failure("hub_gated", `${repository} asks for consent first.`);
      }
      const found = model(repository);
      const file = filesOf(found).find((one) => one.name === name);
      if (!file) {
        throw failure("not_found", `${name} is not there.`);
      }
      const unsloth = repository.includes("-UD-") && file.level === "Q3_K_M";
      const problems =
        repository === UNSUPPORTED
          ? [failure("unsupported_architecture", "It is gpt-oss.")]
          : unsloth
            ? [
                failure(
                  "unsupported_tensor_type",
                  "blk.3.ffn_down.weight is IQ4_XS.",
                ),
              ]
            : [];
      return {
        name,
        problems,
        estimate: estimateOf(found, file.bytes),
        tokenizer: "gpt2",
        hasChatTemplate: true,
        architecture: found.architecture ?? "qwen3",
        quantization: file.level ?? "",
      };
    },
    async account() {
      return account;
    },
    async setToken(token) {
      await pause(200);
      if (token !== null && !token.startsWith("hf_")) {
        throw failure("hub_sign_in", "The Hub does not know this token.");
      }
      account = { ...account, hasToken: token !== null };
      return account;
    },
    catalog: async () => fakeEntries,
  };
  return {
    hub,
    sizeOf: (repository: string, name: string) =>
      filesOf(model(repository)).find((file) => file.name === name)?.bytes ??
      2.5e9,
  };
}
