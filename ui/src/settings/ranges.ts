// What each number in the settings may be.
export type NumberRange = {
  min: number;
  max: number;
  step: number;
  whole: boolean;
  /** An empty field means "decide for me". */
  mayBeEmpty: boolean;
};

export const ranges = {
  temperature: range(0, 2, 0.1),
  topK: { ...range(0, 1000, 1), whole: true },
  topP: range(0.05, 1, 0.05),
  minP: range(0, 1, 0.01),
  repetitionPenalty: range(1, 2, 0.05),
  seed: optional(0, 4_294_967_295, 1),
  maxTokens: optional(1, 1_048_576, 1),
  contextLength: optional(256, 1_048_576, 256),
  threads: optional(1, 512, 1),
};

function range(min: number, max: number, step: number): NumberRange {
  return { min, max, step, whole: false, mayBeEmpty: false };
}

function optional(min: number, max: number, step: number): NumberRange {
  return { min, max, step, whole: true, mayBeEmpty: true };
}

export type ParsedNumber =
  | { kind: "value"; value: number | null }
  | { kind: "not_number" }
  | { kind: "not_whole" }
  | { kind: "out_of_range" };

/** Reads what was typed into a field. */
export function parseNumber(text: string, range: NumberRange): ParsedNumber {
  const trimmed = text.trim().replace(",", ".");
  if (trimmed === "") {
    return range.mayBeEmpty
      ? { kind: "value", value: null }
      : { kind: "not_number" };
  }
  const value = Number(trimmed);
  if (!Number.isFinite(value)) {
    return { kind: "not_number" };
  }
  if (range.whole && !Number.isInteger(value)) {
    return { kind: "not_whole" };
  }
  if (value < range.min || value > range.max) {
    return { kind: "out_of_range" };
  }
  return { kind: "value", value };
}

/** 32-bit floats come back as 0.699999988: show what was meant. */
export function showNumber(value: number | null): string {
  return value === null ? "" : String(Number(value.toFixed(4)));
}
