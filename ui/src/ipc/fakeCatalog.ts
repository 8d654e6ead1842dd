// What the catalog's models take on the scripted backend's laptop, and a simple choice among them.
import type { Backend } from "./backend";
import { fitOf, onCard } from "./fakeCard";
import { fakeEntries } from "./fakeEntries";
import type {
  Class,
  Gpu,
  HardwareProfile,
  Kind,
  Mixture,
  Prediction,
  Preferences,
  Recommendation,
} from "./bindings";
const MB = 1e6;
const LEAST_FREE_BYTES = 2e9;

/** Id, name, billions of weights, level, repository, file, [download, weights, KV cache, work] in MB, [decode, prefill] in
 * tokens a second, whether it thinks, languages. */
type Row = [
  string,
  string,
  number,
  Mixture,
  string,
  string,
  [number, number, number, number],
  [number, number],
  "never" | "can" | "always",
  string,
];

/** Bits of a weight, roughly. */
const BITS: Partial<Record<Mixture, number>> = {
  Q4_K_M: 4.85,
  Q5_0: 5.5,
  Q5_K_M: 5.7,
  Q6_K: 6.6,
  Q8_0: 8.5,
  F16: 16,
};

const ROWS: Row[] = [
  [
    "smollm2-135m",
    "SmolLM2 135M",
    0.135,
    "Q8_0",
    "bartowski/SmolLM2-135M-Instruct-GGUF",
    "SmolLM2-135M-Instruct-Q8_0.gguf",
    [145, 174, 189, 78],
    [319, 3440],
    "never",
    "en",
  ],
  [
    "smollm2-360m",
    "SmolLM2 360M",
    0.362,
    "Q8_0",
    "bartowski/SmolLM2-360M-Instruct-GGUF",
    "SmolLM2-360M-Instruct-Q8_0.gguf",
    [387, 435, 336, 102],
    [132, 1230],
    "never",
    "en",
  ],
  [
    "smollm2-1.7b",
    "SmolLM2 1.7B",
    1.71,
    "Q4_K_M",
    "bartowski/SmolLM2-1.7B-Instruct-GGUF",
    "SmolLM2-1.7B-Instruct-Q4_K_M.gguf",
    [1056, 1138, 1611, 158],
    [45, 473],
    "never",
    "en",
  ],
  [
    "gemma-3-270m",
    "Gemma 3 270M",
    0.268,
    "Q8_0",
    "ggml-org/gemma-3-270m-it-GGUF",
    "gemma-3-270m-it-Q8_0.gguf",
    [292, 455, 43, 210],
    [184, 3590],
    "never",
    "en",
  ],
  [
    "gemma-3-1b",
    "Gemma 3 1B",
    1,
    "Q8_0",
    "ggml-org/gemma-3-1b-it-GGUF",
    "gemma-3-1b-it-Q8_0.gguf",
    [1069, 1323, 60, 254],
    [51.8, 1080],
    "never",
    "en",
  ],
  [
    "gemma-3-4b",
    "Gemma 3 4B",
    3.88,
    "Q4_K_M",
    "ggml-org/gemma-3-4b-it-GGUF",
    "gemma-3-4b-it-Q4_K_M.gguf",
    [2490, 2854, 365, 308],
    [20.4, 239],
    "never",
    "*",
  ],
  [
    "gemma-3-12b",
    "Gemma 3 12B",
    11.8,
    "Q4_K_M",
    "unsloth/gemma-3-12b-it-GGUF",
    "gemma-3-12b-it-Q4_K_M.gguf",
    [7305, 7781, 1082, 380],
    [6.96, 72.5],
    "never",
    "*",
  ],
  [
    "gemma-3-27b",
    "Gemma 3 27B",
    27,
    "Q4_K_M",
    "unsloth/gemma-3-27b-it-GGUF",
    "gemma-3-27b-it-Q4_K_M.gguf",
    [16547, 17345, 1380, 457],
    [3.1, 30.8],
    "never",
    "*",
  ],
  [
    "llama-3.2-1b",
    "Llama 3.2 1B",
    1.24,
    "Q8_0",
    "bartowski/Llama-3.2-1B-Instruct-GGUF",
    "Llama-3.2-1B-Instruct-Q8_0.gguf",
    [1321, 1604, 268, 198],
    [42.3, 801],
    "never",
    "en de fr it pt hi es th",
  ],
  [
    "llama-3.2-3b",
    "Llama 3.2 3B",
    3.21,
    "Q4_K_M",
    "bartowski/Llama-3.2-3B-Instruct-GGUF",
    "Llama-3.2-3B-Instruct-Q4_K_M.gguf",
    [2019, 2280, 940, 214],
    [25.1, 272],
    "never",
    "en de fr it pt hi es th",
  ],
  [
    "llama-3.1-8b",
    "Llama 3.1 8B",
    8.03,
    "Q4_K_M",
    "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF",
    "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
    [4921, 4909, 1074, 292],
    [11.1, 112],
    "never",
    "en de fr it pt hi es th",
  ],
  [
    "phi-4-mini",
    "Phi-4-mini 3.8B",
    3.84,
    "Q4_K_M",
    "unsloth/Phi-4-mini-instruct-GGUF",
    "Phi-4-mini-instruct-Q4_K_M.gguf",
    [2492, 2856, 1074, 250],
    [20.5, 237],
    "never",
    "ar zh cs da nl en fi fr de he hu it ja ko no pl pt ru es sv th tr uk",
  ],
  [
    "bitnet-2b-4t",
    "BitNet b1.58 2B4T",
    2.41,
    "1.58-bit",
    "microsoft/bitnet-b1.58-2B-4T",
    "model.safetensors",
    [1201, 1733, 315, 191],
    [41.1, 115],
    "never",
    "en",
  ],
  [
    "qwen3-0.6b",
    "Qwen3 0.6B",
    0.596,
    "Q8_0",
    "Qwen/Qwen3-0.6B-GGUF",
    "Qwen3-0.6B-Q8_0.gguf",
    [639, 793, 940, 144],
    [79.9, 1600],
    "can",
    "*",
  ],
  [
    "qwen3-1.7b",
    "Qwen3 1.7B",
    1.72,
    "Q4_K_M",
    "unsloth/Qwen3-1.7B-GGUF",
    "Qwen3-1.7B-Q4_K_M.gguf",
    [1108, 1326, 940, 190],
    [44.7, 533],
    "can",
    "*",
  ],
  [
    "qwen3-4b",
    "Qwen3 4B",
    4.02,
    "Q4_K_M",
    "Qwen/Qwen3-4B-GGUF",
    "Qwen3-4B-Q4_K_M.gguf",
    [2497, 2763, 1208, 235],
    [20.2, 209],
    "can",
    "*",
  ],
  [
    "qwen3-8b",
    "Qwen3 8B",
    8.19,
    "Q4_K_M",
    "Qwen/Qwen3-8B-GGUF",
    "Qwen3-8B-Q4_K_M.gguf",
    [5028, 5054, 1208, 283],
    [11, 112],
    "can",
    "*",
  ],
  [
    "qwen3-14b",
    "Qwen3 14B",
    14.8,
    "Q4_K_M",
    "Qwen/Qwen3-14B-GGUF",
    "Qwen3-14B-Q4_K_M.gguf",
    [9002, 8894, 1342, 351],
    [6.02, 59.4],
    "can",
    "*",
  ],
  [
    "qwen3-30b-a3b",
    "Qwen3 30B-A3B",
    30.5,
    "Q4_K_M",
    "Qwen/Qwen3-30B-A3B-GGUF",
    "Qwen3-30B-A3B-Q4_K_M.gguf",
    [18557, 18556, 805, 162],
    [26.1, 272],
    "can",
    "*",
  ],
  [
    "qwen3-4b-instruct-2507",
    "Qwen3 4B Instruct 2507",
    4.02,
    "Q4_K_M",
    "unsloth/Qwen3-4B-Instruct-2507-GGUF",
    "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
    [2497, 2763, 1208, 235],
    [20.2, 209],
    "never",
    "*",
  ],
  [
    "qwen3-4b-thinking-2507",
    "Qwen3 4B Thinking 2507",
    4.02,
    "Q4_K_M",
    "unsloth/Qwen3-4B-Thinking-2507-GGUF",
    "Qwen3-4B-Thinking-2507-Q4_K_M.gguf",
    [2497, 2763, 1208, 235],
    [20.2, 209],
    "always",
    "*",
  ],
  [
    "qwen3-30b-a3b-instruct-2507",
    "Qwen3 30B-A3B Instruct 2507",
    30.5,
    "Q4_K_M",
    "unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF",
    "Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf",
    [18557, 18556, 805, 162],
    [26.1, 272],
    "never",
    "*",
  ],
  [
    "qwen3-30b-a3b-thinking-2507",
    "Qwen3 30B-A3B Thinking 2507",
    30.5,
    "Q4_K_M",
    "unsloth/Qwen3-30B-A3B-Thinking-2507-GGUF",
    "Qwen3-30B-A3B-Thinking-2507-Q4_K_M.gguf",
    [18557, 18556, 805, 162],
    [26.1, 272],
    "always",
    "*",
  ],
  [
    "mistral-small-24b",
    "Mistral Small 24B",
    23.6,
    "Q4_K_M",
    "bartowski/Mistral-Small-24B-Instruct-2501-GGUF",
    "Mistral-Small-24B-Instruct-2501-Q4_K_M.gguf",
    [14331, 14252, 1342, 501],
    [3.71, 35.6],
    "never",
    "en fr de es it pt zh ja ru ko",
  ],
];

