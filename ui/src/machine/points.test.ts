import { describe, expect, it } from "vitest";
import { createFakeBackend } from "../ipc/fake";
import { DEFAULT_PREFERENCES } from "./preferences";
import {
  byImportance,
  fitWords,
  labelOf,
  merged,
  plotPoints,
  pointAfter,
} from "./points";

async function known() {
  const { recommend } = createFakeBackend({ speed: 0 });
  return recommend.models(DEFAULT_PREFERENCES);
}

describe("the points of the plot", () => {
  it("hold every model once, those of one place together", async () => {
    const { predictions, recommendations } = await known();
    expect(predictions).toHaveLength(24);
    const points = plotPoints(predictions, recommendations);
    const all = points.flatMap(({ prediction, others }) => [
      prediction.model_id,
      ...others.map(({ model_id }) => model_id),
    ]);
    expect(all.sort()).toEqual(predictions.map((p) => p.model_id).sort());
    expect(points.length).toBeLessThan(24);
    expect(points.map(labelOf)).toContain("Qwen3 30B-A3B +2");
  });

  it("name the recommended file of a model rather than another", async () => {
    const { predictions, recommendations } = await known();
    const best = recommendations[0];
    if (!best) {
      throw new Error("nothing is recommended");
    }
    const other = { ...best.prediction, level: "Q8_0" as const };
    const [row] = merged(
      predictions.filter((one) => one.model_id === other.model_id),
      [{ ...best, prediction: other }],
    );
    expect(row?.prediction.level).toBe("Q8_0");
    expect(row?.kind).toBe("best");
  });

  it("leave out models of unknown speed", async () => {
    const { predictions } = await known();
    const unknown = predictions.map((one) => ({
      ...one,
      decode_tokens_per_second: null,
    }));
    expect(plotPoints(unknown, [])).toEqual([]);
  });

  it("give the best choice its name first", async () => {
    const { predictions, recommendations } = await known();
    const [first, second] = byImportance(
      plotPoints(predictions, recommendations),
    );
    expect([first?.kind, second?.kind]).toEqual(["best", "faster"]);
  });

  it("are walked by memory with Left and Right, by speed with Up and Down", async () => {
    const { predictions, recommendations } = await known();
    const points = plotPoints(predictions, recommendations);
    const [first, second] = points;
    const last = points.at(-1);
    if (!first || !second || !last) {
      throw new Error("there are too few points");
    }
    expect(pointAfter(points, first, "ArrowRight")).toBe(second);
    expect(pointAfter(points, second, "ArrowLeft")).toBe(first);
    expect(pointAfter(points, first, "ArrowLeft")).toBeUndefined();
    expect(pointAfter(points, first, "End")).toBe(last);
    expect(pointAfter(points, last, "Home")).toBe(first);
    const faster = pointAfter(points, last, "ArrowUp");
    expect(faster?.tokensPerSecond).toBeGreaterThanOrEqual(
      last.tokensPerSecond,
    );
    expect(pointAfter(points, first, "a")).toBeUndefined();
  });

  it("say how much is missing", async () => {
    const { predictions } = await known();
    const mistral = predictions.find((one) => one.name.startsWith("Mistral"));
    expect(mistral && fitWords(mistral)).toBe("needs 4.9 GB more");
  });
});
