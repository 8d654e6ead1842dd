// The window in a person's words: open it, say something, read the reply. Controls are found as a person or a
// screen reader finds them, by role and name.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executable, root } from "../scripts/shell.mjs";
import { fetchStarterModel } from "../scripts/starter-model.mjs";
import { appProcess, engineOf, isRunning } from "./processes.mjs";
import { AppWindow, keys, waitFor } from "./webdriver.mjs";

export { keys, waitFor };

export const binary =
  process.env.WICK_E2E_BINARY ??
  join(root, "target", "debug", executable("wick-desktop"));
const artifacts = join(root, "e2e", "artifacts");
const screenshots =
  process.env.WICK_UPDATE_SCREENSHOTS === "1"
    ? join(root, "docs", "images")
    : artifacts;

/** The model of these tests: what `npm test` has fetched, or what is in the cache. */
export async function testModel() {
  const model = process.env.WICK_TEST_MODEL ?? (await fetchStarterModel());
  if (model === null)
    throw new Error(
      "These tests need the starter model, and it could not be fetched.",
    );
  return model;
}

/** A fresh folder with room for a data folder and for what WebKit keeps. */
export function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), "wick-e2e-"));
  mkdirSync(join(folder, "data"));
  return folder;
}

/** Removes it; the app's last process may still be writing there. */
export function removeFolder(folder) {
  rmSync(folder, {
    recursive: true,
    force: true,
    maxRetries: 20,
    retryDelay: 100,
  });
}

/** The environment of a Wick that shares nothing with the person's own; `variables` are set besides. */
export function environment({
  folder,
  dataFolder = join(folder, "data"),
  starterModel = "",
  hub = "http://127.0.0.1:9",
  variables = {},
}) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("WICK_")),
  );
  return {
    ...env,
    NO_AT_BRIDGE: "1",
    WICK_DATA_DIR: dataFolder,
    WICK_STARTER_MODEL: starterModel,
    // Nobody listens there: no test reaches the public Hub.
    HF_ENDPOINT: hub,
    XDG_DATA_HOME: join(folder, "webview"),
    XDG_CACHE_HOME: join(folder, "webview"),
    ...variables,
  };
}

const CONTROLS = "button, a, input, textarea, select";

// Runs in the page: the last visible control of that name.
const FIND_CONTROL = `
  const [selector, name] = arguments;
  const text = (node) => (node.innerText ?? "").replace(/\\s+/g, " ").trim();
  const nameOf = (element) => {
    const label = element.getAttribute("aria-label");
    if (label !== null) return label;
    return element.labels?.length > 0 ? text(element.labels[0]) : text(element);
  };
  const visible = (element) => element.checkVisibility() || element.labels?.[0]?.checkVisibility();
  const matches = (element) => nameOf(element) === name || nameOf(element).startsWith(name + " ");
  return [...document.querySelectorAll(selector)].filter((each) => visible(each) && matches(each)).at(-1) ?? null;
`;

// Runs in the page: what stands in the thread, without the row of buttons under each message.
const READ_THREAD = `
  const words = (article) => [...article.children]
    .filter((child) => !child.matches("h2, .meta"))
    .map((child) => child.innerText)
    .join("\\n");
  return [...document.querySelectorAll("[aria-label=Conversation] article")].map((article) => ({
    from: article.matches(".user") ? "user" : "wick",
    status: article.dataset.status ?? null,
    text: words(article),
    stats: article.querySelector(".stats")?.innerText ?? null,
  }));
`;

// Runs in the page: from now on notes every length that the newest reply has.
const RECORD_GROWTH = `
  window.seenLengths = [];
  new MutationObserver(() => {
    const length = [...document.querySelectorAll("article.reply")].at(-1)?.innerText.length ?? 0;
    if (window.seenLengths.at(-1) !== length) window.seenLengths.push(length);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
`;

export class Wick extends AppWindow {
  /** Opens Wick on the data folder, in the size the screenshots have. */
  static async start(place) {
    const env = environment(place);
    const wick = await Wick.open({
      binary,
      env,
      logPath: join(artifacts, "app.log"),
    });
    try {
      wick.pid = await waitFor("the app's process", () =>
        appProcess(binary, env.WICK_DATA_DIR),
      );
      await wick.resize(1180, 760);
      return wick;
    } catch (error) {
      wick.kill();
      throw error;
    }
  }

