// Builds the user interface into ui/dist, and only when something it is made from has changed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, note, npm, root } from "./shell.mjs";

// Outside ui/dist, whose every file is embedded in the program.
const stampPath = join(root, "node_modules", ".wick-interface-built");

function fingerprint() {
  const hash = createHash("sha256");
  const files = readdirSync(join(root, "ui"), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.startsWith(join(root, "ui", "dist")))
    .sort();
  for (const path of [
    ...files,
    join(root, "package.json"),
    join(root, "package-lock.json"),
  ]) {
    hash.update(`${path}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

export async function ensureInterface() {
  const wanted = fingerprint();
  const built = existsSync(join(root, "ui", "dist", "index.html"));
  if (
    built &&
    existsSync(stampPath) &&
    readFileSync(stampPath, "utf8") === wanted
  ) {
    note("unchanged");
    return;
  }
  await mustRun(...npm("run", "--silent", "ui:build"), {
    advice: "The interface does not build; see above.",
  });
  writeFileSync(stampPath, wanted);
}
