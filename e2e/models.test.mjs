// The Models view in the real window: models are found on a stand-in Hub, and judged by their headers.
import { after, afterEach, before, describe, it } from "node:test";
import { StandInHub } from "./hub.mjs";
import { newFolder, removeFolder, testModel, waitFor, Wick } from "./wick.mjs";

const FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";
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

  /** Opens the page of the first model that was found. */
  const openFirst = () =>
    waitFor("a model to open", async () => {
      const first = "return document.querySelector('.results li button.open')";
      const button = await wick.run(first);
      if (button === null) return false;
      await wick.click(button);
      return true;
    });

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
});
