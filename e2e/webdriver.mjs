// A small WebDriver client without dependencies. It talks straight to WebKitWebDriver, which starts the app.
import { spawn } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** The keys that are no characters, as WebDriver writes them. */
export const keys = {
  enter: "\uE007",
  escape: "\uE00C",
  shift: "\uE008",
  control: "\uE009",
};

/**
 * Asks until the answer is true-like and returns it. Errors while asking mean "not yet". The ceiling is there so
 * that a hang ends with a sentence; no test is meant to come near it.
 */
export async function waitFor(what, condition, { seconds = 120 } = {}) {
  const deadline = Date.now() + seconds * 1000;
  let lastError;
  do {
    try {
      const answer = await condition();
      if (answer) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await pause(50);
  } while (Date.now() < deadline);
  const cause =
    lastError === undefined ? "" : ` (last error: ${lastError.message})`;
  throw new Error(`Waited ${seconds} s in vain for: ${what}${cause}`);
}

/** A window of the app, driven through its own WebKitWebDriver. */
export class AppWindow {
  #driver;
  #address;
  #session;

  /** Starts the driver, and through it the app. Everything the two print goes to `logPath`. */
  static async open({ binary, args = [], env, logPath }) {
    const window = new this();
    const port = await freePort();
    mkdirSync(dirname(logPath), { recursive: true });
    const log = openSync(logPath, "a");
    // Its own process group: an app that outlives its session would otherwise hold the test runner's output open.
    window.#driver = spawn(
      "WebKitWebDriver",
      [`--port=${port}`, "--host=127.0.0.1"],
      {
        detached: true,
        env: { ...env, TAURI_WEBVIEW_AUTOMATION: "true" },
        stdio: ["ignore", log, log],
      },
    );
    // Whatever goes wrong, no driver and no app is left behind, and none keeps the test runner waiting.
    window.#driver.unref();
    process.on("exit", () => window.kill());
    for (const signal of ["SIGINT", "SIGTERM"])
      process.once(signal, () => process.exit(1));
    window.#address = `http://127.0.0.1:${port}`;
    try {
      await waitFor(
        "WebKitWebDriver to answer",
        async () => (await window.#call("GET", "/status")).ready,
      );
      const answer = await window.#call("POST", "/session", {
        capabilities: {
          alwaysMatch: { "webkitgtk:browserOptions": { binary, args } },
        },
      });
      window.#session = `/session/${answer.sessionId}`;
      return window;
    } catch (error) {
      window.kill();
      throw error;
    }
  }

  /** Ends the session, which closes the window as a person would. */
  async close() {
    try {
      if (this.#session) await this.#call("DELETE", this.#session);
    } finally {
      this.#session = undefined;
    }
  }

  /** Ends whatever is left of the driver and the app, at once. */
  kill() {
    try {
      process.kill(-this.#driver.pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }

  async #call(method, path, body) {
    const response = await fetch(this.#address + path, {
      method,
      body: method === "POST" ? JSON.stringify(body ?? {}) : undefined,
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  #ask(method, path, body) {
    return this.#call(method, this.#session + path, body);
  }

  /** Runs the body of a function in the page; elements may go in and out. */
  run(script, ...args) {
    return this.#ask("POST", "/execute/sync", { script, args });
  }

  find(css) {
    return this.#ask("POST", "/element", { using: "css selector", value: css });
  }

  click(element) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/click`);
  }

  /** Types into an element, as keys pressed one after another. */
  type(element, text) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/value`, { text });
  }

  /** Presses keys together, wherever the focus is: `pressKeys(keys.control, "k")`. */
  pressKeys(...pressed) {
    const actions = [
      ...pressed.map((value) => ({ type: "keyDown", value })),
      ...pressed.toReversed().map((value) => ({ type: "keyUp", value })),
    ];
    return this.#ask("POST", "/actions", {
      actions: [{ type: "key", id: "keyboard", actions }],
    });
  }

  resize(width, height) {
    return this.#ask("POST", "/window/rect", { x: 0, y: 0, width, height });
  }

  async screenshot(path) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      Buffer.from(await this.#ask("GET", "/screenshot"), "base64"),
    );
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
