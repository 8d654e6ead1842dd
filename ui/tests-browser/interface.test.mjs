// The built interface on its scripted backend in a real browser, under the window's security policy.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  accessibilityProblems,
  openBrowser,
  picture,
  sizes,
} from "./browser.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

async function openChat(page, title) {
  await page.keyboard.press("Control+k");
  await page.keyboard.type(title);
  await page.waitForFunction(
    () => document.querySelectorAll("aside li").length === 1,
  );
  await page.keyboard.press("Enter");
  await page.waitForSelector(`h1 >> text=${title}`);
}

async function openMachine(page) {
  await page.click("nav >> text=Machine");
  await page.waitForSelector(".hero");
}

const views = {
  chat: { query: "?speed=0" },
  "new-chat": {
    query: "?speed=0",
    go: (page) => page.keyboard.press("Control+n"),
  },
  table: {
    query: "?speed=0",
    go: async (page) => {
      await openChat(page, "Packing list");
      await page.waitForSelector(".markdown table");
    },
  },
  models: {
    query: "?speed=0",
    go: async (page) => {
      await page.fill("textarea", "Hello");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".dot.ready");
      await page.click("[aria-label^='Model:']");
    },
  },
  replies: {
    query: "?speed=0",
    go: (page) => page.click("[aria-label^='Style of replies']"),
  },
  streaming: {
    query: "",
    go: async (page) => {
      await page.fill("textarea", "A candle, please /slow /dropped");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".markdown.writing");
    },
  },
  reasoning: { query: "?speed=0", go: (page) => openChat(page, "Candles") },
  "reasoning-open": {
    query: "?speed=0",
    go: async (page) => {
      await openChat(page, "Candles");
      await page.click("text=Thought process");
      await page.waitForSelector(".reasoning .markdown ol");
    },
  },
  thinking: {
    query: "",
    go: async (page) => {
      await page.fill("textarea", "A candle, please /slow /think");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".tail >> text=winter");
    },
  },
  "context-divider": {
    query: "?speed=0",
    go: async (page) => {
      await openChat(page, "A story told");
      await page.waitForSelector("[role=note] >> text=no longer fit");
    },
  },
  branches: {
    query: "?speed=0",
    go: async (page) => {
      await page.click("text=Regenerate");
      await page.waitForSelector(".switcher");
    },
  },
  settings: { query: "?speed=0", go: (page) => page.click("text=Settings") },
  "settings-engine": {
    query: "?speed=0",
    go: async (page) => {
      await page.click("text=Settings");
      await page.locator("#engine select").scrollIntoViewIfNeeded();
    },
  },
  "first-run": {
    query: "?speed=0&scenario=first-run",
    go: (page) => page.waitForSelector("text=Recommended"),
  },
  "first-run-with-a-model": {
    query: "?speed=0&scenario=empty",
    go: (page) => page.waitForSelector("text=Start with SmolLM2"),
  },
  "first-run-measuring": {
    query: "?scenario=first-run",
    go: async (page) => {
      await page.getByRole("button", { name: "Measure", exact: true }).click();
      await page.waitForSelector("progress");
    },
  },
  machine: { query: "?speed=0", go: openMachine },
  "machine-lower": {
    query: "?speed=0",
    go: async (page) => {
      await openMachine(page);
      await page.locator("#ledger-title").scrollIntoViewIfNeeded();
    },
  },
  "machine-point": {
    query: "?speed=0",
    go: async (page) => {
      await openMachine(page);
      await page.focus("[role=option][tabindex='0']");
      await page.keyboard.press("ArrowLeft");
      await page.waitForSelector(".details");
    },
  },
  "machine-table": {
    query: "?speed=0",
    go: async (page) => {
      await openMachine(page);
      await page.click("text=Show as a table");
    },
  },
  "machine-measuring": {
    query: "",
    go: async (page) => {
      await openMachine(page);
      await page.click("text=Measure again");
      await page.waitForSelector("progress");
    },
  },
  "machine-unmeasured": {
    query: "?speed=0&scenario=unmeasured",
    go: openMachine,
  },
  "machine-container": {
    query: "?speed=0&scenario=container",
    go: async (page) => {
      await openMachine(page);
      await page.click("text=Why?");
    },
  },
  "machine-failed": {
    query: "?speed=0&scenario=measuring-failed",
    go: async (page) => {
      await openMachine(page);
      await page.click("text=Measure again");
      await page.waitForSelector("[role=alert]");
    },
  },
  "chat-measuring": { query: "?speed=0&scenario=measuring" },
  starter: { query: "?speed=0&scenario=starter" },
  "reply-failed": {
    query: "?speed=0",
    go: async (page) => {
      await page.fill("textarea", "Please /crash");
      await page.keyboard.press("Enter");
      await page.waitForSelector("[role=alert]");
    },
  },
  "send-failed": {
    query: "?speed=0",
    go: async (page) => {
      await page.fill("textarea", "Save me /full");
      await page.keyboard.press("Enter");
      await page.waitForSelector("[role=alert]");
    },
  },
  crashed: { query: "?speed=0&scenario=crashed" },
  "newer-storage": { query: "?speed=0&scenario=newer-storage" },
  unwritable: { query: "?speed=0&scenario=unwritable" },
  damaged: { query: "?speed=0&scenario=damaged" },
};

