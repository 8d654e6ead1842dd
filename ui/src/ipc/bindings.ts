// The types that cross the border between the page and Rust, written from the Rust types by
// `UPDATE_BINDINGS=1 cargo test -p wick-desktop bindings`. Do not edit.

export type Role = "system" | "user" | "assistant" | "tool";

export type StopReason = "end_of_turn" | "stop_text" | "max_tokens" | "context_full" | "cancelled";

export type ReplyStats = {
  /** Why it ended. */
  stopReason: StopReason,
  /** Tokens in the prompt. */
  promptTokens: number,
  /** Of those, tokens that were still in the KV cache. */
  reusedTokens: number,
  /** Tokens written. */
  replyTokens: number,
  /** From the request to the first token, waiting for other requests not counted. */
  timeToFirstTokenMs: number,
  /** Prompt tokens read a second (those not reused); 0 where none were. */
  prefillTokensPerSecond: number,
  /** Tokens written a second after the first; 0 for replies of one token. */
  decodeTokensPerSecond: number,
  /** Tokens of context the model was loaded with. */
  contextLength: number,
  /** Messages that left the front of the conversation for it to fit. */
  droppedMessages: number,
  /** Tokens that were guessed, to be checked several at once. */
  draftedTokens: number,
  /** Of those, tokens that were right. */
  acceptedTokens: number, };

export type MessageStatus = "complete" | "streaming" | "stopped" | "failed" | "interrupted";

export type Message = {
  /** Its id. */
  id: number,
  /** The chat it belongs to. */
  chatId: number,
  /** The message it follows. */
  parentId: number | null,
  /** Who wrote it. */
  role: Role,
  /** What it says. */
  content: string,
  /** What the model thought before it said it; empty where it did not. */
  reasoning: string,
  /** Whether it is whole. */
  status: MessageStatus,
  /** When it was begun. */
  createdAtMs: number,
  /** The model that wrote it. */
  modelName: string | null,
  /** How the reply went. */
  stats: ReplyStats | null,
  /** What ended the reply. */
  error: AppError | null, };

export type ChatSummary = {
  /** Its id. */
  id: number,
  /** From its first message, or the user's own. */
  title: string,
  /** When something was last written in it. */
  updatedAtMs: number, };

export type Chat = {
  /** Its entry in the list. */
  summary: ChatSummary,
  /** Every message of every branch, oldest first. */
  messages: Array<Message>,
  /** The leaf of the branch that was last shown. */
  activeLeafId: number | null,
  /** Text typed and not sent. */
  draft: string, };

export type SendRequest = {
  /** The chat; `None` starts a new one. */
  chatId: number | null,
  /** The message it follows; `None` at the beginning of the chat. */
  parentId: number | null,
  /** What the user wrote. */
  text: string, };

export type SendReceipt = {
  /** The chat. */
  chat: ChatSummary,
  /** The user's message; `None` where only a new reply was asked for. */
  userMessage: Message | null,
  /** The reply, still empty. */
  reply: Message, };

export type ReplyEvent = { "type": "waiting" } | { "type": "loading",
  /** 0 to 1. */
  fraction: number, } | { "type": "reading",
  /** Tokens read. */
  processed: number,
  /** Tokens in all. */
  total: number,
  /** Tokens that needed no reading. */
  reused: number,
  /** Messages left out for the rest to fit. */
  droppedMessages: number, } | { "type": "reasoning",
  /** To append. */
  text: string, } | { "type": "text",
  /** To append. */
  text: string, } | { "type": "finished",
  /** As it was saved. */
  message: Message, };

export type ModelInfo = {
  /** `general.name`, or the file's stem. */
  name: string,
  /** `general.architecture`. */
  architecture: string,
  /** Most used tensor type of the weights, as llama.cpp names files: `Q4_1`. */
  quantization: string,
  /** Number of weights. */
  parameters: number,
  /** Tokens of context the model was trained for. */
  trainedContextLength: number,
  /** Tokens of context it is (or would be) loaded with. */
  contextLength: number,
  /** Whether the file carries a chat template. */
  hasChatTemplate: boolean, };

export type Availability = "available" | "missing" | "changed" | "folder_missing";

export type Origin = {
  /** `owner/name` on the Hub. */
  repository: string,
  /** The state of the repository, 40 hex digits. */
  commit: string,
  /** The file's path there: the first part's where it is split, empty for a folder of safetensors. A label. */
  file: string, };

