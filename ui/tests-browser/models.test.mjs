// The Models view in a real browser: every state is accessible and fits, and each flow works under the policy.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  accessibilityProblems,
  openBrowser,
  picture,
  sizes,
} from "./browser.mjs";
import { openModels, views } from "./models-views.mjs";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

/** Controls and words that are cut off sideways, or that lie over each other. */
const untidy = (page) =>
  page.evaluate(() => {
    const problems = [];
    const shown = (element) => element.checkVisibility();
    for (const element of document.querySelectorAll(
      "button, .badge, td.number, th[scope=col]",
    )) {
      const clips = getComputedStyle(element).overflow === "hidden";
      if (
        shown(element) &&
        !clips &&
        !element.closest(".visually-hidden, [hidden]") &&
        element.scrollWidth > element.clientWidth + 1 &&
        element.clientWidth > 0
      ) {
        problems.push(`cut: ${element.textContent.trim().slice(0, 60)}`);
      }
    }
    for (const row of document.querySelectorAll(".bar, header, tr, .row")) {
      const boxes = [...row.querySelectorAll(":scope button, :scope select")]
        .filter(shown)
        .filter((one) => !one.closest("[role=menu], dialog"))
        .map((one) => ({ one, box: one.getBoundingClientRect() }));
      for (const [at, a] of boxes.entries()) {
        for (const b of boxes.slice(at + 1)) {
          const apart =
            a.box.right <= b.box.left + 1 ||
            b.box.right <= a.box.left + 1 ||
            a.box.bottom <= b.box.top + 1 ||
            b.box.bottom <= a.box.top + 1;
          if (!apart && !a.one.contains(b.one)) {
            problems.push(
              `over: ${a.one.textContent.trim()} and ${b.one.textContent.trim()}`,
            );
          }
        }
      }
    }
    return problems;
  });

for (const [name, { query, go }] of Object.entries(views)) {
  test(`${name} is accessible in both themes and neither cut nor covered in both sizes`, async () => {
    const page = await browser.open(query);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await go(page);
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      await picture(page, `${name}-${theme}`);
      assert.deepEqual(await accessibilityProblems(page), []);
    }
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      await picture(page, `${name}-${size}`);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - innerWidth,
      );
      assert.ok(overflow <= 0, `${overflow} px too wide in ${size}`);
      assert.deepEqual(await untidy(page), [], size);
    }
    assert.deepEqual(page.problems, []);
    assert.notEqual(await page.title(), "owned");
    await page.context().close();
  });
}

test("the first model can be downloaded without scrolling in the smallest usual window", async () => {
  for (const scenario of ["first-run", "empty"]) {
    const page = await browser.open(`?speed=0&scenario=${scenario}`, {
      size: sizes.small,
    });
    const buttons = page.locator(
      ".content .btn.primary, .content >> text=Start with",
    );
    await page.waitForSelector("text=Recommended");
    const edge = await page.$eval(".content", (content) => {
      const composer = document.querySelector(".composer");
      return (
        composer?.getBoundingClientRect().top ??
        content.parentElement.getBoundingClientRect().bottom
      );
    });
    for (const button of await buttons.all()) {
      const { y, height } = await button.boundingBox();
      assert.ok(y + height <= edge, `${scenario}: ${y + height} > ${edge}`);
    }
    await page.context().close();
  }
});

test("a model is found, downloaded, paused, resumed and chatted with", async () => {
  const page = await browser.open("?speed=0.15");
  await openModels(page, "Browse the Hub");
  await page.fill(
    "[aria-label='Search the Hub'] input[type=search]",
    "smollm2-360m",
  );
  await page.waitForFunction(
    () => document.querySelectorAll(".results li .name").length === 1,
  );
  await page.click(".results li .open");
  const row = page.locator("tr", { hasText: "Q4_K_M" });
  await row.getByText("Fits well").waitFor();
  await row.getByRole("button", { name: /^Download/ }).click();
  await row.getByRole("button", { name: /^Pause/ }).click();
  await row.getByText(/^Paused/).waitFor();
  await page.click("nav >> text=Chat");
  await page.click("#rail-downloads");
  await page.click("[aria-label^='Resume']");
  await page.waitForSelector("text=is ready.");
  await page.click("text=Chat with it");
  await page.waitForSelector("[aria-label*='SmolLM2 360M']");
  assert.deepEqual(page.problems, []);
});

test("the end of the list brings more, until that is all", async () => {
  const page = await browser.open("?speed=0");
  await openModels(page, "Browse the Hub");
  await page.waitForSelector(".results li .name");
  const count = () => page.locator(".results li .name").count();
  const first = await count();
  const scroll = page.locator(".results .scroll");
  for (
    let at = 0;
    at < 10 && !(await page.isVisible("text=That is all"));
    at++
  ) {
    await scroll.evaluate((element) => element.scrollTo(0, 1e6));
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  await page.waitForSelector("text=That is all");
  assert.ok((await count()) > first + 20);
});

test("headers are read only of files that come into view", async () => {
  const page = await browser.open("?speed=0", { size: sizes.small });
  await openModels(page, "Browse the Hub");
  await page.click("text=Qwen3-8B-GGUF");
  await page.waitForSelector(".page .badge.good");
  const last = page.locator(".page .frame tbody tr").last();
  assert.match(await last.textContent(), /Not looked at yet/);
  await last.scrollIntoViewIfNeeded();
  await last.getByText(/Too large|Fits well|Tight/).waitFor();
});

test("the keyboard alone finds and opens a model, and comes back", async () => {
  const page = await browser.open("?speed=0", { size: sizes.small });
  await page.focus("nav >> text=Models");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  while (!(await page.evaluate(() => document.activeElement.role === "tab"))) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowRight");
  await page.waitForSelector(".results li .name");
  await page.focus(".results li .open");
  const name = await page.textContent(".results li .name");
  await page.keyboard.press("Enter");
  await page.waitForSelector(`.page h2 >> text=${name}`);
  await page.keyboard.press("Escape");
  await page.waitForSelector(".page", { state: "detached" });
  const focused = await page.evaluate(
    () =>
      document.activeElement.closest("li")?.querySelector(".name").textContent,
  );
  assert.equal(focused, name);
});

test("a menu at the end of the list opens upwards", async () => {
  const page = await browser.open("?speed=0&scenario=many");
  await views["models-installed-last-menu"].go(page);
  const { y, height } = await page.locator("[role=menu]").boundingBox();
  assert.ok(y >= 0 && y + height <= sizes.usual.height);
});

test("Esc in a dialog closes it and gives the focus back", async () => {
  const page = await browser.open("?speed=0");
  await views["models-too-large"].go(page);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.match(
    await page.evaluate(() => document.activeElement.textContent),
    /Download anyway/,
  );
});

test("reading the files of other programs can be stopped", async () => {
  const page = await browser.open("?speed=3");
  await openModels(page, "Installed");
  await page.click("[aria-label='Import a model']");
  await page.click("text=Use models of other programs");
  await page.check("dialog input >> nth=0");
  await page.click("dialog >> text=Use 1 model");
  await page.waitForSelector("dialog progress");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog progress", { state: "detached" });
  await page.waitForSelector("dialog >> text=Use 1 model");
});