for (const theme of ["light", "dark"]) {
  for (const [name, { query, go }] of Object.entries(views)) {
    test(`${name} in ${theme} is accessible and within the policy`, async () => {
      const page = await browser.open(query, { theme });
      // Colours are judged at rest, not in the middle of a transition.
      await page.emulateMedia({ reducedMotion: "reduce" });
      await go?.(page);
      await picture(page, `${name}-${theme}`);
      assert.deepEqual(await accessibilityProblems(page), []);
      assert.deepEqual(page.problems, []);
      await page.context().close();
    });
  }
}

for (const [name, size] of Object.entries(sizes)) {
  test(`no view is wider than the ${name} window`, async () => {
    for (const [view, { query, go }] of Object.entries(views)) {
      const page = await browser.open(query, { size });
      await go?.(page);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - innerWidth,
      );
      await picture(page, `${view}-${name}`);
      assert.ok(overflow <= 0, `${view} is ${overflow} px too wide`);
      await page.context().close();
    }
  });
}

test("a reply streams and Esc stops it", async () => {
  const page = await browser.open();
  await page.fill("textarea", "A long one /long");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".markdown.writing");
  await page.keyboard.press("Escape");
  await page.waitForSelector("text=stopped by you");
  assert.deepEqual(page.problems, []);
});

test("Esc in an open menu closes the menu and lets the reply go on", async () => {
  const page = await browser.open();
  await page.fill("textarea", "A long one /long");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".markdown.writing");
  await page.click("[aria-label^='Model:']");
  await page.waitForSelector("[role=dialog]");
  await page.keyboard.press("Escape");
  await page.waitForSelector("[role=dialog]", { state: "detached" });
  assert.equal(await page.locator(".markdown.writing").count(), 1);
});

test("the thread follows the reply until the reader scrolls up", async () => {
  const page = await browser.open("", { size: sizes.small });
  await page.fill("textarea", "A long one /long");
  await page.keyboard.press("Enter");
  const distance = () =>
    page.$eval(
      ".thread",
      (thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight,
    );
  await page.waitForFunction(
    () => document.querySelectorAll(".markdown.writing li").length > 12,
  );
  assert.ok((await distance()) < 60);
  await page.hover(".thread");
  await page.mouse.wheel(0, -400);
  await page.waitForSelector("text=Jump to latest");
  const count = await page.locator(".markdown.writing li").count();
  await page.waitForFunction(
    (before) =>
      document.querySelectorAll(".markdown.writing li").length > before + 3,
    count,
  );
  assert.ok((await distance()) > 100);
  await page.click("text=Jump to latest");
  await page.waitForSelector("text=Jump to latest", { state: "detached" });
  assert.ok((await distance()) < 60);
});

test("thoughts open by keyboard and stay where the reader is", async () => {
  const page = await browser.open("", { size: sizes.small });
  await page.fill("textarea", "A candle, please /think");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".reply .stats >> nth=1");
  const button = page.locator("text=/^\\s*Thought for/");
  await button.scrollIntoViewIfNeeded();
  await button.focus();
  const before = await button.boundingBox();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".reasoning .markdown ol");
  await page.evaluate(() => new Promise(requestAnimationFrame));
  assert.equal((await button.boundingBox()).y, before.y);
  assert.equal(await button.getAttribute("aria-expanded"), "true");
  await page.keyboard.press("Space");
  await page.waitForSelector(".reasoning .markdown", { state: "detached" });
});

test("a reply stopped while it thinks keeps its thoughts", async () => {
  const page = await browser.open();
  await page.fill("textarea", "A candle, please /slow /think");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".tail >> text=winter");
  const heights = await page.$eval(".tail", (tail) => [
    tail.clientHeight,
    parseFloat(getComputedStyle(tail).lineHeight),
  ]);
  assert.ok(heights[0] <= 2 * heights[1] + 1);
  await page.keyboard.press("Escape");
  await page.waitForSelector("text=stopped by you");
  await page.click("text=/^\\s*Thought for/");
  await page.waitForSelector(".reasoning .markdown >> text=winter");
});

