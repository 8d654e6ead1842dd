// The catalog as it is compiled into the application, for the scripted backend.
import models from "../../../crates/wick/src/catalog/models.json";
import type { CatalogEntry } from "./bindings";

export const fakeEntries = models as CatalogEntry[];
