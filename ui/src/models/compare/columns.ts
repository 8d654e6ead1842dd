// One column of the comparison, made of what is known of a model wherever it was picked.
import type {
  CatalogEntry,
  Class,
  Estimate,
  HubDetails,
  HubFile,
  HubFileCheck,
  LibraryModel,
  Measurement,
  Prediction,
  Range,
  Verdict,
} from "../../ipc/bindings";
import type { Row } from "../catalog/rows";
import { memoryIn } from "../words";

export type Level = { label: string; file: string };

export type Column = {
  name: string;
  by: string;
  parameters: number | null;
  class: Class | null;
  licence: string | null;
  contextLength: number | null;
  languages: string[];
  date: string | null;
  level: string | null;
  /** Where it can be chosen. */
  levels: Level[];
  downloadBytes: number | null;
  /** What it takes, and where. */
  estimate: Pick<Estimate, "memory_bytes" | "vram_bytes" | "place"> | null;
  memoryBytes: number | null;
  verdict: Verdict | null;
  predicted: Range | null;
  measured: number | null;
  installed: LibraryModel | null;
  repository: string | null;
  file: string | null;
  /** The commit that was looked at. */
  revision: string | null;
  /** Why it will not run. */
  problem: string | null;
};

const classOf = (parameters: number): Class =>
  parameters < 1.45e9 ? "micro" : parameters < 13.95e9 ? "small" : "medium";

const fromOrigin = (
  library: LibraryModel[],
  repository: string,
  file: string,
): LibraryModel | null =>
  library.find(
    ({ origin }) => origin?.repository === repository && origin.file === file,
  ) ?? null;

const estimated = (prediction: Prediction) => ({
  estimate: prediction,
  memoryBytes: memoryIn(prediction).total,
  verdict: prediction.verdict,
  predicted: prediction.decode_tokens_per_second,
});

const described = (entry: CatalogEntry) => ({
  by: entry.publisher,
  parameters: entry.parameters,
  licence: entry.licence,
  contextLength: entry.dimensions.contextLength,
  languages: entry.languages,
  date: entry.released,
});

export function catalogColumn(row: Row, library: LibraryModel[]): Column {
  const { entry, prediction, levels } = row;
  const { repository, file } = prediction;
  const installed = fromOrigin(library, repository, file);
  return {
    name: entry.name,
    ...described(entry),
    class: prediction.class,
    level: prediction.level,
    levels: levels.map((one) => ({ label: one.level, file: one.file })),
    downloadBytes: prediction.download.bytes,
    ...estimated(prediction),
    measured: installed?.decodeTokensPerSecond ?? null,
    installed,
    repository,
    file,
    revision: null,
    problem: null,
  };
}

/** The one that was chosen, else four bits, else the first that may run. */
export function fileToCompare(
  files: HubFile[],
  chosen: string | undefined,
): HubFile | undefined {
  const runnable = files.filter(({ runs }) => runs.kind !== "no");
  return (
    files.find(({ name }) => name === chosen) ??
    runnable.find(({ level }) => level === "Q4_K_M") ??
    runnable.find(({ level }) => level?.startsWith("Q4")) ??
    runnable[0] ??
    files[0]
  );
}

export function hubColumn(
  { model, commit, files }: HubDetails,
  file: HubFile | undefined,
  check: HubFileCheck | undefined,
  library: LibraryModel[],
): Column {
  const estimate = check?.estimate ?? file?.estimate ?? null;
  const installed =
    library.find(({ id }) => id === file?.installed) ??
    fromOrigin(library, model.repository, file?.name ?? "");
  const problem =
    check?.problems[0]?.message ??
    (file?.runs.kind === "no" ? file.runs.reason : null) ??
    (model.runs.kind === "no" ? model.runs.reason : null);
  return {
    name: model.name,
    by: model.publisher,
    parameters: model.parameters,
    class: model.class,
    licence: model.licence,
    contextLength: model.contextLength,
    languages: model.languages,
    date: model.updatedAt,
    level: file?.level ?? null,
    levels: files.map(({ name, level }) => ({
      label: level ?? name,
      file: name,
    })),
    downloadBytes: file?.bytes ?? null,
    estimate,
    memoryBytes: estimate && memoryIn(estimate).total,
    verdict: estimate?.verdict ?? model.verdict,
    predicted: estimate?.decode_tokens_per_second ?? null,
    measured: installed?.decodeTokensPerSecond ?? null,
    installed,
    repository: model.repository,
    file: file?.name ?? null,
    revision: commit || null,
    problem,
  };
}

export function libraryColumn(
  model: LibraryModel,
  entries: CatalogEntry[],
  levels: Prediction[],
  measurements: Measurement[],
): Column {
  const { info, origin } = model;
  const entry = entries.find((one) => one.repository === origin?.repository);
  const prediction = levels.find(
    (one) => one.repository === origin?.repository && one.file === origin.file,
  );
  const last = measurements.find(({ modelId }) => modelId === model.id);
  const foretold = last?.predicted.decodeTokensPerSecond ?? null;
  return {
    name: info.name,
    by: origin?.repository.split("/")[0] ?? "",
    licence: null,
    languages: [],
    date: null,
    ...(entry && described(entry)),
    parameters: info.parameters,
    class: classOf(info.parameters),
    contextLength: info.trainedContextLength,
    level: info.quantization,
    levels: [],
    downloadBytes: model.sizeBytes,
    estimate: null,
    memoryBytes: last?.predicted.peakMemoryBytes ?? null,
    verdict: null,
    predicted:
      foretold === null
        ? null
        : { low: foretold, expected: foretold, high: foretold },
    ...(prediction && estimated(prediction)),
    measured: model.decodeTokensPerSecond,
    installed: model,
    repository: origin?.repository ?? null,
    file: origin?.file ?? null,
    revision: null,
    problem: null,
  };
}

/** The columns that are best in something, where they differ. */
export function bestOf(
  values: (number | null)[],
  better: "less" | "more",
): Set<number> {
  const known = values.filter((value) => value !== null);
  const best = better === "more" ? Math.max(...known) : Math.min(...known);
  const differ = known.length > 1 && known.some((value) => value !== best);
  return new Set(
    differ ? values.flatMap((value, at) => (value === best ? [at] : [])) : [],
  );
}
