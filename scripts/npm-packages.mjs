// Installs the npm packages of package-lock.json, and only when it has changed since the last time.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, note, npm, root } from "./shell.mjs";

const stampPath = join(root, "node_modules", ".wick-installed");

/** What node_modules was made from: the lock file, and the Node whose prebuilt programs it holds. */
function fingerprint() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest("hex");
}

export async function ensureNpmPackages() {
  const wanted = fingerprint();
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === wanted)
    return;
  note("Installing the npm packages");
  await mustRun(...npm("ci", "--no-audit", "--no-fund", "--loglevel=error"), {
    advice: "`npm ci` failed; see above. It needs the network the first time.",
  });
  writeFileSync(stampPath, wanted);
}