  /** Closes the window as a person does, and waits until the app and its engine are gone. */
  async leave() {
    const engine = this.engine();
    try {
      await this.close();
      await waitFor(
        "the app to end with its window",
        () => !isRunning(this.pid),
      );
      if (engine !== null)
        await waitFor(
          "the engine to end with the app",
          () => !isRunning(engine),
        );
    } finally {
      this.kill();
    }
  }

  /** The engine's process id, or null. */
  engine() {
    return engineOf(this.pid);
  }

  control(name) {
    return this.run(FIND_CONTROL, CONTROLS, name);
  }

  /** Waits for a control that can be used, and returns it. */
  usable(name) {
    return waitFor(`“${name}” to be usable`, async () => {
      const control = await this.control(name);
      return (
        control !== null &&
        (await this.run("return !arguments[0].disabled", control)) &&
        control
      );
    });
  }

  /** Clicks the first thing that a selector finds, once there is one. */
  clickFirst(selector) {
    return waitFor(`something at ${selector}`, async () => {
      const script = "return document.querySelector(arguments[0])";
      const found = await this.run(script, selector);
      if (found === null) return false;
      await this.click(found);
      return true;
    });
  }

  /** Clicks a control; one that moves or is still covered is tried again. */
  clickOn(name) {
    return waitFor(`a click on “${name}”`, async () => {
      const control = await this.control(name);
      if (control === null) return false;
      if (await this.run("return arguments[0].disabled", control)) return false;
      // Of a radio button that is drawn by its label, the label is what a person clicks.
      const shown =
        "const [e] = arguments; return (e.type === 'radio' && e.labels[0]) || e";
      await this.click(await this.run(shown, control));
      return true;
    });
  }

  /** Puts text into a field in place of what is there. */
  async fill(name, text) {
    const field = await this.usable(name);
    await this.click(field);
    await this.pressKeys(keys.control, "a");
    await this.type(field, text);
  }

  /** All words in the window. */
  words() {
    return this.run("return document.body.innerText");
  }

  waitForWords(words) {
    return waitFor(`the words “${words}”`, async () =>
      (await this.words()).includes(words),
    );
  }

  /** The messages of the chat in view: `{ from, status, text, stats }`. */
  thread() {
    return this.run(READ_THREAD);
  }

  async lastReply() {
    const last = (await this.thread()).at(-1);
    return last?.from === "wick" ? last : null;
  }

  recordGrowth() {
    return this.run(RECORD_GROWTH);
  }

  recordedGrowth() {
    return this.run("return window.seenLengths");
  }

  async write(text) {
    await this.type(await this.usable("Message"), text);
  }

  /** Sends a message and returns once it stands in the thread with its reply begun. */
  async say(text) {
    const before = (await this.thread()).length;
    await this.write(text);
    await this.usable("Send (Enter)");
    await this.pressKeys(keys.enter);
    await waitFor(
      "the message in the thread",
      async () => (await this.thread()).length >= before + 2,
    );
  }

  /** Waits until the newest reply has ended, however it ended, and returns it. */
  ended() {
    return waitFor("the reply to end", async () => {
      const reply = await this.lastReply();
      return (
        reply !== null &&
        reply.status !== "streaming" &&
        (await this.control("Send (Enter)")) &&
        reply
      );
    });
  }

  /** Waits until the newest reply has at least this much text while it is still being written. */
  writing(characters = 40) {
    return waitFor("a reply being written", async () => {
      const reply = await this.lastReply();
      if (reply !== null && reply.status !== "streaming")
        throw new Error(`it is already ${reply.status}`);
      return reply?.text.length >= characters && reply.text;
    });
  }

  /** The titles in the sidebar, newest first. */
  chatTitles() {
    return this.run(
      'return [...document.querySelectorAll("aside li button.chat")].map((each) => each.title)',
    );
  }

  /** Takes a picture for the documentation. */
  async photograph(name) {
    await waitFor("the colours to settle", () =>
      this.run(
        "return document.getAnimations().every((each) => each.playState !== 'running')",
      ),
    );
    return this.screenshot(join(screenshots, `${name}.png`));
  }

  photographFailure(test) {
    const name = test.replaceAll(/[^\w]+/g, "-").toLowerCase();
    return this.screenshot(join(artifacts, `failed-${name}.png`));
  }
}
