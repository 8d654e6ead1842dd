// The rows of the catalog's table: each model at the level that is chosen or suits it best.
import type {
  Advice,
  CatalogEntry,
  Kind,
  Mixture,
  Prediction,
} from "../../ipc/bindings";

export type Row = {
  entry: CatalogEntry;
  prediction: Prediction;
  /** At each level, the smallest first. */
  levels: Prediction[];
  kind: Kind | null;
};

export function rowsOf(
  entries: CatalogEntry[],
  advice: Advice,
  chosen: (modelId: string) => Mixture | undefined,
): Row[] {
  const rows = entries.flatMap((entry) => {
    const is = (one: Prediction) => one.model_id === entry.id;
    const recommended = advice.recommendations.find((one) =>
      is(one.prediction),
    );
    const usual = recommended?.prediction ?? advice.predictions.find(is);
    if (!usual) {
      return [];
    }
    const level = chosen(entry.id) ?? usual.level;
    const levels = advice.levels
      .filter(is)
      .map((one) => (one.level === usual.level ? usual : one));
    const prediction = levels.find((one) => one.level === level) ?? usual;
    return [{ entry, prediction, levels, kind: recommended?.kind ?? null }];
  });
  return rows.sort((a, b) => rank(a) - rank(b) || size(b) - size(a));
}

/** Every word of the filter somewhere in what is said of the model. */
export function matches({ entry }: Row, filter: string): boolean {
  const text = [entry.name, entry.publisher, entry.licence, entry.repository]
    .join(" ")
    .toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Whether the model speaks each of these languages. */
export function speaks({ entry }: Row, languages: string[]): boolean {
  const own = entry.languages.map((code) => code.toLowerCase());
  return (
    own.includes("*") ||
    languages.every((code) => own.includes(code.toLowerCase()))
  );
}

const ORDER = { fits_well: 0, tight: 1, too_large: 2 };

/** What fits comes first; the level that is chosen must not move a row. */
function rank({ levels, kind }: Row): number {
  const best = Math.min(
    ...levels.map(({ verdict }) => ORDER[verdict.memory.fit]),
  );
  return kind === "best" ? -1 : Number.isFinite(best) ? best : 2;
}

const size = ({ entry }: Row) => entry.parameters;