const range = (expected: number) => ({
  low: expected * 0.7,
  expected,
  high: expected * 1.3,
});

const classOf = (billions: number): Class =>
  billions < 1.45 ? "micro" : billions < 13.95 ? "small" : "medium";

/** What is known of the machine, and what shall stay free of it. */
type Known = {
  availableBytes: number;
  leaveFree: number;
  measured: boolean;
  gpu: Gpu | null;
};

function predict(
  row: Row,
  { availableBytes, leaveFree, measured, gpu }: Known,
): Prediction {
  const [id, name, billions, level, repository, file, sizes, speeds] = row;
  const [download, weights, cache, work] = sizes.map((size) => size * MB);
  const [decode, prefill] = speeds;
  const memory = {
    weights: weights ?? 0,
    kv_cache: cache ?? 0,
    work: work ?? 0,
    total: (weights ?? 0) + (cache ?? 0) + (work ?? 0),
  };
  const speed =
    decode >= 10 ? "faster_than_reading" : decode >= 4 ? "usable" : "slow";
  const placed = gpu && onCard(id, level, gpu, availableBytes, leaveFree);
  return {
    model_id: id,
    name,
    class: classOf(billions),
    level,
    repository,
    file,
    download: { bytes: download ?? 0, source: "verified" },
    context_length: 8192,
    place: { kind: "processor" },
    memory_bytes: memory,
    vram_bytes: null,
    prefill_tokens_per_second: measured ? range(prefill) : null,
    decode_tokens_per_second: measured ? range(decode) : null,
    time_to_first_token_seconds: measured ? range(500 / prefill) : null,
    verdict: {
      memory: fitOf(memory.total, availableBytes, leaveFree),
      speed: measured ? speed : null,
    },
    ...placed,
  };
}