export type Peer = "lm_studio" | "ollama" | "jan" | "gpt4all" | "hugging_face";

export type Storage = { "kind": "kept" } | { "kind": "in_place",
  /** The file or folder. */
  path: string, } | { "kind": "adopted",
  /** Which program. */
  from: Peer,
  /** The file or folder. */
  path: string, };

export type LibraryModel = {
  /** sha256 of the file, in hex; of the names and sha256s where there are several. */
  id: string,
  /** What its header says. */
  info: ModelInfo,
  /** Size of its files. */
  sizeBytes: number,
  /** When it came into the library. */
  addedAtMs: number,
  /** Whether its files are there. */
  availability: Availability,
  /** Whose they are. */
  storage: Storage,
  /** Where they came from, where that is known. */
  origin: Origin | null,
  /** When it last answered. */
  lastUsedAtMs: number | null,
  /** How fast it writes on this machine: the median of what was measured. */
  decodeTokensPerSecond: number | null,
  /** The commit of the newer file that its repository has, as far as was looked. */
  newerCommit: string | null, };

export type ImportMode = "copy" | "in_place";

export type ImportEvent = { "type": "copying",
  /** Bytes done. */
  doneBytes: number,
  /** Bytes in all. */
  totalBytes: number, } | { "type": "reading",
  /** Bytes done. */
  doneBytes: number,
  /** Bytes in all. */
  totalBytes: number, } | { "type": "finished",
  /** As it now stands there. */
  model: LibraryModel, };

export type Adoptable = {
  /** What adopting it asks for. */
  key: string,
  /** Whose it is. */
  peer: Peer,
  /** What that program calls it. */
  name: string,
  /** Where it lies. */
  path: string,
  /** Size of its files. */
  sizeBytes: number,
  /** Why Wick cannot run it. */
  problem: AppError | null,
  /** The model of the library that it is already. */
  already: string | null, };

export type Deleted = {
  /** The model. */
  id: string,
  /** What its files take; 0 where they are not Wick's, which stay. */
  freedBytes: number, };

export type FolderState = "ok" | "read_only" | "missing";

export type LibraryFolder = {
  /** Where it is. */
  path: string,
  /** Whether it can be used. */
  state: FolderState,
  /** What is free on its disk, where the system tells. */
  freeBytes: number | null,
  /** What the models in it take, those in the trash included. */
  modelsBytes: number,
  /** What those in the trash take. */
  trashBytes: number, };

export type VerifyOutcome = { "outcome": "whole" } | { "outcome": "damaged",
  /** The file, by its name. */
  file: string,
  /** Its sha256 as it was. */
  expected: string,
  /** As it is. */
  found: string, };

export type VerifyEvent = { "type": "reading",
  /** Bytes done. */
  doneBytes: number,
  /** Bytes in all. */
  totalBytes: number, } | { "type": "finished",
  /** What was found. */
  outcome: VerifyOutcome, };

export type MoveEvent = { "type": "moving",
  /** Bytes done. */
  doneBytes: number,
  /** Bytes in all. */
  totalBytes: number, } | { "type": "finished",
  /** The folder as it now is. */
  folder: LibraryFolder, };

export type DownloadRequest = {
  /** `owner/name` on the Hub. */
  repository: string,
  /** A branch, a tag or a commit; the main branch where it is absent. */
  revision: string | null,
  /** Path of the file there, the first part's where it is split; empty is the folder of safetensors. */
  file: string, };

export type DownloadState = { "state": "queued" } | { "state": "resolving" } | { "state": "downloading",
  /** How many a second. */
  bytesPerSecond: number,
  /** How long that takes, if it stays so. */
  secondsLeft: number | null, } | { "state": "waiting",
  /** When. */
  untilMs: number,
  /** What it waits for. */
  reason: string, } | { "state": "verifying" } | { "state": "paused" } | { "state": "failed",
  /** Why. */
  error: AppError, } | { "state": "finished",
  /** As this model. */
  modelId: string, };

export type Download = {
  /** Its number. */
  id: number,
  /** `owner/name` on the Hub. */
  repository: string,
  /** As it was asked for. */
  file: string,
  /** The state of the repository that is fetched, once that is known. */
  commit: string | null,
  /** Bytes in all, once that is known. */
  sizeBytes: number | null,
  /** Bytes that are here. */
  doneBytes: number,
  /** When it was asked for. */
  addedAtMs: number,
  /** How it stands. */
  status: DownloadState,
  /** Something that happened to it and that the user should know. */
  notice: string | null, };

