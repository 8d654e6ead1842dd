// Named styles of replies: points in the space of the sampling parameters.
import type { SamplingParams } from "../ipc/bindings";

export type PresetName = "precise" | "balanced" | "creative";

export const presets: Record<PresetName, SamplingParams> = {
  precise: {
    temperature: 0.2,
    topK: 40,
    topP: 0.9,
    minP: 0.05,
    repetitionPenalty: 1,
    seed: null,
  },
  balanced: {
    temperature: 0.7,
    topK: 40,
    topP: 0.95,
    minP: 0.05,
    repetitionPenalty: 1,
    seed: null,
  },
  creative: {
    temperature: 1.1,
    topK: 100,
    topP: 0.98,
    minP: 0.05,
    repetitionPenalty: 1.05,
    seed: null,
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
  const close = (x: number, y: number) => Math.abs(x - y) < 1e-4;
  return (
    close(a.temperature, b.temperature) &&
    a.topK === b.topK &&
    close(a.topP, b.topP) &&
    close(a.minP, b.minP) &&
    close(a.repetitionPenalty, b.repetitionPenalty)
  );
}
