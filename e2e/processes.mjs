// Finds the app's processes in /proc, to kill one as a crash would, and to see that none is left.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { waitFor } from "./webdriver.mjs";

/** The parent's id and the command line of a process, or null when it is gone. */
function inspect(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name stands in parentheses and may hold anything; after it come the state and the parent.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return null;
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return {
      pid,
      parent: Number(parent),
      args,
      program: readlinkSync(`/proc/${pid}/exe`),
    };
  } catch {
    return null;
  }
}

function allProcesses() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => inspect(Number(name)))
    .filter((each) => each !== null);
}

export function isRunning(pid) {
  return inspect(pid) !== null;
}

/** The window's process that uses this data folder, or null. */
export function appProcess(binary, dataFolder) {
  const found = allProcesses().find((each) => {
    if (each.program !== binary || each.args.includes("--engine")) return false;
    try {
      return readFileSync(`/proc/${each.pid}/environ`, "utf8")
        .split("\0")
        .includes(`WICK_DATA_DIR=${dataFolder}`);
    } catch {
      return false;
    }
  });
  return found?.pid ?? null;
}

/** The engine that this window started, or null. */
export function engineOf(appPid) {
  const found = allProcesses().find(
    (each) => each.parent === appPid && each.args.includes("--engine"),
  );
  return found?.pid ?? null;
}

/** Ends a process as the kernel does when memory runs out, and waits until it is gone. */
export async function killAbruptly(pid) {
  process.kill(pid, "SIGKILL");
  await waitFor(`process ${pid} to be gone`, () => !isRunning(pid));
}

/** Memory a process holds, in bytes. */
export function residentBytes(pid) {
  const kilobytes = readFileSync(`/proc/${pid}/status`, "utf8").match(
    /^VmRSS:\s+(\d+) kB$/m,
  );
  return Number(kilobytes[1]) * 1024;
}
