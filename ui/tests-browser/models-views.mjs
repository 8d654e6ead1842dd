// Every state of the Models view worth a look, and the way there.

export async function openModels(page, tab = "For this machine") {
  await page.click("nav >> text=Models");
  await page.getByRole("tab", { name: tab }).click();
}

async function openHub(page) {
  await openModels(page, "Browse the Hub");
  await page.waitForSelector(".results li .name");
}

async function openModel(page, name) {
  await openHub(page);
  await page.fill("[aria-label='Search the Hub'] input[type=search]", name);
  await page.waitForFunction(
    () => document.querySelectorAll(".results li .name").length < 6,
  );
  await page.click(".results li .open");
  await page.waitForSelector(".page h2");
}

async function checked(page) {
  await page.waitForSelector(".page tbody .failed, .page tbody .badge.good");
  await page.waitForFunction(
    () =>
      !document
        .querySelector(".page")
        .textContent.includes("Reading the header"),
  );
}

async function openLibrary(page) {
  await openModels(page, "Installed");
  await page.waitForSelector("tbody tr, .empty");
}

async function compare(page, names) {
  await openModels(page, "Compare");
  const picker = page.getByRole("combobox", { name: "Add a model" });
  for (const name of names) {
    await picker.selectOption({ label: name });
  }
}

const HOSTILE = "evil/";

