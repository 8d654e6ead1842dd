import { expect, it } from "vitest";
import { fakeRecommend } from "../../ipc/fakeCatalog";
import { fakeEntries } from "../../ipc/fakeEntries";
import { fakeContainer, fakeProfile } from "../../ipc/fakeHardware";
import type { HardwareProfile, Mixture } from "../../ipc/bindings";
import { DEFAULT_PREFERENCES } from "../../machine/preferences";
import { matches, rowsOf, speaks } from "./rows";

async function rows(
  chosen: (modelId: string) => Mixture | undefined = () => undefined,
  profile: HardwareProfile = fakeProfile,
) {
  const recommend = fakeRecommend(profile, async () => true);
  const advice = await recommend.models(DEFAULT_PREFERENCES);
  return rowsOf(fakeEntries, advice, chosen);
}

it("has a row for every model, the recommended first and what fits before what does not", async () => {
  const all = await rows();
  expect(all).toHaveLength(fakeEntries.length);
  expect(all[0]?.kind).toBe("best");
  const fits = all.map(({ prediction }) => prediction.verdict.memory.fit);
  expect(fits.lastIndexOf("fits_well")).toBeLessThan(fits.indexOf("tight"));
  expect(fits.lastIndexOf("tight")).toBeLessThan(fits.indexOf("too_large"));
});

it("shows the level that is chosen, and leaves the row in its place", async () => {
  const before = await rows();
  const after = await rows((id) => (id === "qwen3-8b" ? "Q8_0" : undefined));
  const at = (list: typeof before) =>
    list.findIndex(({ entry }) => entry.id === "qwen3-8b");
  expect(after[at(after)]?.prediction.level).toBe("Q8_0");
  expect(after[at(after)]?.prediction.file).toBe("Qwen3-8B-Q8_0.gguf");
  expect(at(after)).toBe(at(before));
});

it("offers every level of a model, the smallest first", async () => {
  const row = (await rows()).find(({ entry }) => entry.id === "qwen3-4b");
  const bytes = row?.levels.map(({ download }) => download.bytes) ?? [];
  expect(row?.levels.map(({ level }) => level)).toEqual(
    row?.entry.files.map(({ level }) => level),
  );
  expect([...bytes].sort((a, b) => a - b)).toEqual(bytes);
});

it("finds models by any words of name, maker and licence", async () => {
  const all = await rows();
  const names = (filter: string) =>
    all.filter((row) => matches(row, filter)).map(({ entry }) => entry.id);
  expect(names("microsoft mit")).toContain("phi-4-mini");
  expect(names("")).toHaveLength(all.length);
  expect(names("<b>")).toEqual([]);
});

it("tells who speaks a language, where one speaks them all too", async () => {
  const all = await rows();
  const names = (...languages: string[]) =>
    all.filter((row) => speaks(row, languages)).map(({ entry }) => entry.id);
  expect(names()).toHaveLength(all.length);
  expect(names("fi")).toContain("qwen3-4b");
  expect(names("fi")).toContain("phi-4-mini");
  expect(names("fi", "hi")).not.toContain("phi-4-mini");
  expect(names("de")).not.toContain("smollm2-360m");
});

it("does with a machine where hardly anything fits", async () => {
  const all = await rows(undefined, fakeContainer);
  expect(all[0]?.prediction.verdict.memory.fit).not.toBe("too_large");
  expect(all).toHaveLength(fakeEntries.length);
});