export type MemoryUse = {
  /** Resident now; 0 where the system does not tell. */
  residentBytes: number,
  /** Most that was ever resident; 0 where the system does not tell. */
  peakBytes: number, };

export type EngineStatus = { "state": "idle" } | { "state": "loading",
  /** Which. */
  modelId: string,
  /** 0 to 1. */
  fraction: number, } | { "state": "ready",
  /** Which. */
  modelId: string,
  /** Memory of the process. */
  memory: MemoryUse, } | { "state": "generating",
  /** By which model. */
  modelId: string, } | { "state": "crashed",
  /** The model it had loaded. */
  modelId: string | null,
  /** What happened. */
  error: AppError, };

export type Theme = "system" | "light" | "dark";

export type SamplingParams = {
  /** 0 always takes the most likely token; at most 2. */
  temperature: number,
  /** How far the temperature moves down where the model is sure and up where it is not; 0 is off; at most 2. */
  dynamicTemperatureRange: number,
  /** Bends the way from the lowest to the highest temperature; 1 is straight; above 0, at most 10. */
  dynamicTemperatureExponent: number,
  /** Only the k most likely tokens; 0 is off. */
  topK: number,
  /** Only the most likely tokens that together reach this probability; 1 is off. */
  topP: number,
  /** Only tokens at least this likely, relative to the likeliest; 0 is off. */
  minP: number,
  /** Only the tokens of the most expected surprise that together reach this probability; 1 is off. */
  typicalP: number,
  /** How often the likeliest tokens are left out (XTC); 0 is off, 1 is always. */
  xtcProbability: number,
  /** Of the tokens at least this likely, XTC leaves the least likely one only; above 0.5 it does nothing. */
  xtcThreshold: number,
  /** The surprise in bits that mirostat 2 keeps to, instead of top-k, top-p, min-p, typical-p and XTC; 0 is off;
 * at most 20. */
  mirostatTau: number,
  /** How fast mirostat 2 corrects itself; at most 1. */
  mirostatEta: number,
  /** Divides the logits of recent tokens; 1 is off; 0.5 to 2. */
  repetitionPenalty: number,
  /** Taken from the logit of each recent token once; 0 is off; -2 to 2. */
  presencePenalty: number,
  /** Taken from the logit of each recent token as often as it occurred; 0 is off; -2 to 2. */
  frequencyPenalty: number,
  /** How many of the last tokens are recent to the three penalties; 0 is all. */
  penaltyLastN: number,
  /** Strength of the penalty (DRY) on tokens that would continue a repeated sequence; 0 is off; at most 10. */
  dryMultiplier: number,
  /** The penalty grows by this factor with each repeated token; 1 to 4. */
  dryBase: number,
  /** Repetitions shorter than this are free; 1 to 1000. */
  dryAllowedLength: number,
  /** How many of the last tokens DRY looks at; 0 is all. */
  dryLastN: number,
  /** Texts across which DRY sees no repetition. */
  dryBreakers: Array<string>,
  /** Tokens and what is added to their logits, -100 to 100; -100 bans the token. */
  logitBias: Array<[number, number]>,
  /** The same seed gives the same text; `None` takes a new one each time. */
  seed: number | null, };

export type CacheType = "f32" | "f16" | "q8_0";

export type Prefer = "balance" | "quality" | "speed";

export type Preferences = {
  /** Memory that stays free for other programs; `None` is a quarter of the machine's, and at least 2 GB. */
  leaveFreeBytes: number | null,
  /** What counts more. */
  prefer: Prefer,
  /** Languages that the model must have been made for, by their codes. */
  languages: Array<string>,
  /** Whether it must be one that thinks before it answers. */
  reasoning: boolean,
  /** Licences that will do; none is any. */
  licences: Array<string>,
  /** Tokens of context; less where so much does not fit. */
  contextLength: number, };

