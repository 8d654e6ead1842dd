import { describe, expect, it } from "vitest";
import type { Gpu, Usability } from "../ipc/bindings";
import { machineOf } from "../ipc/fakeMachines";
import {
  freeBytesFor,
  shortInstructionSets,
  shortProcessorName,
  usabilityWords,
  usableGpu,
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

describe("a usable graphics processor", () => {
  const profile = machineOf("card");
  const [card] = profile.gpus as [Gpu];

  it("is the one with the most free memory, as the backend chooses", () => {
    const smaller = { ...card, name: "smaller", memoryFreeBytes: 2e9 };
    const unknown = { ...card, name: "unknown", memoryFreeBytes: null };
    const gpus = [unknown, smaller, card];
    expect(usableGpu({ ...profile, gpus })).toBe(card);
    expect(usableGpu({ ...profile, gpus: [card, smaller] })).toBe(card);
    expect(usableGpu(machineOf("card-full"))).toBeUndefined();
  });

  it("has memory of its own, which is not the machine's", () => {
    const onCard = { place: { kind: "gpu", name: card.name } } as const;
    const here = { place: { kind: "processor" } } as const;
    expect(freeBytesFor(onCard, profile)).toBe(11_560_000_000);
    expect(freeBytesFor(here, profile)).toBe(11_200_000_000);
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
