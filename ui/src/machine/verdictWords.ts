// The verdict in words.
import { t } from "../i18n";
import type { Advice } from "../ipc/bindings";
import { bitsOf, overall, type ClassVerdict } from "./verdict";

export type VerdictWords = { headline: string; sentences: string[] };

const words = t.machine.verdict;

/** What the machine is good for, in a headline and a sentence or two. */
export function verdictWords(advice: Advice): VerdictWords {
  const { best, largestFast, largestFitting, tight, measured } = overall(
    advice.predictions,
    advice.recommendations,
  );
  if (!largestFast && !largestFitting) {
    return { headline: words.nothing, sentences: [words.nothingAdvice] };
  }
  if (!measured) {
    return {
      headline: words.unmeasured,
      sentences: [
        largestFitting ? words.fits(largestFitting.name) : "",
        words.unmeasuredAdvice,
      ],
    };
  }
  return {
    headline:
      best === null
        ? words.noWish
        : words.headline(t.machine.classes[best.class], bitsOf(best.level)),
    sentences: [
      largestFast
        ? words.fast(largestFast.name, largestFast.level)
        : words.noneFast,
      largestFitting ? words.slower(largestFitting.name) : "",
      tight ? words.tight : "",
    ],
  };
}

export function standingWords({ standing, largest }: ClassVerdict): string {
  return words.standings[standing](largest?.name ?? "");
}

/** How good a standing is, as a colour. */
export function standingTone({ standing }: ClassVerdict): string {
  switch (standing) {
    case "fast":
    case "partly_fast":
      return "good";
    case "usable":
    case "slow":
    case "tight":
      return "warn";
    case "too_large":
      return "bad";
    case "fits":
      return "";
  }
}
