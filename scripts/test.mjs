// `npm test`: every check and every test there is. The last line is the count, `N passed, N failed`.
//   --only NAME   one step alone (the names are those in `steps` below); may be given several times
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countStep } from "./count-tests.mjs";
import { ensureNpmPackages } from "./npm-packages.mjs";
import {
  ask,
  formatDuration,
  main,
  npm,
  run,
  SetupError,
  stepCounter,
} from "./shell.mjs";
import { fetchStarterModel } from "./starter-model.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

const onLinux = process.platform === "linux";
const hasNextest = ask("cargo", "nextest", "--version") !== null;
const npmRun = (script) => npm("run", "--silent", script);
const cargo = (...args) => ["cargo", args];

/** In order; a step without a `reader` is one check. */
const steps = [
  {
    name: "check",
    title: "Types, lint and format of the interface and scripts",
    command: npmRun("check"),
  },
  {
    name: "fmt",
    title: "Format of the Rust code",
    command: cargo("fmt", "--all", "--check"),
  },
  {
    name: "clippy",
    title: "Clippy",
    command: cargo(
      "clippy",
      "--workspace",
      "--all-targets",
      "--locked",
      "--",
      "-D",
      "warnings",
    ),
  },
  {
    name: "scripts",
    title: "Scripts",
    command: npmRun("test:scripts"),
    reader: "nodeTest",
  },
  {
    name: "rust",
    title: "Rust tests",
    command: hasNextest
      ? cargo("nextest", "run", "--workspace", "--locked", "--no-fail-fast")
      : cargo(
          "test",
          "--workspace",
          "--locked",
          "--no-fail-fast",
          "--lib",
          "--bins",
          "--tests",
        ),
    reader: hasNextest ? "nextest" : "cargoTest",
  },
  {
    name: "doc",
    title: "Examples in the Rust documentation",
    command: cargo(
      "test",
      "--workspace",
      "--locked",
      "--no-fail-fast",
      "--doc",
    ),
    reader: "cargoTest",
  },
  {
    name: "ui",
    title: "Interface tests",
    command: npmRun("test:ui"),
    reader: "vitest",
  },
  {
    name: "browser",
    title: "Interface tests in Chromium",
    command: npmRun("test:browser"),
    reader: "nodeTest",
  },
  {
    name: "build",
    title: "The interface and the app with it inside",
    command: npmRun("build:debug"),
  },
  ...(onLinux
    ? [
        {
          name: "e2e",
          title: "The real window",
          command: npmRun("test:e2e"),
          reader: "nodeTest",
        },
      ]
    : []),
];

function chosenSteps() {
  const wanted = process.argv.flatMap((arg, index, all) =>
    all[index - 1] === "--only" ? [arg] : [],
  );
  if (wanted.length === 0) return steps;
  const unknown = wanted.filter(
    (name) => !steps.some((step) => step.name === name),
  );
  if (unknown.length > 0) {
    const names = steps.map((step) => step.name).join(", ");
    throw new SetupError(
      `There is no step ${unknown.join(", ")}; the steps are ${names}.`,
    );
  }
  return steps.filter((step) => wanted.includes(step.name));
}

/** The environment of every step: nothing of the person's own Wick leaks in, and nothing leaks out. */
function testEnvironment(dataFolder, model) {
  for (const name of Object.keys(process.env)) {
    const ours =
      name === "WICK_CACHE_DIR" || name === "WICK_UPDATE_SCREENSHOTS";
    if (name.startsWith("WICK_") && !ours) delete process.env[name];
  }
  const env = { WICK_DATA_DIR: dataFolder, NO_AT_BRIDGE: "1" };
  if (model !== null) env.WICK_TEST_MODEL = model;
  if (process.stdout.isTTY)
    Object.assign(env, { CARGO_TERM_COLOR: "always", FORCE_COLOR: "1" });
  return env;
}

await main(async () => {
  const begun = performance.now();
  const chosen = chosenSteps();
  const step = stepCounter(chosen.length + 1);
  const model = await step("Set-up", async () => {
    await ensureSystemPackages(["start", "test", "starter-model"]);
    await ensureNpmPackages();
    return fetchStarterModel();
  });

  const dataFolder = mkdtempSync(join(tmpdir(), "wick-test-"));
  const results = [];
  try {
    const env = testEnvironment(dataFolder, model);
    for (const { name, title, command, reader } of chosen) {
      const { code, output } = await step(title, () =>
        run(...command, { env, keepOutput: true }),
      );
      results.push({
        name,
        title,
        code,
        ...countStep({ reader, code, output }),
      });
    }
  } finally {
    rmSync(dataFolder, { recursive: true, force: true });
  }

  console.log(
    `\nAll steps done in ${formatDuration(performance.now() - begun)}`,
  );
  for (const { name, title, passed, failed } of results) {
    console.log(
      `  ${failed > 0 ? "FAILED" : "ok    "}  ${title} (${name}): ${passed} passed, ${failed} failed`,
    );
  }
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  console.log(`${total("passed")} passed, ${total("failed")} failed`);
  return total("failed") > 0 ? 1 : 0;
});
