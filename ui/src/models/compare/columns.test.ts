import { describe, expect, it } from "vitest";
import type { HubFile, LibraryModel } from "../../ipc/bindings";
import { createFakeBackend } from "../../ipc/fake";
import { fakeEntries } from "../../ipc/fakeEntries";
import { fakeModels } from "../../ipc/fakeModels";
import { DEFAULT_PREFERENCES } from "../../machine/preferences";
import { rowsOf } from "../catalog/rows";
import {
  bestOf,
  catalogColumn,
  fileToCompare,
  hubColumn,
  libraryColumn,
} from "./columns";

const backend = createFakeBackend({ speed: 0 });
const qwen = fakeModels[1] as LibraryModel;

const file = (level: string, runs: HubFile["runs"]["kind"]): HubFile => ({
  name: `${level}.gguf`,
  parts: 1,
  level,
  bytes: 1,
  installed: null,
  estimate: null,
  runs: runs === "no" ? { kind: "no", reason: "" } : { kind: runs },
});

describe("columns", () => {
  it("sets what was measured beside what is predicted, where the file is installed", async () => {
    const advice = await backend.recommend.models(DEFAULT_PREFERENCES);
    const rows = rowsOf(fakeEntries, advice, () => undefined);
    const row = rows.find(({ entry }) => entry.id === "qwen3-4b");
    const column = row && catalogColumn(row, fakeModels);
    expect(column?.measured).toBe(13.7);
    expect(column?.installed?.id).toBe("b2");
    expect(column?.levels.length).toBeGreaterThan(3);
  });

  it("knows of a file of the library what the catalog knows of it", async () => {
    const advice = await backend.recommend.models(DEFAULT_PREFERENCES);
    const measured = await backend.hardware.measurements();
    const known = libraryColumn(qwen, fakeEntries, advice.levels, measured);
    expect(known.licence).toBe("apache-2.0");
    expect(known.estimate?.memory_bytes.total).toBeGreaterThan(3e9);
    const other = fakeModels[0] as LibraryModel;
    const alone = libraryColumn(other, fakeEntries, advice.levels, measured);
    expect(alone.licence).toBeNull();
    expect(alone.predicted?.expected).toBe(212);
    expect(alone.memoryBytes).toBe(298e6);
  });

  it("tells of a model on the Hub why it will not run", async () => {
    const details = await backend.hub.details("ggml-org/gpt-oss-20b-GGUF");
    const chosen = fileToCompare(details.files, undefined);
    const column = hubColumn(details, chosen, undefined, []);
    expect(column.problem).toMatch(/gpt-oss/);
  });
});

it("compares four bits where nothing else was chosen", () => {
  const files = [
    file("IQ2_XS", "no"),
    file("Q2_K", "unknown"),
    file("Q4_K_M", "unknown"),
    file("Q8_0", "unknown"),
  ];
  expect(fileToCompare(files, undefined)?.level).toBe("Q4_K_M");
  expect(fileToCompare(files, "Q8_0.gguf")?.level).toBe("Q8_0");
  expect(fileToCompare(files.slice(0, 2), undefined)?.level).toBe("Q2_K");
  expect(fileToCompare(files.slice(0, 1), undefined)?.level).toBe("IQ2_XS");
  expect(fileToCompare([], undefined)).toBeUndefined();
});

it("finds what is best only where there is a difference", () => {
  expect([...bestOf([3, 5, null], "more")]).toEqual([1]);
  expect([...bestOf([3, 5, 3], "less")]).toEqual([0, 2]);
  expect([...bestOf([5, 5], "more")]).toEqual([]);
  expect([...bestOf([5, null], "more")]).toEqual([]);
  expect([...bestOf([], "less")]).toEqual([]);
});
