// The stand-in Hub as a process: a server that answers as the Hugging Face Hub does, on this machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { executable, root } from "../scripts/shell.mjs";

const program = join(root, "target", "debug", executable("stand-in-hub"));

export class StandInHub {
  #server;
  endpoint;

  /** Starts it with what it holds; it ends with this process at the latest. */
  static async start(script) {
    const hub = new StandInHub();
    hub.#server = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = await once(
      createInterface({ input: hub.#server.stdout }),
      "line",
    );
    hub.endpoint = JSON.parse(line).endpoint;
    await hub.steer(script);
    return hub;
  }

  /** Adds repositories and rules: see `Script` in crates/stand-in-hub. */
  async steer(script) {
    const answer = await fetch(`${this.endpoint}/_control`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(script),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  }

  stop() {
    this.#server.stdin.end();
  }
}