test("the divider stands before the first message the model saw", async () => {
  const page = await browser.open("?speed=0");
  await openChat(page, "A story told");
  const next = await page.$eval(
    "[role=note]",
    (note) => note.nextElementSibling.textContent,
  );
  assert.match(next, /And then\?/);
});

test("Copy puts the code on the clipboard and says so", async () => {
  const page = await browser.open("?speed=0");
  await page.click("figcaption button");
  await page.waitForSelector("figcaption >> text=Copied");
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(text, /^fn primes/);
});

test("the keyboard reaches search, a new chat and settings", async () => {
  const page = await browser.open("?speed=0", { size: sizes.small });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("bread");
  await page.waitForFunction(
    () => document.querySelectorAll("aside li").length === 1,
  );
  await page.keyboard.press("Enter");
  await page.waitForSelector("h1 >> text=Why does bread go stale?");
  assert.equal(await page.inputValue("textarea"), "");
  await page.keyboard.press("Control+,");
  await page.waitForSelector("h1 >> text=Settings");
  await page.keyboard.press("Control+n");
  await page.waitForSelector("h1 >> text=New chat");
});

test("an input method keeps its Enter", async () => {
  const page = await browser.open("?speed=0");
  await page.fill("textarea", "にほん");
  await page.$eval("textarea", (field) => {
    field.dispatchEvent(
      new KeyboardEvent("keydown", {
        key: "Enter",
        isComposing: true,
        bubbles: true,
      }),
    );
  });
  assert.equal(await page.inputValue("textarea"), "にほん");
});

test("an edited message becomes a branch that can be left again", async () => {
  const page = await browser.open("?speed=0");
  await page.hover(".bubble");
  await page.click(".user >> text=Edit");
  await page.fill("[aria-label='Edit message']", "Another question");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".bubble >> text=Another question");
  await page.waitForSelector(".reply .meta");
  await page.click("[aria-label='Previous version']");
  await page.waitForSelector(".bubble >> text=Write a prime sieve");
});

test("a draft waits in its chat", async () => {
  const page = await browser.open("?speed=0");
  await page.fill("textarea", "half a thought");
  await page.click("text=Packing list");
  await page.waitForSelector("h1 >> text=Packing list");
  assert.equal(await page.inputValue("textarea"), "");
  await page.click("aside >> text=Prime sieve");
  await page.waitForSelector("h1 >> text=Prime sieve");
  assert.equal(await page.inputValue("textarea"), "half a thought");
});

test("the names in the plot cover neither each other nor a point", async () => {
  for (const size of Object.values(sizes)) {
    const page = await browser.open("?speed=0", { size });
    await openMachine(page);
    const covered = await page.evaluate(async () => {
      await document.fonts.ready;
      const boxes = (selector) =>
        [...document.querySelectorAll(selector)].map((element) => ({
          name: element.textContent,
          box: element.getBoundingClientRect(),
        }));
      const names = boxes(".plot .name");
      const points = boxes(".plot [role=option] .mark");
      const overlap = (a, b) =>
        a.left < b.right - 1 &&
        b.left < a.right - 1 &&
        a.top + 2 < b.bottom - 2 &&
        b.top + 2 < a.bottom - 2;
      return names.flatMap(({ name, box }, index) =>
        [...names.slice(index + 1), ...points]
          .filter((other) => overlap(box, other.box))
          .map((other) => `${name} and ${other.name || "a point"}`),
      );
    });
    assert.deepEqual(covered, []);
    await page.context().close();
  }
});

test("the pointer finds a model in the plot, and Esc puts its details away", async () => {
  const page = await browser.open("?speed=0");
  await openMachine(page);
  await page.hover("[aria-label^='Gemma 3 12B']");
  await page.waitForSelector(".details >> text=Gemma 3 12B at Q4_K_M");
  await page.mouse.move(400, 20);
  await page.waitForSelector(".details", { state: "detached" });
  await page.focus("[role=option][tabindex='0']");
  await page.waitForSelector(".details");
  await page.keyboard.press("Escape");
  await page.waitForSelector(".details", { state: "detached" });
});

test("a measurement can be stopped, and the old one holds", async () => {
  const page = await browser.open();
  await openMachine(page);
  await page.click("text=Measure again");
  await page.click("text=Cancel");
  await page.waitForSelector("text=The measurement was stopped");
  await page.waitForSelector("text=measured 12 minutes ago");
});

test("the welcome gives way to a chat with the model that is there", async () => {
  const page = await browser.open("?speed=0&scenario=empty");
  await page.click("text=Start with SmolLM2 135M Instruct");
  await page.waitForSelector("text=What is on your mind?");
  assert.equal(
    await page.evaluate(() => document.activeElement?.tagName),
    "TEXTAREA",
  );
});
