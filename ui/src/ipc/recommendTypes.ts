// Stands in for the generated types.
export type Class = "micro" | "small" | "medium";
export type Prefer = "balance" | "quality" | "speed";
export type Preferences = {
  leaveFreeBytes: number | null;
  prefer: Prefer;
  languages: string[];
  reasoning: boolean;
  licences: string[];
  contextLength: number;
};
export type Range = { low: number; expected: number; high: number };
export type MemoryBytes = {
  weights: number;
  kv_cache: number;
  work: number;
  total: number;
};
export type MemoryVerdict =
  | { fit: "fits_well" }
  | { fit: "tight" }
  | { fit: "too_large"; missing_bytes: number };
export type SpeedVerdict = "faster_than_reading" | "usable" | "slow";
export type Prediction = {
  model_id: string;
  name: string;
  class: Class;
  level: string;
  repository: string;
  file: string;
  download: { bytes: number; source: "verified" | "computed" };
  context_length: number;
  place: { kind: "processor" } | { kind: "gpu"; name: string };
  memory_bytes: MemoryBytes;
  vram_bytes: MemoryBytes | null;
  prefill_tokens_per_second: Range | null;
  decode_tokens_per_second: Range | null;
  time_to_first_token_seconds: Range | null;
  verdict: { memory: MemoryVerdict; speed: SpeedVerdict | null };
};
export type Kind = "best" | "faster" | "smarter";
export type Recommendation = {
  kind: Kind;
  prediction: Prediction;
  reasons: string[];
};
