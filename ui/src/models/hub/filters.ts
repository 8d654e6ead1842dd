// What the Hub can be narrowed by.
import { LANGUAGES } from "../../machine/preferences";
import { formatLanguage } from "../../i18n/formats";

/** Licences that models for chat come with, as the Hub names them. */
export const LICENCES = [
  "apache-2.0",
  "mit",
  "gemma",
  "llama3.1",
  "llama3.2",
  "llama3.3",
  "cc-by-4.0",
  "cc-by-nc-4.0",
];

/** Architectures that Wick runs, as GGUF names them. */
export const ARCHITECTURES = [
  "llama",
  "qwen2",
  "qwen3",
  "qwen3moe",
  "gemma3",
  "phi3",
  "bitnet",
];

/** By their names. */
export const languageOptions = () =>
  LANGUAGES.map((value) => ({ value, label: formatLanguage(value) })).sort(
    (a, b) => a.label.localeCompare(b.label),
  );
