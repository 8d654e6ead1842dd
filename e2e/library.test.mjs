// What becomes of models on this computer, in the real window: one is downloaded although the Hub asks for patience,
// verified, brought up to date, deleted and back; others are used where other programs keep them; all move elsewhere.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { StandInHub } from "./hub.mjs";
import { newFolder, removeFolder, testModel, waitFor, Wick } from "./wick.mjs";

const FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";

function repository(model) {
  return {
    id: "ann/SmolLM2-135M-Instruct-GGUF",
    files: { "README.md": { text: "A small model." }, [FILE]: { disk: model } },
    info: {
      tags: ["gguf", "license:apache-2.0", "en"],
      gguf: {
        total: 134515008,
        architecture: "llama",
        context_length: 8192,
      },
    },
  };
}

/** Another file with the same model in it: what follows the weights is nobody's. */
function variant(model, path) {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(model, path);
  appendFileSync(path, path);
}

/** As Ollama keeps a model: a manifest, and a blob named by its hash. */
function ollama(home, model) {
  const models = join(home, ".ollama", "models");
  const hash = createHash("sha256").update(readFileSync(model)).digest("hex");
  const manifest = join(models, "manifests/registry.ollama.ai/library/smollm2");
  mkdirSync(manifest, { recursive: true });
  const layer = {
    mediaType: "application/vnd.ollama.image.model",
    digest: `sha256:${hash}`,
  };
  writeFileSync(
    join(manifest, "135m"),
    JSON.stringify({ schemaVersion: 2, layers: [layer] }),
  );
  mkdirSync(join(models, "blobs"));
  linkSync(model, join(models, "blobs", `sha256-${hash}`));
}

describe("Library", () => {
  let folder;
  let hub;
  let wick;
  let newer;
  let elsewhere;

  before(async () => {
    const model = await testModel();
    folder = newFolder();
    newer = join(folder, "newer.gguf");
    elsewhere = join(folder, "elsewhere");
    const home = join(folder, "home");
    variant(model, newer);
    variant(
      model,
      join(home, ".lmstudio/models/bob/Smol-GGUF/smol-135m-Q4_1.gguf"),
    );
    ollama(home, newer);
    hub = await StandInHub.start({ repositories: [repository(model)] });
    const variables = { HOME: home, WICK_MOVE_FOLDER: elsewhere };
    wick = await Wick.start({ folder, hub: hub.endpoint, variables });
  });

  after(async () => {
    await wick?.leave();
    hub?.stop();
    if (folder) removeFolder(folder);
  });

  afterEach(async (t) => {
    if (!t.passed) await wick?.photographFailure(t.name);
  });

  const weights = (...parts) => {
    const models = join(folder, ...parts);
    const names = existsSync(models) ? readdirSync(models) : [];
    return names.filter((name) => name.endsWith(".gguf"));
  };

  /** Chooses an entry of a model's menu: of the first in the list. */
  const choose = async (entry) => {
    await waitFor("the menu of a model", async () => {
      const first = "return document.querySelector('tbody td .square')";
      const button = await wick.run(first);
      if (button === null) return false;
      if (!(await wick.control(entry))) await wick.click(button);
      return wick.control(entry);
    });
    await wick.clickOn(entry);
  };

  it("says how long the Hub asks it to wait, and goes on by itself", async () => {
    await wick.clickOn("Models");
    await wick.clickOn("Browse the Hub");
    await wick.clickFirst(".results li button.open");
    await waitFor("the verdict of the file's header", async () => {
      const cell = "return document.querySelector('td.verdict')?.innerText";
      return /^(Fits well|Tight)\s*$/.test(await wick.run(cell));
    });
    const status = {
      kind: "status",
      code: 429,
      headers: { "retry-after": "8" },
    };
    await hub.steer({
      rules: [{ place: "resolve", path: ".gguf", times: 1, behaviour: status }],
    });
    await wick.clickOn("Download");
    await waitFor("the countdown", async () =>
      /tries again in \d+ s/i.test(await wick.words()),
    );
    await wick.clickOn("Installed");
    await wick.waitForWords("models take 98.4 MB");
    assert.equal(weights("data", "models").length, 1);
  });

  it("verifies every byte", async () => {
    await choose("Verify the file");
    await wick.waitForWords("The file is whole");
    await wick.clickOn("Dismiss");
  });

  it("tells of a newer file and downloads it", async () => {
    await hub.steer({ repositories: [repository(newer)] });
    await wick.clickOn("Look for newer files");
    await wick.waitForWords("1 model has a newer file.");
    await choose("Download the newer file");
    await waitFor("both files", () => weights("data", "models").length === 2);
    await wick.waitForWords("2 models ·");
    await waitFor("no more news of it", async () => {
      return !(await wick.words()).includes("Newer file");
    });
  });

  it("brings a deleted model back", async () => {
    await choose("Delete");
    await wick.waitForWords("1 model ·");
    await wick.clickOn("Undo");
    await wick.waitForWords("2 models ·");
    await wick.waitForWords("In use");
    await choose("Delete");
    await wick.waitForWords("1 model ·");
    await wick.waitForWords("Deleted since Wick started");
    await wick.clickOn("Restore");
    await wick.waitForWords("2 models ·");
  });

  it("uses what other programs keep where it lies", async () => {
    await wick.clickOn("Import a model");
    await wick.clickOn("Use models of other programs…");
    // A model that is not here yet.
    await wick.clickFirst("fieldset input:enabled");
    // Ollama keeps the bytes that were downloaded.
    await wick.waitForWords("in your library");
    await wick.clickOn("Use 1 model,");
    await wick.waitForWords("3 models ·");
    assert.equal(weights("data", "models").length, 2, "nothing was copied");
  });

  it("moves its own models to another folder", async () => {
    await wick.clickOn("Move…");
    await wick.waitForWords("The models now lie in");
    assert.equal(weights("elsewhere").length, 2);
    assert.deepEqual(weights("data", "models"), []);
    await wick.waitForWords("3 models ·");
  });
});
