import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./ui/svelte.config.js";

export default ts.config(
  {
    ignores: [
      "target/",
      "node_modules/",
      "ui/dist/",
      "gen/",
      "e2e/artifacts/",
      "ui/src/ipc/bindings.ts",
    ],
  },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  prettier,
  ...svelte.configs.prettier,
  {
    files: ["ui/src/**"],
    languageOptions: { globals: globals.browser },
    rules: {
      // One file knows Tauri: the rest of the interface runs in any browser.
      "no-restricted-imports": ["error", { patterns: ["@tauri-apps/*"] }],
    },
  },
  {
    files: ["ui/src/ipc/tauri.ts"],
    rules: { "no-restricted-imports": "off" },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: {
        parser: ts.parser,
        extraFileExtensions: [".svelte"],
        svelteConfig,
      },
    },
  },
  {
    files: ["**/*.mjs", "*.js", "ui/*.{js,ts}"],
    languageOptions: { globals: globals.node },
  },
  {
    // These run partly inside a page.
    files: ["ui/tests-browser/**", "e2e/**"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
);
