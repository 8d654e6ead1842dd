import { describe, expect, it } from "vitest";
import type { Usability } from "../ipc/bindings";
import {
  shortInstructionSets,
  shortProcessorName,
  usabilityWords,
} from "./gpus";
import { gigabytesFrom, usualFreeBytes } from "./preferences";

const states: Usability[] = [
  { state: "usable" },
  { state: "not_built_for", backend: "CUDA" },
  { state: "library_missing", library: "libnvidia-ml.so.1" },
  { state: "driver_too_old", found: "CUDA 11.4", needed: "CUDA 12.0" },
  { state: "too_old", found: "5.2", needed: "6.1" },
  { state: "not_enough_free_memory", freeBytes: 1e8, neededBytes: 1e9 },
  { state: "hidden", variable: "CUDA_VISIBLE_DEVICES" },
  { state: "vendor_not_supported" },
  { state: "driver_failed", reason: "it hung" },
];

describe("a graphics processor", () => {
  it("is told with what to do wherever it cannot be used", () => {
    for (const state of states) {
      const { title, advice } = usabilityWords(state);
      expect(title).toMatch(/\.$|hung$/);
      expect(advice === null).toBe(state.state === "usable");
    }
    expect(
      usabilityWords({ state: "hidden", variable: "CUDA_VISIBLE_DEVICES" })
        .advice,
    ).toBe("Start Wick without CUDA_VISIBLE_DEVICES.");
  });
});

describe("a processor", () => {
  it("is named without its decoration", () => {
    for (const [long, short] of [
      ["AMD Ryzen 7 7840U w/ Radeon 780M Graphics", "AMD Ryzen 7 7840U"],
      ["Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz", "Intel Core i7-8650U"],
      ["AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763"],
      ["Apple M3 Pro", "Apple M3 Pro"],
      ["", ""],
    ] as const) {
      expect(shortProcessorName(long)).toBe(short);
    }
  });

  it("tells what belongs to an instruction set by its own name", () => {
    expect(
      shortInstructionSets(["AVX2", "AVX-512", "AVX-512 VNNI", "AMX INT8"]),
    ).toBe("AVX2 · AVX-512 · VNNI · AMX INT8");
  });
});

describe("memory to leave free", () => {
  it("is a quarter, and 2 GB at least, where nobody says", () => {
    expect(usualFreeBytes(16e9)).toBe(4e9);
    expect(usualFreeBytes(4e9)).toBe(2e9);
  });

  it("is read from what was typed in GB", () => {
    expect(["", " 4 ", "2,5", "0", "1."].map(gigabytesFrom)).toEqual([
      null,
      4e9,
      2.5e9,
      0,
      1e9,
    ]);
    expect(["-1", "four", "1e9", "99999"].map(gigabytesFrom)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