export type Settings = {
  /** Colours of the window. */
  theme: Theme,
  /** The model new replies come from; `None` until one is chosen. */
  modelId: string | null,
  /** How tokens are chosen. */
  sampling: SamplingParams,
  /** Instructions before every chat; empty is none. */
  systemPrompt: string,
  /** Most tokens of a reply; `None` is until the model ends its turn. */
  maxTokens: number | null,
  /** Tokens of context; `None` leaves it to Wick. */
  contextLength: number | null,
  /** Threads to compute with; `None` leaves it to Wick. */
  threads: number | null,
  /** How keys and values are kept while a model reads and writes. */
  cacheType: CacheType,
  /** What recommendations are made by. */
  preferences: Preferences,
  /** Address of the Hub or of a mirror; `None` is `HF_ENDPOINT`, else the Hub. */
  hubEndpoint: string | null,
  /** The way to the network: `None` is the system's, an empty text is straight, else a proxy's address. */
  proxy: string | null,
  /** Most bytes that downloads may take in a second, all together; `None` is no limit. */
  downloadLimitBytesPerSecond: number | null, };

export type ErrorCode = "not_gguf" | "unsupported_gguf_version" | "file_truncated" | "file_malformed" | "unsupported_architecture" | "unsupported_tensor_type" | "unsupported_tokenizer" | "no_chat_template" | "chat_template_failed" | "prompt_too_long" | "empty_message" | "invalid_settings" | "no_model" | "model_missing" | "model_changed" | "models_folder_missing" | "file_in_use" | "download_corrupt" | "device_unavailable" | "not_a_number" | "compute_failed" | "engine_crashed" | "engine_start_failed" | "cancelled" | "not_found" | "file_read_failed" | "disk_full" | "storage_unwritable" | "storage_damaged" | "storage_from_newer_version" | "storage_failed" | "link_refused" | "offline" | "hub_not_found" | "hub_gated" | "hub_sign_in" | "hub_rate_limited" | "hub_failed" | "hub_refused" | "busy" | "internal";

export type AppError = {
  /** What programs match on. */
  code: ErrorCode,
  /** One sentence with the particulars. */
  message: string, };

export type StorageNotice = { "kind": "damaged_set_aside",
  /** Where it lies now. */
  keptAt: string, };

export type StartState = {
  /** Version of Wick. */
  version: string,
  /** The settings as they are. */
  settings: Settings,
  /** Where everything lies. */
  dataFolder: string,
  /** Something about the data folder that the user should know. */
  notice: StorageNotice | null,
  /** Cores of the processor, hyper-threads not counted. */
  physicalCores: number,
  /** Memory of the machine; 0 where the system does not tell. */
  totalMemoryBytes: number, };

export type StarterState = "importing" | "present" | "absent";

export type Processor = {
  /** As it names itself. */
  model: string,
  /** What it is built for: `x86_64`, `aarch64`. */
  architecture: string,
  /** Cores, those of two threads counted once. */
  physicalCores: number,
  /** Threads that run at once. */
  logicalCores: number,
  /** Physical cores that are fast; all of them where all are alike. */
  performanceCores: number,
  /** Physical cores that save power. */
  efficiencyCores: number,
  /** Threads that this program may run at once: container limits and affinity narrow it. */
  usableCores: number,
  /** Instruction sets that matter to models. */
  instructionSets: Array<string>,
  /** The path that Wick's kernels take: `avx512-vnni` for one. */
  kernels: string, };

export type MemoryLimit = {
  /** How much. */
  bytes: number,
  /** Who sets it, a control group and its file: `/user.slice memory.max`. */
  setBy: string, };

export type Pressure = {
  /** At least one of them did. */
  somePercent: number,
  /** All of them did. */
  fullPercent: number, };

export type MachineMemory = {
  /** What this program may have in all; 0 where the system does not tell. */
  totalBytes: number,
  /** Of that, what is free or can be freed without hurting anybody. */
  availableBytes: number,
  /** What the machine has, whatever this program may have of it. */
  hostBytes: number,
  /** The narrowest limit, where there is one below the machine's own memory. */
  limit: MemoryLimit | null,
  /** Room on disk for memory that is not in use. */
  swapTotalBytes: number,
  /** Of that, what is free. */
  swapFreeBytes: number,
  /** How much programs wait for memory; `None` where the system does not tell. */
  pressure: Pressure | null, };

export type Disk = {
  /** Its size. */
  totalBytes: number,
  /** What this user may still write. */
  freeBytes: number, };

export type GpuVendor = "nvidia" | "amd" | "intel" | "apple" | "other";

export type GpuKind = "discrete" | "integrated" | "unified" | "unknown";

