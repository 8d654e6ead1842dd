// The machine with a graphics card, usable or not, in a real browser: every state is accessible, and what fits is told.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  accessibilityProblems,
  openBrowser,
  picture,
  sizes,
} from "./browser.mjs";
import { openModels } from "./models-views.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

async function openMachine(page) {
  await page.click("nav >> text=Machine");
  await page.waitForSelector(".hero");
}

const because = (reason) => async (page) => {
  await openMachine(page);
  await page.click("text=Why?");
  await page.waitForSelector(`#graphics >> text=${reason}`);
  await page.waitForSelector("#graphics >> text=Look again");
};

const views = {
  card: async (page) => {
    await openMachine(page);
    await page.click("text=Details");
    await page.waitForSelector("text=Wick computes with it.");
  },
  "card-recommended": async (page) => {
    await openMachine(page);
    await page.getByText("See every model").scrollIntoViewIfNeeded();
    await page.waitForSelector("text=10.3 GB graphics memory");
  },
  "card-point": async (page) => {
    await openMachine(page);
    await page.focus("[role=option][tabindex='0']");
    await page.waitForSelector(".details >> text=memory beside");
  },
  "card-table": async (page) => {
    await openMachine(page);
    await page.click("text=Show as a table");
    await page.waitForSelector("th >> text=Where");
  },
  "card-models": async (page) => {
    await openModels(page);
    await page.waitForSelector("text=of 11.6 GB free");
  },
  "card-unmeasured": openMachine,
  "card-first-run": (page) =>
    page.waitForSelector("text=10.3 GB graphics memory"),
  "card-full": because("Close programs that use it"),
  "card-without-cuda": because("Install a build of Wick with CUDA"),
  "card-old-driver": because("Install a newer driver"),
  "card-without-driver": because("Install its maker's own driver"),
};

const scenarios = new Set([
  "card-unmeasured",
  "card-first-run",
  "card-full",
  "card-without-cuda",
  "card-old-driver",
  "card-without-driver",
]);
const queryOf = (name) =>
  `?speed=0&scenario=${scenarios.has(name) ? name : "card"}`;

for (const [name, go] of Object.entries(views)) {
  test(`${name} is accessible in both themes and fits both sizes`, async () => {
    const page = await browser.open(queryOf(name));
    await page.emulateMedia({ reducedMotion: "reduce" });
    await go(page);
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      for (const [size, viewport] of Object.entries(sizes)) {
        await page.setViewportSize(viewport);
        await picture(page, `machine-${name}-${theme}-${size}`);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - innerWidth,
        );
        assert.ok(overflow <= 0, `${overflow} px too wide in ${size}`);
      }
      assert.deepEqual(await accessibilityProblems(page), []);
    }
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}

test("each limit of the plot has its name beside its own line", async () => {
  for (const scenario of ["card", "card-unmeasured"]) {
    for (const size of Object.values(sizes)) {
      const page = await browser.open(`?speed=0&scenario=${scenario}`, {
        size,
      });
      await openMachine(page);
      const limits = await page.$$eval(".plot g.bad", (groups) =>
        groups.map((group) => ({
          line: group.querySelector("path").getBoundingClientRect().x,
          name: group.querySelector("text").getBoundingClientRect(),
        })),
      );
      assert.equal(limits.length, 2);
      const [memory, card] = limits;
      assert.ok(
        memory.line < card.line,
        "less memory is free than on the card",
      );
      // Left of both lines, or the card's right of both: never between, where it would name the other line.
      for (const { name } of limits) {
        const isLeft = name.right < memory.line;
        assert.ok(isLeft || name.left > card.line, JSON.stringify(limits));
      }
      assert.ok(memory.name.right < memory.line, JSON.stringify(limits));
      assert.ok(memory.name.bottom <= card.name.top + 2);
      await page.context().close();
    }
  }
});
