import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig(({ command }) => ({
  root,
  // Inside ui/ Vite would create a second node_modules folder.
  cacheDir: fileURLToPath(new URL("../node_modules/.vite", import.meta.url)),
  plugins: [
    // WebKitGTK asks for a component's style before the component from the second start on, and would get
    // the raw source as CSS; while developing the styles therefore stay inside the script.
    svelte({ emitCss: command === "build" }),
    svelteTesting(),
  ],
  clearScreen: false,
  server: { port: 1420, strictPort: true, host: "localhost" },
  preview: { port: 1420, strictPort: true },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: ["es2022", "safari16"],
    // The content security policy allows no data: addresses, and the polyfill would be an inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts"],
    testTimeout: 120_000,
    setupFiles: ["src/testing/setup.ts"],
  },
}));