export type Usability = { "state": "usable" } | { "state": "not_built_for",
  /** What is missing in it. */
  backend: string, } | { "state": "library_missing",
  /** Its file. */
  library: string, } | { "state": "driver_too_old",
  /** What it supports. */
  found: string,
  /** The least that is needed. */
  needed: string, } | { "state": "too_old",
  /** Its compute capability. */
  found: string,
  /** The least that is needed. */
  needed: string, } | { "state": "not_enough_free_memory",
  /** What is free now. */
  freeBytes: number,
  /** The least that is worth using it for. */
  neededBytes: number, } | { "state": "hidden",
  /** The variable. */
  variable: string, } | { "state": "vendor_not_supported" } | { "state": "driver_failed",
  /** What it said. */
  reason: string, };

export type Gpu = {
  /** As its driver names it, else by vendor and number. */
  name: string,
  /** Who made it. */
  vendor: GpuVendor,
  /** Whether it has memory of its own. */
  kind: GpuKind,
  /** Memory it can compute in; `None` where nothing tells. */
  memoryTotalBytes: number | null,
  /** Of that, what is free now. */
  memoryFreeBytes: number | null,
  /** Rate at which it can read its memory, by its clock and the width of its bus. */
  memoryBytesPerSecond: number | null,
  /** What its cores can do, as CUDA counts: `8.9`. */
  computeCapability: string | null,
  /** Version of its driver. */
  driver: string | null,
  /** Whether Wick can compute with it, or why not. */
  usability: Usability, };

export type GpuSearch = {
  /** What was asked: `NVML`, `Metal`, `sysfs`. */
  asked: Array<string>,
  /** Why the search broke off, where it did: a driver that crashes or hangs. */
  failure: string | null, };

export type HardwareProfile = {
  /** The processor. */
  processor: Processor,
  /** Memory that programs can have. */
  memory: MachineMemory,
  /** The disk that models lie on; `None` where the system does not tell. */
  disk: Disk | null,
  /** Graphics processors, usable or not. */
  gpus: Array<Gpu>,
  /** How they were looked for. */
  gpuSearch: GpuSearch,
  /** What could not be read, each in a sentence. */
  notes: Array<string>, };

export type ProductRate = {
  /** Name of the tensor type. */
  tensorType: string,
  /** Bytes of the file that pass by in a second while one token is written. */
  decodeBytesPerSecond: number,
  /** Multiplications and additions a second while a prompt is read. */
  prefillMacsPerSecond: number, };

export type AttentionRate = {
  /** Width of a head. */
  headDim: number,
  /** Multiplications and additions a second while a prompt is read: one for a query, a position it sees and a number
 * of the key, and one for each number of the value. */
  prefillMacsPerSecond: number,
  /** The same while a token is written, over keys and values that a near cache holds. Where they come from memory, it
 * takes at least what reading them takes. */
  decodeMacsPerSecond: number, };

export type LayerCost = {
  /** Width of the embedding. */
  embedding: number,
  /** Seconds of one token, its attention to the first tokens among them, and what it takes to begin a product. */
  seconds: number, };

export type Calibration = {
  /** The path the kernels take: `avx512-vnni` for one. */
  simd: string,
  /** Threads with which models are fastest; not always all there are. */
  threads: number,
  /** Rate at which memory is read with one thread, two, and so on. */
  memoryBytesPerSecond: Array<number>,
  /** Rate at which the models' disk is read; `None` where it could not be measured. */
  diskBytesPerSecond: number | null,
  /** Products by tensor type, with [`threads`](Self::threads) threads. A machine so slow that time ran out lacks the
 * rarest types. */
  products: Array<ProductRate>,
  /** Attention by the width of a head, the narrowest first. */
  attention: Array<AttentionRate>,
  /** Bytes of keys and values that pass by in a second while a token is written, where they come from memory. */
  cacheBytesPerSecond: number,
  /** What a layer costs beside, by the width of the embedding, the narrowest first. */
  layers: Array<LayerCost>, };

export type KeptCalibration = {
  /** The machine's fingerprint then. */
  fingerprint: string,
  /** The Wick that measured it: kernels become faster. */
  wickVersion: string,
  /** When. */
  measuredAtMs: number,
  /** The figures. */
  figures: Calibration, };

export type HardwareReport = {
  /** What it is. */
  profile: HardwareProfile,
  /** Changes when the machine does. */
  fingerprint: string,
  /** What was measured of it; `None` where it was not. */
  calibration: KeptCalibration | null,
  /** Whether it is to be measured: it never was, or a newer Wick has come since. */
  needsCalibration: boolean, };

