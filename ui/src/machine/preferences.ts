// What can be wished for.
import type { Preferences } from "../ipc/bindings";

export const DEFAULT_PREFERENCES: Preferences = {
  leaveFreeBytes: null,
  prefer: "balance",
  languages: [],
  reasoning: false,
  licences: [],
  contextLength: 8192,
};

/** Languages that models are asked for, by their codes; the catalog knows which model speaks which. */
export const LANGUAGES = [
  "ar",
  "cs",
  "da",
  "de",
  "en",
  "es",
  "fi",
  "fr",
  "he",
  "hi",
  "hu",
  "it",
  "ja",
  "ko",
  "nl",
  "no",
  "pl",
  "pt",
  "ru",
  "sv",
  "th",
  "tr",
  "uk",
  "zh",
];

const LEAST_USUAL_BYTES = 2e9;

/** What stays free for other programs where nobody has said how much. */
export function usualFreeBytes(totalBytes: number): number {
  return Math.max(LEAST_USUAL_BYTES, totalBytes / 4);
}

/** Bytes from what was typed in GB; null is the usual, and undefined no number. */
export function gigabytesFrom(text: string): number | null | undefined {
  const trimmed = text.trim().replace(",", ".");
  if (trimmed === "") {
    return null;
  }
  const gigabytes = /^\d+(\.\d*)?$/.test(trimmed) ? Number(trimmed) : -1;
  return gigabytes >= 0 && gigabytes <= 10_000
    ? Math.round(gigabytes * 1e9)
    : undefined;
}
