// The Machine view in the real window: looked at, measured, stopped, measured again, and what came of a reply.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { newFolder, removeFolder, testModel, waitFor, Wick } from "./wick.mjs";

describe("The machine", () => {
  let folder;
  let wick;

  before(async () => {
    folder = newFolder();
    wick = await Wick.start({ folder, starterModel: await testModel() });
    await wick.usable("Message");
  });

  after(async () => {
    await wick?.leave();
    if (folder) removeFolder(folder);
  });

  afterEach(async (t) => {
    if (!t.passed) await wick?.photographFailure(t.name);
  });

  const measured = () =>
    waitFor("the measurement", async () => {
      const words = await wick.words();
      return /measured (this minute|\d)/.test(words) && words;
    });

  it("shows what the machine is, and was measured at the first start", async () => {
    await wick.clickOn("Machine");
    const words = await measured();
    for (const expected of ["Processor", "Memory", "Graphics", "Disk"])
      assert.ok(words.includes(expected), `${expected} is missing:\n${words}`);
    assert.match(words, /read at [\d.]+ [MG]B\/s, measured/);
    await wick.photograph("machine");
  });

  it("says which classes of models suit it, and why", async () => {
    const words = await waitFor("a verdict with speeds", async () => {
      const words = await wick.words();
      return !words.includes("Not measured yet") && words;
    });
    for (const expected of ["Micro", "Small", "Medium", "Recommended"])
      assert.ok(words.includes(expected), `${expected} is missing:\n${words}`);
  });

  it("measures again when asked, and stops when told", async () => {
    await wick.clickOn("Measure again");
    await wick.waitForWords("Measuring this machine");
    await wick.clickOn("Cancel");
    await wick.waitForWords("The measurement was stopped");
    await wick.clickOn("Measure again");
    await waitFor("the second measurement", async () =>
      (await wick.words()).includes("measured this minute"),
    );
  });

  it("puts what a reply measured beside what was predicted", async () => {
    await wick.clickOn("Chat");
    await wick.say("What is the capital of France? Tell me all about it.");
    assert.equal((await wick.ended()).status, "complete");
    await wick.clickOn("Machine");
    await waitFor("the reply in the ledger", () =>
      wick.run(
        "return [...document.querySelectorAll('table tbody tr')].some((row) => row.innerText.includes('SmolLM2'))",
      ),
    );
  });

  it("has all of it in a small window too", async () => {
    await wick.resize(900, 600);
    await measured();
    const overflow = await wick.run(
      "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assert.ok(overflow <= 0, `${overflow} px stand out`);
    await wick.resize(1180, 760);
  });
});