/** Every file of the catalog's models: weights, and with them time, go with the size of the file. */
function predictLevels(known: Known): Prediction[] {
  return ROWS.flatMap((row) => {
    const usual = predict(row, known);
    const entry = fakeEntries.find(({ id }) => id === row[0]);
    return (entry?.files ?? []).map((file) => {
      if (file.level === row[3]) {
        return usual;
      }
      const ratio = (BITS[file.level] ?? 4.8) / (BITS[row[3]] ?? 4.8);
      const [download = 0, weights = 0, cache = 0, work = 0] = row[6];
      const [decode, prefill] = row[7];
      const sized: Row = [...row];
      sized[3] = file.level;
      sized[5] = file.name;
      sized[6] = [download * ratio, weights * ratio, cache, work];
      sized[7] = [decode / ratio, prefill];
      return predict(sized, known);
    });
  });
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

/** A model of the catalog, and what it takes. */
type Candidate = { row: Row; prediction: Prediction; rate: number };

function told(
  kind: Kind,
  chosen: Candidate | undefined,
  known: Known,
): Recommendation[] {
  if (!chosen) {
    return [];
  }
  const { prediction } = chosen;
  const { place, memory_bytes, vram_bytes, context_length } = prediction;
  const own = gigabytes(memory_bytes.total);
  const first = {
    best: `The best model that answers faster than you read and leaves ${gigabytes(known.leaveFree)} for your other programs.`,
    faster: "Writes much faster than the best choice, and knows less.",
    smarter: "Answers better than the best choice, and slower.",
  }[kind];
  const reasons = [
    first,
    "At four bits: more weights are worth more than more bits.",
    vram_bytes
      ? `Takes ${gigabytes(vram_bytes.total)} of the ${gigabytes(known.gpu?.memoryFreeBytes ?? 0)} that are free on the graphics card, and ${own} beside.`
      : `Takes ${own} of the ${gigabytes(known.availableBytes)} that are free, with ${context_length} tokens of context.`,
  ];
  if (context_length < 8192) {
    reasons.push(`Its context is ${context_length} tokens: more does not fit.`);
  }
  if (place.kind === "gpu") {
    reasons.push(
      `Computed by ${place.name}: its speed follows from its memory's rate.`,
    );
  } else if (!known.measured) {
    reasons.push(
      "Chosen for a slow processor: this machine has not been measured yet.",
    );
  }
  return [{ kind, prediction, reasons }];
}

function choose(wishes: Preferences, known: Known): Recommendation[] {
  const chosen = chooseLeaving(known.leaveFree, wishes, known);
  return chosen.length > 0 ? chosen : chooseLeaving(0, wishes, known);
}

function chooseLeaving(
  leftBytes: number,
  wishes: Preferences,
  known: Known,
): Recommendation[] {
  const least = { speed: 20, balance: 10, quality: 4 }[wishes.prefer];
  const candidates = ROWS.map((row): Candidate => {
    const prediction = predict(row, known);
    // Where nothing was measured, models are chosen by what is assumed.
    const rate = prediction.decode_tokens_per_second?.expected ?? row[7][0];
    return { row, rate, prediction };
  });
  const fitting = candidates
    .filter(({ row: [, , , , , , , , thinks, languages], prediction }) => {
      const { memory_bytes, verdict } = prediction;
      return (
        verdict.memory.fit !== "too_large" &&
        memory_bytes.total + leftBytes <= known.availableBytes &&
        (wishes.reasoning ? thinks !== "never" : thinks !== "always") &&
        wishes.languages.every(
          (code) => ` ${languages} *`.includes(` ${code}`) || languages === "*",
        )
      );
    })
    .sort((a, b) => b.row[2] - a.row[2]);
  const best = fitting.find(({ rate }) => rate >= least);
  if (!best) {
    return [];
  }
  const faster = fitting.find(({ rate }) => rate >= 1.5 * best.rate);
  const smarter = fitting.find(
    ({ row, rate }) => row[2] > 1.2 * best.row[2] && rate < best.rate,
  );
  return [
    ...told("best", best, known),
    ...told("faster", faster, known),
    ...told("smarter", smarter, known),
  ];
}

/** `isMeasured` tells whether speeds are known by now. */
export function fakeRecommend(
  profile: HardwareProfile,
  isMeasured: () => Promise<boolean>,
): Backend["recommend"] {
  const { memory } = profile;
  const known = async (wishes: Preferences): Promise<Known> => ({
    gpu:
      profile.gpus.find(({ usability }) => usability.state === "usable") ??
      null,
    availableBytes: memory.availableBytes,
    leaveFree:
      wishes.leaveFreeBytes ??
      Math.max(LEAST_FREE_BYTES, memory.totalBytes / 4),
    measured: await isMeasured(),
  });
  return {
    async models(wishes) {
      const machine = await known(wishes);
      return {
        recommendations: choose(wishes, machine),
        predictions: ROWS.map((row) => predict(row, machine)),
        levels: predictLevels(machine),
      };
    },
  };
}
