// The models of the catalog as points of the plot, and the way from one to the next by keyboard.
import { t } from "../i18n";
import { formatBytes } from "../i18n/formats";
import type { Kind, Prediction, Recommendation } from "../ipc/bindings";

export type Fit = Prediction["verdict"]["memory"]["fit"];

export type Point = {
  prediction: Prediction;
  /** Models that would stand in the same place. */
  others: Prediction[];
  /** Where it is computed: on the graphics processor or in the machine's memory. */
  memoryBytes: number;
  tokensPerSecond: number;
  fit: Fit;
  /** What it is recommended for. */
  kind: Kind | null;
};

/** What a model takes of the memory it is computed in. */
export function memoryOf(prediction: Prediction): number {
  return (prediction.vram_bytes ?? prediction.memory_bytes).total;
}

/** The same in words: a graphics processor's memory is told apart from the machine's. */
export function memoryWords(prediction: Prediction): string {
  const size = formatBytes(memoryOf(prediction));
  return prediction.vram_bytes ? t.machine.plot.graphicsMemory(size) : size;
}

/** Closer than this share, in memory and in speed, points cover each other. */
const SAME_PLACE = 0.05;

const near = (a: number, b: number) =>
  Math.abs(a - b) <= SAME_PLACE * Math.max(a, b);

/** The recommended files in the place of what is told of their models otherwise: a plot has one point for a model. */
export function merged(
  predictions: Prediction[],
  recommendations: Recommendation[],
): { prediction: Prediction; kind: Kind | null }[] {
  return predictions.map((prediction) => {
    const recommended = recommendations.find(
      (one) => one.prediction.model_id === prediction.model_id,
    );
    return {
      prediction: recommended?.prediction ?? prediction,
      kind: recommended?.kind ?? null,
    };
  });
}

/** By memory, the smallest first; models of unknown speed have no place. */
export function plotPoints(
  predictions: Prediction[],
  recommendations: Recommendation[],
): Point[] {
  const points = merged(predictions, recommendations).flatMap(
    ({ prediction, kind }) => {
      const speed = prediction.decode_tokens_per_second;
      return speed === null || speed.expected <= 0
        ? []
        : [
            {
              prediction,
              others: [],
              memoryBytes: memoryOf(prediction),
              tokensPerSecond: speed.expected,
              fit: prediction.verdict.memory.fit,
              kind,
            },
          ];
    },
  );
  return gathered(points).sort((a, b) => a.memoryBytes - b.memoryBytes);
}

/** One point where several would stand; a recommended model speaks for the others. */
function gathered(points: Point[]): Point[] {
  const kept: Point[] = [];
  const recommendedFirst = [...points].sort(
    (a, b) => Number(b.kind !== null) - Number(a.kind !== null),
  );
  for (const point of recommendedFirst) {
    const same = kept.find(
      (one) =>
        near(one.memoryBytes, point.memoryBytes) &&
        near(one.tokensPerSecond, point.tokensPerSecond),
    );
    if (same) {
      same.others.push(point.prediction);
    } else {
      kept.push({ ...point, others: [] });
    }
  }
  return kept;
}

const FIT_ORDER: Fit[] = ["fits_well", "tight", "too_large"];

/** The recommended first, then what fits, the larger before the smaller: the order in which labels get room. */
export function byImportance(points: Point[]): Point[] {
  const rank = ({ kind, fit }: Point) =>
    kind === "best" ? -2 : kind ? -1 : FIT_ORDER.indexOf(fit);
  return [...points].sort(
    (a, b) => rank(a) - rank(b) || b.memoryBytes - a.memoryBytes,
  );
}

/** The point that a key leads to; `points` are sorted by memory. */
export function pointAfter(
  points: Point[],
  current: Point,
  key: string,
): Point | undefined {
  const bySpeed = [...points].sort(
    (a, b) => a.tokensPerSecond - b.tokensPerSecond,
  );
  const step = (list: Point[], by: number) => list[list.indexOf(current) + by];
  switch (key) {
    case "ArrowRight":
      return step(points, 1);
    case "ArrowLeft":
      return step(points, -1);
    case "ArrowUp":
      return step(bySpeed, 1);
    case "ArrowDown":
      return step(bySpeed, -1);
    case "Home":
      return points[0];
    case "End":
      return points.at(-1);
    default:
      return undefined;
  }
}

/** Its name in the plot. */
export function labelOf({ prediction, others }: Point): string {
  return others.length === 0
    ? prediction.name
    : t.machine.plot.andOthers(prediction.name, others.length);
}

/** Whether it fits, and what is missing where it does not. */
export function fitWords({ verdict: { memory } }: Prediction): string {
  const { fits, missing } = t.machine.plot;
  return memory.fit === "too_large"
    ? missing(formatBytes(memory.missing_bytes))
    : fits[memory.fit];
}

/** How much is to be downloaded, and whether that is certain. */
export function downloadWords({ download }: Prediction): string {
  const { download: exactly, downloadAbout } = t.machine.recommended;
  const words = download.source === "verified" ? exactly : downloadAbout;
  return words(formatBytes(download.bytes));
}