export type CalibrationState = { "state": "running",
  /** 0 to 1. */
  fraction: number, } | { "state": "finished" } | { "state": "failed",
  /** Why: that it was cancelled, for one. */
  error: AppError, };

export type Figures = {
  /** Most memory that the engine's process took. */
  peakMemoryBytes: number | null,
  /** Tokens read a second. */
  prefillTokensPerSecond: number | null,
  /** Tokens written a second, each in a pass of its own. */
  decodeTokensPerSecond: number | null, };

export type Measurement = {
  /** When. */
  measuredAtMs: number,
  /** On which machine. */
  fingerprint: string,
  /** The model's id in the library. */
  modelId: string,
  /** Its family. */
  architecture: string,
  /** How most of its weights are stored. */
  quantization: string,
  /** Tokens of context it was loaded with. */
  contextLength: number,
  /** Of those, tokens in use in the end: 0 for a load. Memory grows with them, so predictions are for as many. */
  usedTokens: number,
  /** Threads it computed with. */
  threads: number,
  /** How keys and values were kept. */
  cacheType: CacheType,
  /** What was predicted. */
  predicted: Figures,
  /** What came of it. */
  measured: Figures, };

export type Class = "micro" | "small" | "medium";

export type Mixture = "Q2_K" | "Q3_K_M" | "Q4_0" | "Q4_1" | "Q4_K_S" | "Q4_K_M" | "Q5_0" | "Q5_1" | "Q5_K_S" | "Q5_K_M" | "Q6_K" | "Q8_0" | "F16" | "BF16" | "1.58-bit";

export type SizeSource = "verified" | "computed";

export type FileSize = {
  /** The size. */
  bytes: number,
  /** How it is known. */
  source: SizeSource, };

export type ExpertDimensions = {
  /** Experts of a layer. */
  count: number,
  /** How many a token asks. */
  used: number,
  /** Width of one. */
  feedForward: number, };

export type Dimensions = {
  /** The family, by GGUF's name. */
  architecture: string,
  /** Layers. */
  layers: number,
  /** Length of the embedding. */
  embedding: number,
  /** Width of the feed-forward part. */
  feedForward: number,
  /** Heads of queries. */
  heads: number,
  /** Heads of keys and values. */
  kvHeads: number,
  /** Length of a head. */
  headDim: number,
  /** Entries of the vocabulary. */
  vocabulary: number,
  /** Tokens of context it was trained for. */
  contextLength: number,
  /** Whether the logits are computed with the embedding's matrix. */
  isOutputTied: boolean,
  /** Positions that a token sees in layers with a window. */
  window?: number | null,
  /** Experts of a layer, how many a token asks, and the width of one. */
  experts?: ExpertDimensions | null, };

export type Thinking = "never" | "can" | "always";

export type CatalogFile = {
  /** How it is quantized. */
  level: Mixture,
  /** Its name in the repository. */
  name: string,
  /** Its size, where it is certain. */
  verifiedBytes?: number, };

export type CatalogEntry = {
  /** Its name here. */
  id: string,
  /** Its name for people. */
  name: string,
  /** Who made it. */
  publisher: string,
  /** Where its files are, on the Hub. */
  repository: string,
  /** Year and month: `2025-04`. */
  released: string,
  /** As the Hub names it: `apache-2.0`. */
  licence: string,
  /** Languages it was made for, by their codes of two letters; `*` is more than a hundred. */
  languages: Array<string>,
  /** Whether it thinks before it answers. */
  thinking: Thinking,
  /** Weights, as its makers count them. */
  parameters: number,
  /** Its hyper-parameters. */
  dimensions: Dimensions,
  /** Its files, the smallest first. */
  files: Array<CatalogFile>, };

export type Range = {
  /** At least. */
  low: number,
  /** Most likely. */
  expected: number,
  /** At most. */
  high: number, };

export type MemoryBytes = {
  /** The weights. */
  weights: number,
  /** Keys and values of a full context. */
  kv_cache: number,
  /** Everything else: the program, the tokenizer, what a pass works on. */
  work: number,
  /** All of it. */
  total: number, };

export type MemoryVerdict = { "fit": "fits_well" } | { "fit": "tight" } | { "fit": "too_large",
  /** What is missing. */
  missing_bytes: number, };

export type SpeedVerdict = "faster_than_reading" | "usable" | "slow";

