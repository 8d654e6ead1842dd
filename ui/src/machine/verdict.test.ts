import { describe, expect, it } from "vitest";
import { createFakeBackend } from "../ipc/fake";
import type { Prediction } from "../ipc/bindings";
import { DEFAULT_PREFERENCES } from "./preferences";
import { bitsOf, byClass, overall } from "./verdict";
import { standingWords, verdictWords } from "./verdictWords";

async function adviceOf(scenario: "usual" | "container" | "unmeasured") {
  const { recommend } = createFakeBackend({ scenario, speed: 0 });
  return recommend.models(DEFAULT_PREFERENCES);
}

describe("the verdict", () => {
  it("tells each class by the largest model that earns it", async () => {
    const { predictions } = await adviceOf("usual");
    const [micro, small, medium] = byClass(predictions);
    expect(micro?.standing).toBe("fast");
    expect(small).toMatchObject({
      standing: "partly_fast",
      fitting: 11,
      models: 12,
      largest: { name: "Qwen3 8B" },
    });
    expect(small && standingWords(small)).toBe("fast up to Qwen3 8B");
    expect(medium?.standing).toBe("tight");
    expect(medium?.tokensPerSecond).toBeNull();
  });

  it("names what is fast, and warns where it leaves little memory", async () => {
    const laptop = verdictWords(await adviceOf("usual"));
    expect(laptop.headline).toBe("Small models, 4-bit");
    expect(laptop.sentences.join(" ")).toContain(
      "up to Qwen3 8B at Q4_K_M answer faster than you read",
    );
    const container = verdictWords(await adviceOf("container"));
    expect(container.headline).toBe("Micro models, 8-bit");
    expect(container.sentences.join(" ")).toContain("little memory");
  });

  it("says what fits where speeds are unknown", async () => {
    const advice = await adviceOf("unmeasured");
    expect(byClass(advice.predictions)[0]?.standing).toBe("fits");
    expect(verdictWords(advice)).toEqual({
      headline: "Not measured yet",
      sentences: [
        "Models up to Qwen3 8B fit.",
        "How fast they are shows once this machine is measured.",
      ],
    });
  });

  it("says so where nothing fits, and where no model is as wished", async () => {
    const { predictions } = await adviceOf("usual");
    const none: Prediction[] = predictions.map((one) => ({
      ...one,
      verdict: {
        ...one.verdict,
        memory: { fit: "too_large", missing_bytes: 1 },
      },
    }));
    expect(
      verdictWords({ predictions: none, recommendations: [], levels: [] })
        .headline,
    ).toBe("Nothing fits now");
    expect(byClass(none).map(({ standing }) => standing)).toEqual([
      "too_large",
      "too_large",
      "too_large",
    ]);
    expect(
      verdictWords({ predictions, recommendations: [], levels: [] }).headline,
    ).toBe("Models fit, but none as you wish");
    expect(overall([], []).best).toBeNull();
    expect(byClass([])).toEqual([]);
  });

  it("reads the bits of a weight off its level's name", () => {
    expect(
      ["Q4_K_M", "Q8_0", "IQ3_S", "F16", "BF16", "1.58-bit", "odd"].map(bitsOf),
    ).toEqual(["4", "8", "3", "16", "16", "1.58", null]);
  });
});
