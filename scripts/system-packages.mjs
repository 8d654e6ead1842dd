// Sees to it that this machine has what building (and testing) Wick needs: installs it on Debian and Ubuntu, and
// says the exact command elsewhere.
import { existsSync, readFileSync } from "node:fs";
import {
  distributionFamily,
  installCommand,
  isAtLeast,
  missingRequirements,
  packagesFor,
} from "./package-lists.mjs";
import { ask, findProgram, note, root, run, SetupError } from "./shell.mjs";

/** How to call pip, most likely first. */
export const pipCommands = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["py", "-m", "pip"],
  ["pip3"],
  ["pip"],
];

/** The pip commands that answer on this machine. */
export function workingPips() {
  return pipCommands.filter(
    ([program, ...args]) => ask(program, ...args, "--version") !== null,
  );
}

const probe = {
  program: (name) => findProgram(name) !== null,
  library: (name) => ask("pkg-config", "--exists", name) !== null,
  pip: () => workingPips().length > 0,
};

/** Checks Node, Rust and the system packages for these purposes: "start", "test", "starter-model". */
export async function ensureSystemPackages(purposes) {
  checkNode();
  checkRust();
  if (process.platform === "linux") await ensureLinuxPackages(purposes);
  else if (process.platform === "darwin") checkMac();
  else if (process.platform === "win32") checkWindows();
}

function checkNode() {
  const wanted = JSON.parse(
    readFileSync(`${root}/package.json`, "utf8"),
  ).engines.node.match(/[\d.]+/)[0];
  if (!isAtLeast(process.versions.node, wanted)) {
    throw new SetupError(
      `Wick's scripts need Node ${wanted} or newer; this is ${process.versions.node}. Get it from https://nodejs.org or with \`nvm install 22\`.`,
    );
  }
}

function checkRust() {
  const wanted = readFileSync(`${root}/Cargo.toml`, "utf8").match(
    /rust-version = "([\d.]+)"/,
  )[1];
  const found = ask("rustc", "--version")?.split(" ")[1];
  if (found === undefined || ask("cargo", "--version") === null) {
    throw new SetupError(
      process.platform === "win32"
        ? `Rust is missing. Install it from https://rustup.rs, open a new terminal and run this again.`
        : `Rust is missing. Install it with\n  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh\nthen open a new terminal (or run \`. ~/.cargo/env\`) and run this again.`,
    );
  }
  if (!isAtLeast(found, wanted)) {
    const cure = findProgram("rustup")
      ? "Run `rustup update stable`"
      : "Install a newer one from https://rustup.rs";
    throw new SetupError(
      `Wick needs Rust ${wanted} or newer; this is ${found}. ${cure}, then run this again.`,
    );
  }
}

async function ensureLinuxPackages(purposes) {
  const missing = missingRequirements(purposes, probe);
  if (missing.length === 0) return;
  note(`Missing: ${missing.map((each) => each.what).join("; ")}`);

  const osRelease = existsSync("/etc/os-release")
    ? readFileSync("/etc/os-release", "utf8")
    : "";
  const family = distributionFamily(osRelease);
  const needed = missing.filter((each) => !each.optional);
  if (
    family === "debian" &&
    (await installWithApt(packagesFor(missing, family)))
  )
    return;
  if (needed.length === 0) return;
  throw new SetupError(
    family === null
      ? `Install what is missing with your distribution's package tool: ${needed.map((each) => each.what).join("; ")}.`
      : `Install what is missing, then run this again:\n  sudo ${installCommand(needed, family)}`,
  );
}

/** Whether afterwards everything is installed. */
async function installWithApt(packages) {
  const prefix = rightsPrefix();
  if (prefix === null) return false;
  const apt = async (...args) => {
    const [program, ...rest] = [
      ...prefix,
      "env",
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      ...args,
    ];
    return (await run(program, rest)).code === 0;
  };
  note(`Installing with apt-get: ${packages.join(" ")}`);
  if (!(await apt("update", "-q")))
    note(
      "`apt-get update` failed; trying with the package lists of last time.",
    );
  if (await apt("install", "-q", "-y", "--no-install-recommends", ...packages))
    return true;
  note(
    "apt-get could not install them. WebKitGTK 4.1 is in Debian 12, Ubuntu 22.04 and everything newer.",
  );
  return false;
}

/** What goes in front of apt-get: nothing for root, sudo for others, null where neither helps. */
function rightsPrefix() {
  if (process.getuid() === 0) return [];
  if (findProgram("sudo") === null) return null;
  if (process.stdin.isTTY) {
    note("sudo may ask for your password.");
    return ["sudo"];
  }
  return ask("sudo", "-n", "true") !== null ? ["sudo", "-n"] : null;
}

function checkMac() {
  if (ask("xcode-select", "-p") === null) {
    throw new SetupError(
      "Apple's command line tools are missing. Run `xcode-select --install`, then run this again.",
    );
  }
}

function checkWindows() {
  if (!ask("rustc", "-vV")?.includes("windows-msvc")) {
    throw new SetupError(
      "Wick is built with Microsoft's tools on Windows. Install the Visual Studio C++ build tools from https://visualstudio.microsoft.com/visual-cpp-build-tools/, run `rustup default stable-msvc`, then run this again.",
    );
  }
  note(
    "Windows 10 1803 and later bring WebView2; on older ones install it from https://developer.microsoft.com/microsoft-edge/webview2/.",
  );
}
