// Reads from a test runner's output how many tests passed and failed. No side effects.

/** The output without colour codes. */
function plain(output) {
  // eslint-disable-next-line no-control-regex
  return output.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
}

function sum(text, pattern) {
  return [...text.matchAll(pattern)].reduce(
    (total, match) => total + Number(match[1]),
    0,
  );
}

/** One reader per runner; each returns `{ passed, failed }`, summed over every summary in the output. */
export const readers = {
  cargoTest: (output) => ({
    passed: sum(plain(output), /^test result: .*?\b(\d+) passed/gm),
    failed: sum(plain(output), /^test result: .*?\b(\d+) failed/gm),
  }),
  nextest: (output) => {
    const summaries = plain(output).match(/^\s*Summary \[.*$/gm) ?? [];
    const text = summaries.join("\n");
    return {
      passed: sum(text, /\b(\d+) passed/g),
      failed: sum(text, /\b(\d+) (?:failed|timed out|exec failed)/g),
    };
  },
  vitest: (output) => {
    const text = (plain(output).match(/^\s*Tests {2}.*$/gm) ?? []).join("\n");
    return {
      passed: sum(text, /\b(\d+) passed/g),
      failed: sum(text, /\b(\d+) failed/g),
    };
  },
  nodeTest: (output) => ({
    passed: sum(plain(output), /^(?:#|ℹ) pass (\d+)/gm),
    failed: sum(plain(output), /^(?:#|ℹ) (?:fail|cancelled) (\d+)/gm),
  }),
};

/**
 * What a finished step adds to the totals. A step without a reader is a check: one test. A runner that ended badly
 * without reporting a failure, and one that ran nothing at all, count as one failure.
 */
export function countStep({ reader, code, output }) {
  if (reader === undefined)
    return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const counted = readers[reader](output);
  if (counted.failed > 0) return counted;
  if (code !== 0 || counted.passed === 0)
    return { passed: counted.passed, failed: 1 };
  return counted;
}