export const views = {
  "models-machine": {
    query: "?speed=0",
    go: async (page) => {
      await openModels(page);
      await page.waitForSelector(".hero");
    },
  },
  "models-machine-lower": {
    query: "?speed=0",
    go: async (page) => {
      await openModels(page);
      await page.waitForSelector(".hero");
      await page.locator("tbody tr").last().scrollIntoViewIfNeeded();
    },
  },
  "models-machine-downloading": {
    query: "?speed=0&scenario=downloads",
    go: async (page) => {
      await openModels(page);
      await page.locator("th >> text=Phi-4").first().scrollIntoViewIfNeeded();
    },
  },
  "models-machine-unmeasured": {
    query: "?speed=0&scenario=unmeasured",
    go: async (page) => {
      await openModels(page);
      await page.waitForSelector(".hero");
    },
  },
  "models-machine-container": {
    query: "?speed=0&scenario=container",
    go: async (page) => {
      await openModels(page);
      await page.waitForSelector("tbody tr");
    },
  },
  "models-machine-no-match": {
    query: "?speed=0",
    go: async (page) => {
      await openModels(page);
      await page.fill("[aria-label='Find a model']", "<b>no such model</b>");
      await page.waitForSelector("text=Search the Hub for it");
    },
  },
  "models-too-large": {
    query: "?speed=0",
    go: async (page) => {
      await openModels(page);
      await page.locator("text=Download anyway").first().click();
      await page.waitForSelector("dialog");
    },
  },
  "models-hub": { query: "?speed=0", go: openHub },
  "models-hub-filtered": {
    query: "?speed=0",
    go: async (page) => {
      await openHub(page);
      await page.getByRole("combobox", { name: "Class" }).selectOption("small");
      await page.getByRole("combobox", { name: "Licence" }).selectOption("mit");
      await page.waitForSelector("text=Clear filters");
      await page.waitForSelector("text=That is all");
    },
  },
  "models-hub-loading": {
    query: "?speed=400",
    go: async (page) => {
      await openModels(page, "Browse the Hub");
      await page.waitForSelector(".ghost");
    },
  },
  "models-hub-nothing": {
    query: "?speed=0",
    go: async (page) => {
      await openHub(page);
      await page.fill(
        "[aria-label='Search the Hub'] input[type=search]",
        "zzzz",
      );
      await page.waitForSelector("text=No model matches");
    },
  },
  "models-hub-failed": {
    query: "?speed=0&scenario=hub-failed",
    go: async (page) => {
      await openModels(page, "Browse the Hub");
      await page.waitForSelector("text=The Hub could not be asked");
    },
  },
  "models-hub-offline": {
    query: "?speed=0&scenario=offline",
    go: async (page) => {
      await openHub(page);
      await page.waitForSelector("text=You are offline");
    },
  },
  "models-page": {
    query: "?speed=0",
    go: async (page) => {
      await openModel(page, "qwen3-4b-gguf");
      await checked(page);
    },
  },
  "models-page-card": {
    query: "?speed=0",
    go: async (page) => {
      await openModel(page, "qwen3-4b-gguf");
      await checked(page);
      await page
        .locator("#card-title")
        .evaluate((title) => title.scrollIntoView());
    },
  },
  "models-page-gated": {
    query: "?speed=0",
    go: async (page) => {
      await openModel(page, "meta-llama/");
      await checked(page);
    },
  },
  "models-page-unsupported": {
    query: "?speed=0",
    go: (page) => openModel(page, "gpt-oss"),
  },
  "models-page-hostile": {
    query: "?speed=0",
    go: (page) => openModel(page, HOSTILE),
  },
  "models-page-long": {
    query: "?speed=0",
    go: async (page) => {
      await openModel(page, "merge-of-merges");
      await checked(page);
    },
  },
  "models-page-offline": {
    query: "?speed=0&scenario=offline",
    go: async (page) => {
      await openModel(page, "qwen3-4b-gguf");
      await checked(page);
    },
  },
  "models-page-downloading": {
    query: "?speed=0&scenario=downloads",
    go: async (page) => {
      await openModel(page, "qwen3-4b-gguf");
      await checked(page);
    },
  },
  "models-compare": {
    query: "?speed=0",
    go: async (page) => {
      await openHub(page);
      await compare(page, [
        "Qwen3 4B Q4_K_M",
        "Gemma 3 12B",
        "bartowski/Llama-3.2-3B-Instruct-GGUF",
        "ggml-org/gpt-oss-20b-GGUF",
      ]);
      await page.waitForFunction(
        () => !document.querySelector("table").textContent.includes("Reading"),
      );
    },
  },
  "models-compare-empty": {
    query: "?speed=0",
    go: (page) => openModels(page, "Compare"),
  },
  "models-installed": { query: "?speed=0", go: openLibrary },
  "models-installed-menu": {
    query: "?speed=0",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Options for Qwen3 4B']");
      await page.waitForSelector("[role=menu]");
    },
  },
  "models-installed-last-menu": {
    query: "?speed=0&scenario=many",
    go: async (page) => {
      await openLibrary(page);
      await page.locator("[aria-label='Options for Model number 47']").click();
      await page.waitForSelector("[role=menu]");
    },
  },
  "models-installed-verified": {
    query: "?speed=0",
    go: async (page) => {
      await openLibrary(page);
      for (const name of ["Qwen3 4B", "Gemma 3 4B it"]) {
        await page.click(`[aria-label='Options for ${name}']`);
        await page.click("text=Verify the file");
        await page.waitForSelector("text=/whole|damaged/");
      }
      await page.waitForSelector("text=is damaged");
    },
  },
  "models-installed-verifying": {
    query: "?speed=20",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Options for Qwen3 4B']");
      await page.click("text=Verify the file");
      await page.waitForSelector("text=Verifying");
    },
  },
  "models-installed-deleted": {
    query: "?speed=0",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Options for Qwen3 4B']");
      await page.getByRole("menuitem", { name: "Delete" }).click();
      await page.waitForSelector("text=Deleted since Wick started");
    },
  },
  "models-installed-many": { query: "?speed=0&scenario=many", go: openLibrary },
  "models-installed-nothing": {
    query: "?speed=0&scenario=first-run",
    go: openLibrary,
  },
  "models-folder-missing": {
    query: "?speed=0&scenario=folder-missing",
    go: openLibrary,
  },
  "models-folder-read-only": {
    query: "?speed=0&scenario=folder-read-only",
    go: openLibrary,
  },
  "models-folder-moving": {
    query: "?speed=20",
    go: async (page) => {
      await openLibrary(page);
      await page.click("text=Move…");
      await page.waitForSelector("text=Moving the models");
    },
  },
  "models-import-menu": {
    query: "?speed=0",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Import a model']");
      await page.waitForSelector("[role=menu]");
    },
  },
  "models-importing": {
    query: "?speed=20",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Import a model']");
      await page.click("text=Use a file where it is");
      await page.waitForSelector("text=Reading a model");
    },
  },
  "models-adopt": {
    query: "?speed=0",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Import a model']");
      await page.click("text=Use models of other programs");
      await page.waitForSelector("dialog fieldset");
      await page.check("dialog input >> nth=0");
    },
  },
  "models-adopt-nothing": {
    query: "?speed=0&scenario=nothing-to-adopt",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Import a model']");
      await page.click("text=Use models of other programs");
      await page.waitForSelector("text=No models of other programs");
    },
  },
  "models-adopt-looking": {
    query: "?speed=40",
    go: async (page) => {
      await openLibrary(page);
      await page.click("[aria-label='Import a model']");
      await page.click("text=Use models of other programs");
      await page.waitForSelector("dialog progress");
    },
  },
  "models-downloads": {
    query: "?speed=0&scenario=downloads",
    go: async (page) => {
      await page.click("#rail-downloads");
      await page.waitForSelector("text=Clear finished");
    },
  },
  "models-drop": {
    query: "?speed=0&scenario=dropping",
    go: (page) => page.waitForSelector("text=Drop to import"),
  },
  "settings-hub": {
    query: "?speed=0",
    go: async (page) => {
      await page.click("text=Settings");
      await page
        .getByRole("combobox", { name: "Proxy" })
        .selectOption("custom");
      await page.fill("input[type=password]", "hf_abc");
      await page.click("#hub >> text=Save");
      await page.waitForSelector("text=One is kept");
      await page.locator("#hub").evaluate((hub) => {
        const scroll = hub.closest(".scroll");
        scroll.scrollTop +=
          hub.getBoundingClientRect().top - scroll.getBoundingClientRect().top;
      });
    },
  },
};
