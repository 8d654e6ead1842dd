// Named styles of replies: points in the space of the sampling parameters.
import type { SamplingParams } from "../ipc/bindings";

export type PresetName = "precise" | "balanced" | "creative";

/** What Wick uses where nothing else is asked for: the defaults of the engine. */
export const DEFAULT_SAMPLING: SamplingParams = {
  temperature: 0.7,
  dynamicTemperatureRange: 0,
  dynamicTemperatureExponent: 1,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  typicalP: 1,
  xtcProbability: 0,
  xtcThreshold: 0.1,
  mirostatTau: 0,
  mirostatEta: 0.1,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  penaltyLastN: 64,
  dryMultiplier: 0,
  dryBase: 1.75,
  dryAllowedLength: 2,
  dryLastN: 0,
  dryBreakers: ["\n", ":", '"', "*"],
  logitBias: [],
  seed: null,
};

export const presets: Record<PresetName, SamplingParams> = {
  precise: { ...DEFAULT_SAMPLING, temperature: 0.2, topP: 0.9 },
  balanced: DEFAULT_SAMPLING,
  creative: {
    ...DEFAULT_SAMPLING,
    temperature: 1.1,
    topK: 100,
    topP: 0.98,
    repetitionPenalty: 1.05,
  },
};

export const presetNames: PresetName[] = ["precise", "balanced", "creative"];

/** The style these parameters are, or null for a mixture of the user's own. A seed does not change the style. */
export function presetOf(params: SamplingParams): PresetName | null {
  return presetNames.find((name) => sameStyle(presets[name], params)) ?? null;
}

/** The style's parameters; the user's seed stays. */
export function withPreset(
  params: SamplingParams,
  name: PresetName,
): SamplingParams {
  return { ...presets[name], seed: params.seed };
}

// Values cross the border as 32-bit floats: 0.7 may come back as 0.699999988.
function sameStyle(a: SamplingParams, b: SamplingParams): boolean {
  const keys = Object.keys(DEFAULT_SAMPLING) as (keyof SamplingParams)[];
  const rounded = (value: unknown) =>
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === "number" ? part.toFixed(4) : part,
    );
  return keys.every(
    (key) => key === "seed" || rounded(a[key]) === rounded(b[key]),
  );
}
