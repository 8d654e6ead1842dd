// `npm run test:long`: what takes too long for `npm test`. The same tests with WICK_LONG set, which makes them try many
// more seeds, moments and bytes; each prints what came of them. A piece of the seeds: `WICK_LONG=20..40 npm run test:long`.
import { ask, formatDuration, main, run } from "./shell.mjs";

/** In which package and binary, and which tests of it. */
const suites = [
  { crate: "wick-hub", binary: "wick_hub", only: "transfer::" },
  { crate: "wick-hub", binary: "faults" },
  { crate: "wick-hub", binary: "kill" },
  { crate: "wick-cli", binary: "pull", only: "killed" },
];

/** As in `npm test`: over the workspace, since one package alone would be built anew, with other features. */
function nextest({ crate, binary, only }) {
  const tests = only === undefined ? "all()" : `test(${only})`;
  const filter = `package(${crate}) & binary(${binary}) & ${tests}`;
  const run = ["nextest", "run", "--workspace", "--locked", "--no-capture"];
  return [...run, "--filterset", filter];
}

function cargoTest({ crate, binary, only = "" }) {
  const target =
    binary === crate.replace("-", "_") ? ["--lib"] : ["--test", binary];
  const args = ["test", "--locked", "--package", crate, ...target];
  return [...args, "--", "--nocapture", only].filter(Boolean);
}

await main(async () => {
  const begun = performance.now();
  const hasNextest = ask("cargo", "nextest", "--version") !== null;
  const env = { WICK_LONG: process.env.WICK_LONG ?? "1" };
  let failed = 0;
  for (const suite of suites) {
    const args = hasNextest ? nextest(suite) : cargoTest(suite);
    const { code } = await run("cargo", args, { env });
    if (code !== 0) failed += 1;
  }
  const took = formatDuration(performance.now() - begun);
  console.log(`${suites.length - failed} passed, ${failed} failed in ${took}`);
  return failed > 0 ? 1 : 0;
});
