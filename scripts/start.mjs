// `npm start`: from a checkout to the open window. `npm run dev` does the same with live reload.
//   --no-run   everything except opening the window (to measure)
//   --dev      a development build that reloads when a file changes
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureInterface } from "./interface-build.mjs";
import { ensureNpmPackages } from "./npm-packages.mjs";
import {
  executable,
  formatDuration,
  main,
  mustRun,
  nodeBin,
  note,
  root,
  SetupError,
  stepCounter,
} from "./shell.mjs";
import { cachedStarterModel, fetchStarterModel } from "./starter-model.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

const development = process.argv.includes("--dev");
const openWindow = !process.argv.includes("--no-run");

await main(async () => {
  const begun = performance.now();
  const step = stepCounter(development ? 3 : 5);

  await step("System packages", async () => {
    const wantsModel = (await cachedStarterModel()) === null;
    await ensureSystemPackages(
      wantsModel ? ["start", "starter-model"] : ["start"],
    );
  });
  await step("npm packages", ensureNpmPackages);
  if (!development) {
    await step("Interface", ensureInterface);
    await step(
      "Wick itself (the first build takes several minutes)",
      buildRelease,
    );
  }
  const model = await step("Starter model", fetchStarterModel);
  const env = { ...process.env };
  if (model !== null) env.WICK_STARTER_MODEL = model;

  if (!openWindow) {
    console.log(`Ready after ${formatDuration(performance.now() - begun)}.`);
    return 0;
  }
  refuseWithoutDisplay();
  console.log(
    `Opening Wick after ${formatDuration(performance.now() - begun)}.`,
  );
  if (development)
    return foreground(...nodeBin("@tauri-apps/cli", "tauri.js", "dev"), env);
  return foreground(
    join(root, "target", "release", executable("wick-desktop")),
    [],
    env,
  );
});

async function buildRelease() {
  await mustRun(
    "cargo",
    [
      "build",
      "--release",
      "--locked",
      "--package",
      "wick-desktop",
      "--features",
      "custom-protocol",
    ],
    {
      advice: "Wick does not build; see above.",
      env: { CARGO_TARGET_DIR: join(root, "target") },
    },
  );
}

function refuseWithoutDisplay() {
  if (
    process.platform !== "linux" ||
    process.env.DISPLAY ||
    process.env.WAYLAND_DISPLAY
  )
    return;
  throw new SetupError(
    "Everything is built, but there is no display here to open a window on. Run this in a desktop session.",
  );
}

/** Runs a program in the foreground; Ctrl-C goes to it, and its exit code becomes ours. */
function foreground(program, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: "inherit" });
    process.on("SIGINT", () => {});
    child.on("error", (error) =>
      reject(
        new SetupError(`${program} could not be started: ${error.message}`),
      ),
    );
    child.on("exit", (code, signal) => {
      if (signal !== null && signal !== "SIGINT")
        note(`Wick was ended by ${signal}.`);
      resolve(code ?? (signal === "SIGINT" ? 0 : 1));
    });
  });
}
