// What the predictions say of each class of models, and of the machine as a whole.
import type { Class, Prediction, Recommendation } from "../ipc/bindings";
import type { Fit } from "./points";

export const CLASSES: Class[] = ["micro", "small", "medium"];

/** Faster than anybody reads along. */
export const READING_TOKENS_PER_SECOND = 10;

/** How a class does on the machine, the best of it first. */
export type Standing =
  "fast" | "partly_fast" | "usable" | "slow" | "fits" | "tight" | "too_large";

export type ClassVerdict = {
  class: Class;
  standing: Standing;
  /** The largest model that earns it. */
  largest: Prediction | null;
  /** Of its models, how many fit, and how many there are. */
  fitting: number;
  models: number;
  /** Of those that fit, the lowest and the highest speed; null where it is unknown. */
  tokensPerSecond: [number, number] | null;
};

const size = (prediction: Prediction) => prediction.download.bytes;

export function largestOf(predictions: Prediction[]): Prediction | null {
  return predictions.reduce<Prediction | null>(
    (largest, one) =>
      largest === null || size(one) > size(largest) ? one : largest,
    null,
  );
}

const withFit = (predictions: Prediction[], fit: Fit) =>
  predictions.filter((one) => one.verdict.memory.fit === fit);

function standingOf(models: Prediction[]): [Standing, Prediction | null] {
  const fitting = withFit(models, "fits_well");
  const tight = withFit(models, "tight");
  if (fitting.length === 0) {
    return tight.length > 0 ? ["tight", largestOf(tight)] : ["too_large", null];
  }
  const fast = fitting.filter(
    ({ verdict }) => verdict.speed === "faster_than_reading",
  );
  if (fast.length > 0) {
    const whole = fast.length === models.length;
    return [whole ? "fast" : "partly_fast", largestOf(fast)];
  }
  const usable = fitting.filter(({ verdict }) => verdict.speed === "usable");
  if (usable.length > 0) {
    return ["usable", largestOf(usable)];
  }
  const known = fitting.some(({ verdict }) => verdict.speed !== null);
  return [known ? "slow" : "fits", largestOf(fitting)];
}

/** Classes without a model are left out. */
export function byClass(predictions: Prediction[]): ClassVerdict[] {
  return CLASSES.flatMap((name) => {
    const models = predictions.filter((one) => one.class === name);
    if (models.length === 0) {
      return [];
    }
    const fitting = withFit(models, "fits_well");
    const rates = fitting.flatMap(
      (one) => one.decode_tokens_per_second?.expected ?? [],
    );
    const [standing, largest] = standingOf(models);
    return {
      class: name,
      standing,
      largest,
      fitting: fitting.length,
      models: models.length,
      tokensPerSecond:
        rates.length > 0 ? [Math.min(...rates), Math.max(...rates)] : null,
    };
  });
}

/** What the machine does as a whole. */
export type Overall = {
  /** The choice among all. */
  best: Prediction | null;
  /** The largest that fits and writes faster than one reads. */
  largestFast: Prediction | null;
  /** The largest that fits but is slower; null where nothing larger fits. */
  largestFitting: Prediction | null;
  /** Whether what fits leaves little for other programs. */
  tight: boolean;
  /** Whether speeds are known. */
  measured: boolean;
};

export function overall(
  predictions: Prediction[],
  recommendations: Recommendation[],
): Overall {
  const well = withFit(predictions, "fits_well");
  const tight = well.length === 0;
  const fitting = tight ? withFit(predictions, "tight") : well;
  const isFast = ({ verdict }: Prediction) =>
    verdict.speed === "faster_than_reading";
  const largestFast = largestOf(fitting.filter(isFast));
  const larger = fitting.filter(
    (one) =>
      !isFast(one) && (largestFast === null || size(one) > size(largestFast)),
  );
  return {
    best:
      recommendations.find(({ kind }) => kind === "best")?.prediction ?? null,
    largestFast,
    largestFitting: largestOf(larger),
    tight,
    measured: predictions.some(({ verdict }) => verdict.speed !== null),
  };
}

/** Bits of a weight, by the name of its level: `Q4_K_M` is 4. Null where the name tells none. */
export function bitsOf(level: string): string | null {
  return (
    /^(?:I?Q|B?F)(\d+)/.exec(level)?.[1] ??
    /^([\d.]+)-bit/.exec(level)?.[1] ??
    null
  );
}