export type Verdict = {
  /** Whether it fits. */
  memory: MemoryVerdict,
  /** How fast it is; `None` where nothing was measured. */
  speed: SpeedVerdict | null, };

export type Place = { "kind": "processor" } | { "kind": "gpu",
  /** Its name. */
  name: string, };

export type Estimate = {
  /** Tokens of context. */
  context_length: number,
  /** Where it is computed. */
  place: Place,
  /** Tokens of a prompt read in a second; `None`, as are the other speeds, where the machine was not measured. */
  prefill_tokens_per_second: Range | null,
  /** Tokens written in a second. */
  decode_tokens_per_second: Range | null,
  /** Seconds until a reply to a prompt of 500 tokens begins. */
  time_to_first_token_seconds: Range | null,
  /** All of it in a word. */
  verdict: Verdict,
  /** The machine's. */
  memory_bytes: MemoryBytes,
  /** The graphics processor's, where it computes layers. */
  vram_bytes: MemoryBytes | null, };

export type Prediction = {
  /** The model's id in the catalog. */
  model_id: string,
  /** Its name. */
  name: string,
  /** Its class. */
  class: Class,
  /** How it is quantized. */
  level: Mixture,
  /** The repository of its file, on the Hub. */
  repository: string,
  /** Its file there. */
  file: string,
  /** What is to be downloaded. */
  download: FileSize,
  /** Tokens of context. */
  context_length: number,
  /** Where it is computed. */
  place: Place,
  /** Tokens of a prompt read in a second; `None`, as are the other speeds, where the machine was not measured. */
  prefill_tokens_per_second: Range | null,
  /** Tokens written in a second. */
  decode_tokens_per_second: Range | null,
  /** Seconds until a reply to a prompt of 500 tokens begins. */
  time_to_first_token_seconds: Range | null,
  /** All of it in a word. */
  verdict: Verdict,
  /** The machine's. */
  memory_bytes: MemoryBytes,
  /** The graphics processor's, where it computes layers. */
  vram_bytes: MemoryBytes | null, };

export type Kind = "best" | "faster" | "smarter";

export type Recommendation = {
  /** What it is recommended for. */
  kind: Kind,
  /** What it takes, and how fast it is. */
  prediction: Prediction,
  /** Why, a sentence each; never empty. */
  reasons: Array<string>, };

export type Advice = {
  /** The best model of the catalog, a faster and a smarter one; empty where none fits. */
  recommendations: Array<Recommendation>,
  /** What every model of the catalog would take, and how fast it would be. */
  predictions: Array<Prediction>,
  /** The same at every level that the catalog has files of. */
  levels: Array<Prediction>, };

export type HubSort = "trending" | "downloads" | "likes" | "recent";

export type HubQuery = {
  /** Words of a name. */
  search: string,
  /** What comes first. */
  sort: HubSort,
  /** Only models of this class. */
  class: Class | null,
  /** Only models that fit in this machine's memory and that Wick can run. */
  onlyFitting: boolean,
  /** Licences that will do; none is any. */
  licences: Array<string>,
  /** Languages that a model must have been made for. */
  languages: Array<string>,
  /** Only of this family, by GGUF's name. */
  architecture: string | null,
  /** Only models that ask for their terms to be accepted, or only others. */
  gated: boolean | null,
  /** Only of this publisher. */
  publisher: string | null,
  /** [`HubPage::next`] of the page before; with it everything else stays as it was. */
  next: string | null, };

export type Source = { "kind": "live" } | { "kind": "cached",
  /** When the Hub said so. */
  atMs: number, } | { "kind": "catalog" };

export type Runs = { "kind": "yes" } | { "kind": "unknown" } | { "kind": "no",
  /** Why. */
  reason: string, };

export type HubModel = {
  /** `owner/name`. */
  repository: string,
  /** Who published it: the owner. */
  publisher: string,
  /** Its name without the owner. */
  name: string,
  /** Weights. */
  parameters: number | null,
  /** By that number. */
  class: Class | null,
  /** The family. */
  architecture: string | null,
  /** Whether Wick runs the family. */
  runs: Runs,
  /** As the Hub names it: `apache-2.0`. */
  licence: string | null,
  /** Languages by their codes; `*` is many. */
  languages: Array<string>,
  /** Whether its terms are to be accepted before it can be downloaded. */
  gated: boolean,
  /** Downloads of the last month. */
  downloads: number,
  /** People who like it. */
  likes: number,
  /** When it last changed: an ISO date. */
  updatedAt: string | null,
  /** Tokens of context it was trained for. */
  contextLength: number | null,
  /** What it would be like here at `Q4_K_M`, by the number of its weights. */
  verdict: Verdict | null, };

