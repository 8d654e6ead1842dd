import assert from "node:assert/strict";
import { test } from "node:test";
import { countStep, readers } from "./count-tests.mjs";

test("cargo test: the results of every binary are added up", () => {
  const output = [
    "test a ... ok",
    "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
    "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
  ].join("\n");
  assert.deepEqual(readers.cargoTest(output), { passed: 15, failed: 2 });
});

test("nextest: the summary alone counts, whatever is slow or skipped", () => {
  const good =
    "     Summary [   4.201s] 31 tests run: 31 passed (2 slow), 4 skipped\n";
  assert.deepEqual(readers.nextest(good), { passed: 31, failed: 0 });
  const bad =
    "     Summary [   4.2s] 31 tests run: 28 passed, 2 failed, 1 timed out, 0 skipped\n";
  assert.deepEqual(readers.nextest(bad), { passed: 28, failed: 3 });
});

test("vitest: tests count, files do not", () => {
  const output = [
    " Test Files  1 failed | 6 passed (7)",
    "      Tests  2 failed | 58 passed (60)",
    "   Duration  1.20s",
  ].join("\n");
  assert.deepEqual(readers.vitest(output), { passed: 58, failed: 2 });
});

test("node: both ways of printing the totals are read, and a cancelled test has failed", () => {
  assert.deepEqual(
    readers.nodeTest("# tests 5\n# pass 4\n# fail 1\n# cancelled 0\n"),
    { passed: 4, failed: 1 },
  );
  assert.deepEqual(
    readers.nodeTest("ℹ tests 5\nℹ pass 3\nℹ fail 1\nℹ cancelled 1\n"),
    { passed: 3, failed: 2 },
  );
});

test("colours do not hide the counts", () => {
  const output =
    "\u001b[32m\u001b[1m     Summary\u001b[0m [   1s] \u001b[1m2\u001b[0m tests run: \u001b[1m2\u001b[0m \u001b[32mpassed\u001b[0m";
  assert.deepEqual(readers.nextest(output), { passed: 2, failed: 0 });
});

test("a check counts as one test", () => {
  assert.deepEqual(countStep({ code: 0, output: "" }), {
    passed: 1,
    failed: 0,
  });
  assert.deepEqual(countStep({ code: 1, output: "" }), {
    passed: 0,
    failed: 1,
  });
});

test("a runner that ran nothing has failed", () => {
  const output = "test result: ok. 0 passed; 0 failed";
  assert.deepEqual(countStep({ reader: "cargoTest", code: 0, output }), {
    passed: 0,
    failed: 1,
  });
});

test("a runner that broke down after some good tests has failed", () => {
  const output = "ℹ pass 3\nℹ fail 0";
  assert.deepEqual(countStep({ reader: "nodeTest", code: 1, output }), {
    passed: 3,
    failed: 1,
  });
});
