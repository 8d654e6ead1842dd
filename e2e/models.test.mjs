// From a search to a chat, in the real window: a model is found on a stand-in Hub, judged by its header, downloaded,
// paused, killed in the middle, resumed after a restart, and answers.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { StandInHub } from "./hub.mjs";
import { killAbruptly } from "./processes.mjs";
import {
  keys,
  newFolder,
  removeFolder,
  testModel,
  waitFor,
  Wick,
} from "./wick.mjs";

const FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";
const slow = (pauseMs) => ({
  clear_rules: true,
  rules: [
    {
      place: "bytes",
      path: ".gguf",
      behaviour: { kind: "slow", pause_ms: pauseMs, bytes: 65536 },
    },
  ],
});

function repository(id, architecture, files, more = {}) {
  const gguf = { total: 134515008, architecture, context_length: 8192 };
  return {
    id,
    files: { "README.md": { text: `# ${id}\n\nA small model.` }, ...files },
    info: {
      downloads: 1000,
      tags: ["gguf", "license:apache-2.0", "en"],
      gguf,
    },
    ...more,
  };
}

describe("Models", () => {
  let folder;
  let hub;
  let wick;

  before(async () => {
    const model = { disk: await testModel() };
    hub = await StandInHub.start({
      repositories: [
        repository("ann/SmolLM2-135M-Instruct-GGUF", "llama", {
          [FILE]: model,
        }),
        repository("bob/strange-GGUF", "mamba", { "strange-Q4_0.gguf": model }),
        repository(
          "carl/gated-GGUF",
          "llama",
          { "gated-Q4_1.gguf": model },
          { gated: "auto" },
        ),
      ],
    });
    folder = newFolder();
    wick = await Wick.start({ folder, hub: hub.endpoint });
  });

  after(async () => {
    await wick?.leave();
    hub?.stop();
    if (folder) removeFolder(folder);
  });

  afterEach(async (t) => {
    if (!t.passed) await wick?.photographFailure(t.name);
  });

  const partials = () => {
    const models = join(folder, "data", "models", ".partial");
    return existsSync(models) ? readdirSync(models) : [];
  };

  /** Opens the page of the first model that was found. */
  const openFirst = () => wick.clickFirst(".results li button.open");

  it("shows what suits this machine without asking anybody", async () => {
    await wick.clickOn("Models");
    await wick.clickOn("For this machine");
    await wick.waitForWords("Every model Wick knows");
    await wick.photograph("models");
  });

  it("finds models on the Hub and says which of them run here", async () => {
    await wick.clickOn("Browse the Hub");
    await wick.waitForWords("strange");
    await wick.waitForWords("Will not run");
    await wick.fill("Search the Hub", "SmolLM2");
    await waitFor("one model", async () => {
      const words = await wick.words();
      return words.includes("SmolLM2-135M") && !words.includes("strange");
    });
  });

  it("reads a file's header and gives its verdict before the download", async () => {
    await openFirst();
    await wick.waitForWords("Files");
    await waitFor("the verdict", async () =>
      /Fits well|Tight/.test(await wick.words()),
    );
    await wick.waitForWords("A small model.");
    await wick.photograph("models-hub");
  });

  it("downloads, pauses and goes on", async () => {
    await hub.steer(slow(25));
    await wick.clickOn("Download");
    await wick.usable("Pause:");
    await waitFor("the first bytes", async () =>
      /[\d.]+ of 98\.\d MB/.test(await wick.words()),
    );
    await wick.clickOn("Pause:");
    await wick.waitForWords("Paused");
    assert.notDeepEqual(partials(), []);
    await wick.clickOn("Resume:");
    await wick.usable("Pause:");
  });

  it("goes on after the app was killed, and has the model once every byte is proved", async () => {
    await killAbruptly(wick.pid);
    wick.kill();
    await hub.steer({ clear_rules: true });
    wick = await Wick.start({ folder, hub: hub.endpoint });
    await wick.clickOn("Models");
    await wick.clickOn("Installed");
    await waitFor("the model in the library", async () =>
      (await wick.words()).includes("SmolLM2"),
    );
    await waitFor("no file left on the way", () => partials().length === 0);
    await wick.waitForWords("models take 98.4 MB");
    await wick.photograph("models-installed");
  });

  it("answers with what it has downloaded", async () => {
    await wick.clickOn("Settings");
    await wick.fill("Temperature", "0");
    await wick.clickOn("Chat");
    await wick.usable("Message");
    await wick.say("What is the capital of France?");
    const reply = await wick.ended();
    assert.equal(reply.status, "complete");
    assert.match(reply.text, /Paris/);
  });

  it("says of a gated model what to do", async () => {
    await wick.clickOn("Models");
    await wick.clickOn("Browse the Hub");
    await wick.fill("Search the Hub", "gated");
    await waitFor("only the gated model", async () => {
      const found =
        "return document.querySelectorAll('.results li .open').length";
      return (await wick.run(found)) === 1;
    });
    await openFirst();
    await wick.waitForWords("This model is gated");
  });

  it("says that it is offline, and shows what it knows, when the Hub is gone", async () => {
    hub.stop();
    await wick.fill("Search the Hub", "qwen3");
    await wick.pressKeys(keys.enter);
    await wick.waitForWords("You are offline");
    await wick.waitForWords("Qwen3");
  });
});
