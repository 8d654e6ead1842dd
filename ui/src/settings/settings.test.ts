import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFakeBackend } from "../ipc/fake";
import { fakeSettings } from "../ipc/fakeContent";
import { parseNumber, ranges, showNumber } from "./ranges";
import { presetOf, presets, withPreset } from "./sampling";
import { SettingsState } from "./settings.svelte";

describe("presets", () => {
  it("recognises a style despite 32-bit floats", () => {
    const sent = { ...presets.balanced, temperature: Math.fround(0.7) };
    expect(presetOf(sent)).toBe("balanced");
  });

  it("calls a mixture nobody's", () => {
    expect(presetOf({ ...presets.precise, topK: 41 })).toBeNull();
    expect(presetOf({ ...presets.precise, dryBreakers: ["."] })).toBeNull();
  });

  it("keeps the seed when the style changes", () => {
    const creative = withPreset({ ...presets.precise, seed: 7 }, "creative");
    expect(creative.seed).toBe(7);
    expect(presetOf(creative)).toBe("creative");
  });
});

describe("parseNumber", () => {
  it("reads a number, with a comma too", () => {
    expect(parseNumber("0,7", ranges.temperature)).toEqual({
      kind: "value",
      value: 0.7,
    });
  });

  it("says what is wrong", () => {
    expect(parseNumber("warm", ranges.temperature).kind).toBe("not_number");
    expect(parseNumber("2.5", ranges.topK).kind).toBe("not_whole");
    expect(parseNumber("2.1", ranges.temperature).kind).toBe("out_of_range");
    expect(parseNumber("", ranges.temperature).kind).toBe("not_number");
  });

  it("takes an empty field for no value where that means something", () => {
    expect(parseNumber(" ", ranges.seed)).toEqual({
      kind: "value",
      value: null,
    });
  });

  it("shows a 32-bit float as it was meant", () => {
    expect(showNumber(Math.fround(0.95))).toBe("0.95");
    expect(showNumber(null)).toBe("");
  });
});

describe("SettingsState", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("saves changes that follow closely in one patch", async () => {
    const backend = createFakeBackend({ speed: 0 });
    const update = vi.spyOn(backend.settings, "update");
    const settings = new SettingsState(backend, fakeSettings, () => {});
    settings.change({ theme: "dark" });
    settings.change({ maxTokens: 100 });
    expect(settings.current.theme).toBe("dark");
    await vi.advanceTimersByTimeAsync(300);
    expect(update.mock.calls).toEqual([[{ theme: "dark", maxTokens: 100 }]]);
  });

  it("returns to the saved values when they are refused", async () => {
    const backend = createFakeBackend({ speed: 0 });
    const report = vi.fn();
    const settings = new SettingsState(backend, fakeSettings, report);
    settings.change({ sampling: { ...fakeSettings.sampling, temperature: 9 } });
    await settings.flush();
    expect(settings.current.sampling.temperature).toBe(0.7);
    expect(report.mock.calls[0]?.[0].code).toBe("invalid_settings");
  });
});
