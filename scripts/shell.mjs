// What the other scripts share: where the repository is, how a program is run, and how progress is printed.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const onWindows = process.platform === "win32";

/** Something that stops a script and that the person can act on: printed without a stack trace. */
export class SetupError extends Error {}

/** The path of a program on PATH, or null. */
export function findProgram(name, path = process.env.PATH ?? "") {
  const endings = onWindows ? [".exe", ".cmd", ".bat"] : [""];
  for (const folder of path.split(delimiter).filter(Boolean)) {
    for (const ending of endings) {
      const candidate = join(folder, name + ending);
      try {
        accessSync(candidate, onWindows ? constants.F_OK : constants.X_OK);
        return candidate;
      } catch {
        // Not in this folder.
      }
    }
  }
  return null;
}

/** Runs a short program and returns its output, or null when it is missing or fails. */
export function ask(program, ...args) {
  const found = findProgram(program);
  if (found === null) return null;
  const result = spawnSync(found, args, {
    encoding: "utf8",
    shell: found.endsWith(".cmd"),
  });
  return result.status === 0 ? result.stdout.trim() : null;
}

/**
 * Runs a program to its end and returns `{ code, output }`. The person sees its output as it comes; `keepOutput`
 * also returns it, at the price that the program no longer sees a terminal.
 */
export function run(
  program,
  args,
  { env = {}, cwd = root, keepOutput = false } = {},
) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: keepOutput ? ["ignore", "pipe", "pipe"] : "inherit",
      shell: program.endsWith(".cmd"),
    });
    let output = "";
    let finished = false;
    const finish = (code) => {
      if (finished) return;
      finished = true;
      resolve({ code, output });
    };
    for (const [stream, sink] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text;
        sink.write(text);
      });
    }
    child.on("error", (error) => {
      console.error(`      ${program} could not be run: ${error.message}`);
      finish(127);
    });
    child.on("close", (code) => finish(code ?? 1));
    // A grandchild that outlives the program may hold its output open: do not wait for that one.
    child.on("exit", (code) =>
      setTimeout(() => finish(code ?? 1), 5000).unref(),
    );
  });
}

/** Runs a program and throws a SetupError when it fails. */
export async function mustRun(program, args, options = {}) {
  const { code } = await run(program, args, options);
  if (code !== 0) {
    throw new SetupError(
      options.advice ?? `\`${[program, ...args].join(" ")}\` failed.`,
    );
  }
}

/** How npm is called: through the npm that started the script where there is one. */
export function npm(...args) {
  const script = process.env.npm_execpath;
  if (script?.endsWith(".js") && existsSync(script))
    return [process.execPath, [script, ...args]];
  return [onWindows ? "npm.cmd" : "npm", args];
}

/** A program of an npm package, run by the same Node: `nodeBin("vite", "bin/vite.js", …)`. */
export function nodeBin(packageName, file, ...args) {
  return [
    process.execPath,
    [join(root, "node_modules", packageName, file), ...args],
  ];
}

/** The name of a program as the system spells it. */
export function executable(name) {
  return onWindows ? `${name}.exe` : name;
}

/** `12.3 s` or `4 min 05 s`. */
export function formatDuration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** A line under the current step. */
export function note(text) {
  console.log(text.replace(/^/gm, "      "));
}

/** Numbers the steps of a script and says how long each took. */
export function stepCounter(total) {
  let number = 0;
  return async (title, work) => {
    number += 1;
    console.log(`[${number}/${total}] ${title}`);
    const begun = performance.now();
    const result = await work();
    note(`done in ${formatDuration(performance.now() - begun)}`);
    return result;
  };
}

/** Runs a script's main function; what the person can act on is printed as a sentence, without a stack trace. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}
