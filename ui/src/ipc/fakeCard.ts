// Models on the graphics card of the scripted backend's desktop.
import type {
  Estimate,
  Gpu,
  MemoryBytes,
  MemoryVerdict,
  Range,
} from "./bindings";
import { CARD_ROWS } from "./fakeCardRows";

const MB = 1e6;
/** Of a card's memory, what stays free for what it shows. */
const SCREEN_BYTES = 300e6;

const rows = new Map(
  CARD_ROWS.trim()
    .split("\n")
    .map((line) => {
      const [id, level, ...figures] = line.split(" ");
      return [`${id} ${level}`, figures.map(numbers)];
    }),
);

function numbers(text: string): number[] {
  return text.split("/").map(Number);
}

function bytes([weights = 0, kv_cache = 0, work = 0]: number[]): MemoryBytes {
  return {
    weights: weights * MB,
    kv_cache: kv_cache * MB,
    work: work * MB,
    total: (weights + kv_cache + work) * MB,
  };
}

const range = ([low = 0, expected = 0, high = 0]: number[]): Range => ({
  low,
  expected,
  high,
});

export function fitOf(
  needed: number,
  available: number,
  leaveFree: number,
): MemoryVerdict {
  const left = available - needed;
  return left < 0
    ? { fit: "too_large", missing_bytes: -left }
    : { fit: left < leaveFree ? "tight" : "fits_well" };
}

/** What a file takes where the card computes all of it; null where it does not fit there. */
export function onCard(
  id: string,
  level: string,
  gpu: Gpu,
  availableBytes: number,
  leaveFree: number,
): Estimate | null {
  const row = rows.get(`${id} ${level}`);
  if (!row) {
    return null;
  }
  const [length, beside, card, prefill, decode] = row;
  const [memory, vram] = [bytes(beside ?? []), bytes(card ?? [])];
  const [reads, writes] = [range(prefill ?? []), range(decode ?? [])];
  const first = 500 / reads.expected + 1 / writes.expected;
  const verdict = fitOf(vram.total, gpu.memoryFreeBytes ?? 0, SCREEN_BYTES);
  return {
    context_length: length?.[0] ?? 0,
    place: { kind: "gpu", name: gpu.name },
    memory_bytes: memory,
    vram_bytes: vram,
    prefill_tokens_per_second: reads,
    decode_tokens_per_second: writes,
    time_to_first_token_seconds: range([0.6 * first, first, 1.4 * first]),
    verdict: {
      memory:
        verdict.fit === "fits_well"
          ? fitOf(memory.total, availableBytes, leaveFree)
          : verdict,
      speed: writes.expected >= 10 ? "faster_than_reading" : "usable",
    },
  };
}
