// The models that the scripted backend has on disk, and those it finds in other programs.
import type { Adoptable, LibraryModel } from "./bindings";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const COMMIT = "7c41481f57cb95916b40956ab2f0b139b296d974";

const kept = {
  addedAtMs: 0,
  availability: "available",
  storage: { kind: "kept" },
  origin: null,
  lastUsedAtMs: null,
  decodeTokensPerSecond: null,
  newerCommit: null,
} as const;

export const fakeModels: LibraryModel[] = [
  {
    ...kept,
    id: "a1",
    info: {
      name: "SmolLM2 135M Instruct",
      architecture: "llama",
      quantization: "Q4_1",
      parameters: 134_515_008,
      trainedContextLength: 8192,
      contextLength: 8192,
      hasChatTemplate: true,
    },
    sizeBytes: 97_900_000,
    lastUsedAtMs: Date.now() - 5 * 60_000,
    decodeTokensPerSecond: 224,
  },
  {
    ...kept,
    id: "b2",
    info: {
      name: "Qwen3 4B",
      architecture: "qwen3",
      quantization: "Q4_K_M",
      parameters: 4_022_468_096,
      trainedContextLength: 32_768,
      contextLength: 8192,
      hasChatTemplate: true,
    },
    sizeBytes: 2_497_280_256,
    origin: {
      repository: "Qwen/Qwen3-4B-GGUF",
      commit: COMMIT,
      file: "Qwen3-4B-Q4_K_M.gguf",
    },
    lastUsedAtMs: Date.now() - 2 * DAY_MS,
    decodeTokensPerSecond: 13.7,
    newerCommit: "bc640142c66e1fdd12af0bd68f40445458f3869b",
  },
  {
    ...kept,
    id: "c3",
    info: {
      name: "Llama 3.2 1B Instruct",
      architecture: "llama",
      quantization: "Q8_0",
      parameters: 1_235_814_400,
      trainedContextLength: 131_072,
      contextLength: 8192,
      hasChatTemplate: true,
    },
    sizeBytes: 1_321_079_200,
    availability: "missing",
    storage: {
      kind: "in_place",
      path: "/media/ada/USB/models/Llama-3.2-1B-Instruct-Q8_0.gguf",
    },
  },
  {
    ...kept,
    id: "d4",
    info: {
      name: "Gemma 3 4B it",
      architecture: "gemma3",
      quantization: "Q4_K_M",
      parameters: 3_880_099_328,
      trainedContextLength: 131_072,
      contextLength: 8192,
      hasChatTemplate: true,
    },
    sizeBytes: 2_489_757_856,
    storage: {
      kind: "adopted",
      from: "ollama",
      path: "/home/ada/.ollama/models/blobs/sha256-aeda25e63ebd698fab8638ffb778e68bed908b960d39d0becc650fa981609d25",
    },
    lastUsedAtMs: Date.now() - 40 * DAY_MS,
    decodeTokensPerSecond: 19.2,
  },
];

const model = fakeModels[1] as LibraryModel;

/** A library that has grown for years: long and hostile names, and every state a file can be in. */
export const manyModels: LibraryModel[] = [
  {
    ...model,
    id: "long",
    info: {
      ...model.info,
      name: "An-Extremely-Long-Merge-Of-Merges-v2.1-DPO-Instruct-Abliterated-Uncensored-128k-i1-imatrix",
    },
  },
  {
    ...model,
    id: "html",
    info: {
      ...model.info,
      name: '<img src=x onerror="document.title=1"><b>Bold</b> & co',
    },
    availability: "changed",
  },
  {
    ...model,
    id: "rtl",
    info: { ...model.info, name: "נמודל \u202egpj.fugg שפה" },
    availability: "folder_missing",
  },
  ...Array.from({ length: 47 }, (_, index) => ({
    ...model,
    id: `many-${index}`,
    info: { ...model.info, name: `Model number ${index + 1}` },
    origin: null,
    newerCommit: null,
    sizeBytes: model.sizeBytes + index * 31_000_000,
    lastUsedAtMs: index % 3 === 0 ? null : Date.now() - index * DAY_MS,
  })),
];

const found = { problem: null, already: null };

export const fakeAdoptables: Adoptable[] = [
  {
    ...found,
    key: "1",
    peer: "lm_studio",
    name: "Phi-4-mini-instruct-Q4_K_M",
    path: "/home/ada/.lmstudio/models/microsoft/Phi-4-mini-instruct-GGUF/Phi-4-mini-instruct-Q4_K_M.gguf",
    sizeBytes: 2_491_874_272,
  },
  {
    ...found,
    key: "2",
    peer: "lm_studio",
    name: "gpt-oss-20b-MXFP4",
    path: "/home/ada/.lmstudio/models/lmstudio-community/gpt-oss-20b-GGUF/gpt-oss-20b-MXFP4.gguf",
    sizeBytes: 12_109_566_560,
    problem: {
      code: "unsupported_tensor_type",
      message: "blk.0.ffn_down_exps.weight is MXFP4.",
    },
  },
  {
    ...found,
    key: "3",
    peer: "ollama",
    name: "qwen3:8b",
    path: "/home/ada/.ollama/models/blobs/sha256-a3de86cd1c132c822487ededd47a324c50491393e6565cd14bafa40d0b8e686f",
    sizeBytes: 5_225_388_164,
  },
  {
    ...found,
    key: "4",
    peer: "ollama",
    name: "gemma3:4b",
    path: "/home/ada/.ollama/models/blobs/sha256-aeda25e63ebd698fab8638ffb778e68bed908b960d39d0becc650fa981609d25",
    sizeBytes: 2_489_757_856,
    already: "d4",
  },
  {
    ...found,
    key: "5",
    peer: "hugging_face",
    name: "HuggingFaceTB/SmolLM2-360M-Instruct",
    path: "/home/ada/.cache/huggingface/hub/models--HuggingFaceTB--SmolLM2-360M-Instruct/snapshots/a10cc1512eabd3dde888204e902eca88bddb4951",
    sizeBytes: 723_674_912,
  },
];
