// `npm run test:long`: what takes too long for `npm test`. The same tests with WICK_LONG set, which makes them try many
// more seeds, moments and bytes; each prints what came of them.
import { formatDuration, main, run } from "./shell.mjs";

/** Arguments of `cargo test`, and which tests of those. */
const suites = [
  { target: ["--package", "wick-hub", "--lib"], only: "transfer::" },
  { target: ["--package", "wick-hub", "--test", "faults"] },
  { target: ["--package", "wick-hub", "--test", "kill"] },
  { target: ["--package", "wick-cli", "--test", "pull"], only: "killed" },
];

await main(async () => {
  const begun = performance.now();
  let failed = 0;
  for (const { target, only = "" } of suites) {
    const args = ["test", "--locked", ...target, "--", "--nocapture", only];
    const env = { WICK_LONG: "1" };
    const { code } = await run("cargo", args.filter(Boolean), { env });
    if (code !== 0) failed += 1;
  }
  const took = formatDuration(performance.now() - begun);
  console.log(`${suites.length - failed} passed, ${failed} failed in ${took}`);
  return failed > 0 ? 1 : 0;
});
