// A headless Chromium with the interface on its scripted backend.
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./serve.mjs";

const axeSource = await readFile(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

const artifacts = fileURLToPath(
  new URL("../../e2e/artifacts/", import.meta.url),
);

export const sizes = {
  usual: { width: 1180, height: 760 },
  small: { width: 900, height: 600 },
};

/** Opens the browser; `close` ends it and the server. */
export async function openBrowser() {
  mkdirSync(artifacts, { recursive: true });
  const server = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  return {
    /** A fresh page; what the policy blocked and what was thrown is in `page.problems`. */
    async open(query = "", { size = sizes.usual, theme = "light" } = {}) {
      const context = await browser.newContext({
        viewport: size,
        colorScheme: theme,
        bypassCSP: false,
      });
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      // As the window has it (freezePrototype): what assigns to inherited names fails here too.
      await context.addInitScript(() => Object.freeze(Object.prototype));
      const page = await context.newPage();
      page.problems = [];
      page.on("pageerror", (error) => page.problems.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") {
          page.problems.push(message.text());
        }
      });
      page.setDefaultTimeout(60_000);
      await page.goto(server.address + query);
      await page.waitForSelector("main:not(.opening)");
      return page;
    },
    async close() {
      await browser.close();
      server.stop();
    },
  };
}

/** What axe finds fault with. */
export async function accessibilityProblems(page) {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document);
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message}`)
          .join(" | ")}`,
    );
  });
}

/** Saves what the page looks like for people to see. */
export async function picture(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${artifacts}ui-${name}.png` });
}
