// A person's first hour with Wick, in the real window with the real engine and a real model.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { isRunning, killAbruptly } from "./processes.mjs";
import {
  keys,
  newFolder,
  removeFolder,
  testModel,
  waitFor,
  Wick,
} from "./wick.mjs";

const CAPITAL = "What is the capital of France?";
const LONG_STORY =
  "Write a very long story about a lighthouse keeper and the sea.";
const OTHER_STORY =
  "Tell me everything that happened in a mountain village in one year.";

describe("Wick", () => {
  let folder;
  let wick;
  let starterModel;

  before(async () => {
    starterModel = await testModel();
    folder = newFolder();
    wick = await Wick.start({ folder, starterModel });
  });

  after(async () => {
    await wick?.leave();
    if (folder) removeFolder(folder);
  });

  // What was in the window says more about a failure than any message.
  afterEach(async (t) => {
    if (!t.passed) await wick?.photographFailure(t.name);
  });

  it("has the starter model ready when it is opened for the first time", async () => {
    await wick.usable("Message");
    await waitFor("the starter model among the models", () =>
      wick.control("Model: SmolLM2"),
    );
  });

  it("takes a temperature of 0 in the settings", async () => {
    await wick.clickOn("Settings");
    await wick.fill("Temperature", "0");
    await wick.clickOn("Chat");
    await wick.usable("Style of replies: Custom");
  });

  it("streams an answer that names Paris", async () => {
    await wick.recordGrowth();
    await wick.say(CAPITAL);
    const reply = await wick.ended();
    assert.equal(reply.status, "complete");
    assert.match(reply.text, /Paris/);
    const lengths = await wick.recordedGrowth();
    assert.ok(new Set(lengths).size > 3, `the reply came at once: ${lengths}`);
  });

  it("says under the reply how fast it was", async () => {
    const { stats } = await wick.lastReply();
    assert.match(stats, /[\d.,]+ tokens\/s/);
    assert.match(stats, /\d+ tokens/);
    assert.match(stats, /first token [\d.,]+ s/);
  });

  it("breaks the line on Shift+Enter and sends on Enter", async () => {
    const before = (await wick.thread()).length;
    await wick.write("Say hello.");
    await wick.pressKeys(keys.shift, keys.enter);
    await wick.write("Be brief.");
    const field = await wick.usable("Message");
    assert.equal(
      await wick.run("return arguments[0].value", field),
      "Say hello.\nBe brief.",
    );
    assert.equal((await wick.thread()).length, before);
    await wick.pressKeys(keys.enter);
    await waitFor(
      "the message in the thread",
      async () => (await wick.thread()).length === before + 2,
    );
    assert.equal((await wick.ended()).status, "complete");
    assert.equal((await wick.thread()).at(-2).text, "Say hello.\nBe brief.");
  });

  it("stops a long reply on Esc and keeps what had arrived", async () => {
    await wick.clickOn("New chat");
    await wick.say(LONG_STORY);
    const partial = await wick.writing();
    await wick.pressKeys(keys.escape);
    const reply = await wick.ended();
    assert.equal(reply.status, "stopped");
    assert.match(reply.stats, /stopped by you/);
    assert.ok(reply.text.startsWith(partial.slice(0, 20)), reply.text);
  });

  it("survives the death of its engine in mid-reply and answers the next message with a new one", async () => {
    await wick.clickOn("New chat");
    await wick.say(OTHER_STORY);
    const partial = await wick.writing();
    const engine = wick.engine();
    assert.notEqual(engine, null);
    await killAbruptly(engine);

    const reply = await wick.ended();
    assert.equal(reply.status, "failed");
    assert.match(reply.text, /The engine stopped unexpectedly/);
    assert.ok(reply.text.startsWith(partial.slice(0, 20)), reply.text);
    assert.ok(isRunning(wick.pid), "the window is still there");

    await wick.say(CAPITAL);
    const next = await wick.ended();
    assert.equal(next.status, "complete");
    assert.notEqual(next.text, "");
    assert.notEqual(wick.engine(), engine);
    assert.notEqual(wick.engine(), null);
  });

  it("keeps several chats apart, newest first, titled by their first message", async () => {
    const titles = await wick.chatTitles();
    assert.equal(titles.length, 3);
    assert.ok(titles[2].startsWith("What is the capital of France"), titles[2]);
    await wick.clickOn(titles[2]);
    await wick.waitForWords("Be brief.");
    assert.equal((await wick.thread())[0].text, CAPITAL);
  });

  it("renames a chat", async () => {
    const [first] = await wick.chatTitles();
    await wick.clickOn(`Options for “${first}”`);
    await wick.clickOn("Rename");
    await wick.fill("Chat title", "The lighthouse");
    await wick.pressKeys(keys.enter);
    await waitFor("the new title", async () =>
      (await wick.chatTitles()).includes("The lighthouse"),
    );
  });

  it("deletes a chat and takes it back", async () => {
    const before = await wick.chatTitles();
    await wick.clickOn("The lighthouse");
    await wick.waitForWords("The engine stopped unexpectedly");
    await wick.clickOn("Options for “The lighthouse”");
    await wick.clickOn("Delete");
    await waitFor(
      "the chat to go",
      async () => !(await wick.chatTitles()).includes("The lighthouse"),
    );
    await wick.clickOn("Undo");
    await waitFor("the chat to come back", async () =>
      (await wick.chatTitles()).includes("The lighthouse"),
    );
    assert.deepEqual((await wick.chatTitles()).toSorted(), before.toSorted());
    await wick.waitForWords("The engine stopped unexpectedly");
  });

  it("shows a dark and a light look", async () => {
    const background = () =>
      wick.run("return getComputedStyle(document.body).backgroundColor");
    await wick.clickOn(
      (await wick.chatTitles()).find((title) =>
        title.startsWith("What is the capital"),
      ),
    );
    await wick.waitForWords("Be brief.");
    await wick.clickOn("Settings");
    await wick.clickOn("Dark");
    await waitFor(
      "a dark page",
      async () => (await background()) === "rgb(22, 21, 23)",
    );
    await wick.clickOn("Chat");
    await wick.waitForWords("Be brief.");
    await wick.photograph("chat-dark");
    await wick.clickOn("Settings");
    await wick.clickOn("Light");
    await waitFor(
      "a light page",
      async () => (await background()) === "rgb(250, 249, 246)",
    );
    await wick.photograph("settings");
    await wick.clickOn("Chat");
    await wick.waitForWords("Be brief.");
    await wick.photograph("chat-light");
  });

  it("finds chats, settings and the chosen model again after it was closed", async () => {
    const titles = await wick.chatTitles();
    await wick.clickOn(titles.at(-1));
    await wick.waitForWords("Be brief.");
    const thread = await wick.thread();
    await wick.leave();

    wick = await Wick.start({ folder, starterModel });
    await waitFor(
      "the chats of last time",
      async () => (await wick.chatTitles()).length === titles.length,
    );
    assert.deepEqual(await wick.chatTitles(), titles);
    await wick.clickOn(titles.at(-1));
    await wick.waitForWords("Be brief.");
    assert.deepEqual(await wick.thread(), thread);
    await wick.usable("Model: SmolLM2");
    await wick.usable("Style of replies: Custom");
  });

  it("goes on with an old chat after a restart", async () => {
    await wick.say("Thank you!");
    const reply = await wick.ended();
    assert.equal(reply.status, "complete");
    assert.notEqual(reply.text, "");
    // What was read of it last time lay on disk.
    assert.match(reply.stats, /read before/);
  });
});
