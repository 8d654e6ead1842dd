// What models are called, and what is said of them.
import { t } from "../i18n";
import { formatBytes, formatCount, formatLanguage } from "../i18n/formats";
import type { Estimate, MemoryBytes, Verdict } from "../ipc/bindings";

const words = t.browse;

// Control characters, and marks that turn the direction of what follows: a name can pretend to be another with them.
const TRICKS = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/** A name as it can be shown: what is invisible in it is made visible. */
export function plainName(text: string): string {
  return text.replace(TRICKS, "\ufffd");
}

/** `4.0B`, `135M`: as people speak of sizes. */
export function formatParameters(parameters: number): string {
  if (parameters >= 999.5e6) {
    const billions = parameters / 1e9;
    return `${billions.toFixed(billions < 99.95 ? 1 : 0)}B`.replace(".0B", "B");
  }
  return `${formatCount(parameters / 1e6)}M`;
}

export function licenceName(licence: string): string {
  return Object.hasOwn(words.licences, licence)
    ? (words.licences[licence] ?? licence)
    : licence;
}

/** The names of languages, at most a few; `*` stands for many. */
export function languageNames(codes: string[], most = 4): string {
  if (codes.length === 0) {
    return words.unknown;
  }
  if (codes.includes("*")) {
    return words.manyLanguages;
  }
  const names = codes.map(nameOfLanguage);
  const shown = names.slice(0, most).join(", ");
  const rest = names.length - most;
  return rest > 0 ? words.languagesMore(shown, rest) : shown;
}

/** Servers may name languages as they like; what is no code stays as it is. */
function nameOfLanguage(code: string): string {
  try {
    return formatLanguage(code);
  } catch {
    return code;
  }
}

/** The memory in which it is computed. */
export function memoryIn(
  estimate: Pick<Estimate, "memory_bytes" | "vram_bytes">,
): MemoryBytes {
  return estimate.vram_bytes ?? estimate.memory_bytes;
}

export const fitTones = {
  fits_well: "good",
  tight: "warn",
  too_large: "bad",
} as const;

/** Whether it fits, in a word. */
export function fitWord({ memory }: Verdict): string {
  return words.fits[memory.fit];
}

/** What is missing where it does not fit; null where it does. */
export function missingBytes({ memory }: Verdict): number | null {
  return memory.fit === "too_large" ? memory.missing_bytes : null;
}

export function memoryDetails(memory: MemoryBytes): string {
  return words.memory.details(
    formatBytes(memory.weights),
    formatBytes(memory.kv_cache),
    formatBytes(memory.work),
  );
}

/** `1,234`, `812k`, `1.9M`: counts that people compare at a glance. */
export function formatPopularity(count: number): string {
  if (count < 10_000) {
    return formatCount(count);
  }
  return count < 1e6
    ? `${formatCount(count / 1000)}k`
    : `${(count / 1e6).toFixed(1)}M`;
}

const monthAndYear = new Intl.DateTimeFormat("en", {
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});

/** `Apr 2025`, from a date or a month; what is no date stays as it is. */
export function formatMonth(date: string): string {
  const time = Date.parse(date);
  return Number.isNaN(time) ? date : monthAndYear.format(time);
}