export type HubPage = {
  /** Models, in the order that was asked for. */
  models: Array<HubModel>,
  /** Where the search goes on; only the Hub knows how to read it. */
  next: string | null,
  /** Where this came from. */
  source: Source, };

export type HubFile = {
  /** Its name in the repository: of a split one that of the first part, of the folder's safetensors nothing. */
  name: string,
  /** Files of weights. */
  parts: number,
  /** Level of quantization, as its name says. */
  level: string | null,
  /** Bytes of all of it. */
  bytes: number,
  /** The model of the library that it is. */
  installed: string | null,
  /** Whether Wick runs it. */
  runs: Runs,
  /** What it would take here, by its size. */
  estimate: Estimate | null, };

export type HubDetails = {
  /** The model. */
  model: HubModel,
  /** The commit that this is of; empty where only the catalog knows the model. */
  commit: string,
  /** Its card, a stranger's markdown, without what stands before it for machines. */
  card: string,
  /** Its files of weights, the smallest first. */
  files: Array<HubFile>,
  /** Where this came from. */
  source: Source,
  /** Its page for people. */
  url: string, };

export type HubFileCheck = {
  /** As in [`HubFile::name`]. */
  name: string,
  /** Everything that keeps it from running; nothing where it runs. */
  problems: Array<AppError>,
  /** What it would take here. */
  estimate: Estimate | null,
  /** Kind of its tokenizer. */
  tokenizer: string,
  /** Whether it has a chat template. */
  hasChatTemplate: boolean,
  /** The family. */
  architecture: string,
  /** How most of its weights are stored. */
  quantization: string, };

export type TokenPlace = "keyring" | "file" | "environment" | "hugging_face";

export type HubAccount = {
  /** Whether there is an access token for this endpoint. */
  hasToken: boolean,
  /** Where it is, or would be kept. */
  keptIn: TokenPlace,
  /** The Hub's address, or a mirror's. */
  endpoint: string, };

export type AppEvent = { "type": "engine",
  /** Its new state. */
  status: EngineStatus, } | { "type": "library_changed" } | { "type": "chats_changed" } | { "type": "settings_changed",
  /** All of them. */
  settings: Settings, } | { "type": "calibration",
  /** How it goes. */
  state: CalibrationState, } | { "type": "downloads_changed",
  /** All of it, in its order. */
  downloads: Array<Download>, } | { "type": "import",
  /** How the one under way comes along. */
  event: ImportEvent | null,
  /** Why one could not be imported. */
  error: AppError | null, } | { "type": "drop_hover",
  /** Whether they still are. */
  active: boolean, } | { "type": "starter",
  /** Where it is. */
  state: StarterState,
  /** Why it could not be imported. */
  error: AppError | null, };

// What is absent stays; null clears what can be empty.
export type SettingsPatch = Partial<Settings>;

export const COMMANDS = [
  "app_start",
  "app_set_storage_aside",
  "app_open_link",
  "app_open_data_folder",
  "chats_list",
  "chat_open",
  "chat_send",
  "chat_regenerate",
  "chat_stop",
  "chat_select_leaf",
  "chat_rename",
  "chat_delete",
  "chat_restore",
  "chat_save_draft",
  "chat_new_draft",
  "models_list",
  "model_import",
  "model_import_cancel",
  "model_select",
  "model_unload",
  "model_delete",
  "model_restore",
  "model_verify",
  "model_verify_cancel",
  "models_trash_empty",
  "models_folder",
  "models_folder_open",
  "models_folder_move",
  "models_folder_move_cancel",
  "models_adoptable",
  "models_adopt",
  "models_check_newer",
  "engine_status",
  "downloads_list",
  "download_start",
  "download_pause",
  "download_resume",
  "download_cancel",
  "download_move",
  "hardware_inspect",
  "hardware_calibrate",
  "hardware_cancel_calibration",
  "hardware_measurements",
  "recommend_models",
  "hub_search",
  "hub_details",
  "hub_check",
  "hub_account",
  "hub_set_token",
  "hub_catalog",
  "settings_update",
] as const;
