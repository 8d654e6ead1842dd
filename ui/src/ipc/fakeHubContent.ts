// What the scripted Hub holds: models of the catalog, others, and some that mean no good.
import type { HubModel, Runs } from "./bindings";
import { fakeEntries } from "./fakeEntries";

const classOf = (parameters: number) =>
  parameters < 1.45e9 ? "micro" : parameters < 13.95e9 ? "small" : "medium";

/** What fits the scripted laptop at four bits, roughly. */
function verdictOf(parameters: number): HubModel["verdict"] {
  const bytes = parameters * 0.6 + 1.2e9;
  const speed = parameters < 6e9 ? "faster_than_reading" : "usable";
  if (bytes > 11.2e9) {
    const missing_bytes = bytes - 11.2e9;
    return { memory: { fit: "too_large", missing_bytes }, speed: "slow" };
  }
  return { memory: { fit: bytes > 7e9 ? "tight" : "fits_well" }, speed };
}

const known: HubModel[] = fakeEntries.map((entry, index) => ({
  repository: entry.repository,
  publisher: entry.repository.split("/")[0] ?? "",
  name: entry.repository.split("/")[1] ?? "",
  parameters: entry.parameters,
  class: classOf(entry.parameters),
  architecture: entry.dimensions.architecture,
  runs: { kind: "yes" },
  licence: entry.licence,
  languages: entry.languages[0] === "*" ? ["en", "fr", "zh"] : entry.languages,
  gated: false,
  downloads: Math.round(1_900_000 / (index + 1)),
  likes: Math.round(2_400 / (index + 1)),
  updatedAt: `${entry.released}-12T10:30:05.000Z`,
  contextLength: entry.dimensions.contextLength,
  verdict: verdictOf(entry.parameters),
}));

const base = known[15] as HubModel;
const no = (reason: string): Runs => ({ kind: "no", reason });

function other(repository: string, patch: Partial<HubModel>): HubModel {
  const [publisher = "", name = ""] = repository.split("/");
  return { ...base, repository, publisher, name, ...patch };
}

export const GATED = "meta-llama/Llama-3.2-3B-Instruct-GGUF";
export const UNSUPPORTED = "ggml-org/gpt-oss-20b-GGUF";
export const HOSTILE =
  "evil/<img src=x onerror=\"document.title='owned'\"><b>Bold</b>";

const special: HubModel[] = [
  other(GATED, {
    gated: true,
    licence: "llama3.2",
    parameters: 3_212_749_888,
    class: "small",
    architecture: "llama",
    verdict: verdictOf(3.2e9),
    languages: ["en", "de", "fr", "it", "pt", "hi", "es", "th"],
    downloads: 812_400,
    contextLength: 131_072,
  }),
  other(UNSUPPORTED, {
    architecture: "gpt-oss",
    parameters: 20_914_757_184,
    class: "medium",
    runs: no("Wick does not know the architecture gpt-oss yet."),
    verdict: null,
    downloads: 640_120,
    likes: 310,
  }),
  other("unsloth/Qwen3-4B-UD-GGUF", { downloads: 401_000, likes: 96 }),
  other(HOSTILE, { downloads: 3, likes: 0, licence: "<script>", gated: false }),
  other("שלום/\u202egpj.FUGG-ledom", { downloads: 2, likes: 0, licence: null }),
  other(
    "a-publisher-with-a-rather-long-name/An-Extremely-Long-Merge-Of-Merges-v2.1-DPO-Instruct-Abliterated-Uncensored-128k-i1-GGUF",
    {
      downloads: 1204,
      likes: 12,
      parameters: null,
      class: null,
      verdict: null,
      runs: { kind: "unknown" },
      licence: null,
      languages: [],
      architecture: null,
      contextLength: null,
      updatedAt: null,
    },
  ),
];

const more: HubModel[] = Array.from({ length: 36 }, (_, index) =>
  other(`community/Tuned-${index + 1}-GGUF`, {
    downloads: 900 - index,
    likes: 40 - index,
    parameters: (index % 9) * 1e9 + 6e8,
    class: classOf((index % 9) * 1e9 + 6e8),
    verdict: verdictOf((index % 9) * 1e9 + 6e8),
    licence: index % 2 === 0 ? "mit" : "apache-2.0",
  }),
);

/** In the order that is trending. */
export const fakeHubModels: HubModel[] = [
  ...known.slice(13, 17),
  ...special.slice(0, 3),
  ...known.slice(0, 13),
  ...special.slice(3),
  ...known.slice(17),
  ...more,
].filter(
  (model, index, all) =>
    all.findIndex((one) => one.repository === model.repository) === index,
);

export const fakeCard = (model: HubModel) => `# ${model.name}

![A banner that must not be fetched](https://example.com/track.png)

This repository holds **GGUF** files of ${model.name}, made with [llama.cpp](https://github.com/ggml-org/llama.cpp).

## Highlights

- Answers in ${Math.max(1, model.languages.length)} languages
- Context of ${model.contextLength ?? "unknown"} tokens
- Licence: ${model.licence ?? "not said"}

| Benchmark | Score |
| --- | ---: |
| MMLU | 62.1 |
| GSM8K | 71.4 |

\`\`\`bash
wick pull ${model.repository}:Q4_K_M
\`\`\`

<script>document.title = "owned"</script>
<img src="x" onerror="document.title='owned'">

[A bad link](javascript:alert(1)) and a [good one](https://example.com/paper).

> Use it kindly.
`;
