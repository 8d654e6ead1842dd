import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import AppView from "../App.svelte";
import { createFakeBackend, type Scenario } from "../ipc/fake";

async function open(tab: string, scenario: Scenario = "usual") {
  const backend = createFakeBackend({ scenario, speed: 0 });
  const user = userEvent.setup();
  render(AppView, { backend });
  await user.click(await screen.findByRole("button", { name: "Models" }));
  await user.click(await screen.findByRole("tab", { name: new RegExp(tab) }));
  return { backend, user };
}

const row = (name: string | RegExp) =>
  screen.findByRole("row", { name }) as Promise<HTMLElement>;

async function choose(
  user: ReturnType<typeof userEvent.setup>,
  model: string,
  item: string,
) {
  await user.click(
    await screen.findByRole("button", { name: `Options for ${model}` }),
  );
  await user.click(await screen.findByRole("menuitem", { name: item }));
}

it("walks the tabs with the arrow keys", async () => {
  const { user } = await open("For this machine");
  const tabs = screen.getAllByRole("tab");
  expect(tabs.map((tab) => tab.getAttribute("tabindex"))).toEqual([
    "0",
    "-1",
    "-1",
    "-1",
  ]);
  tabs[0]?.focus();
  await user.keyboard("{ArrowRight}");
  expect(tabs[1]?.getAttribute("aria-selected")).toBe("true");
  expect(document.activeElement).toBe(tabs[1]);
  await user.keyboard("{End}");
  expect(tabs[3]?.getAttribute("aria-selected")).toBe("true");
  await user.keyboard("{ArrowRight}");
  expect(tabs[0]?.getAttribute("aria-selected")).toBe("true");
  expect(screen.getByRole("tabpanel").getAttribute("aria-labelledby")).toBe(
    tabs[0]?.id,
  );
});

it("downloads a model at the level that is chosen", async () => {
  const { user, backend } = await open("For this machine");
  const start = vi.spyOn(backend.downloads, "start");
  const select = await screen.findByRole("combobox", {
    name: "Quantization of Gemma 3 4B",
  });
  await user.selectOptions(select, "Q8_0");
  await user.click(
    await screen.findByRole("button", { name: /^Download Gemma 3 4B Q8_0/ }),
  );
  expect(start.mock.calls[0]?.[0].file).toBe("gemma-3-4b-it-Q8_0.gguf");
  expect(
    await screen.findByRole("button", { name: "Chat with Gemma 3 4B Q8_0" }),
  ).toBeTruthy();
});

it("asks before it downloads what does not fit", async () => {
  const { user, backend } = await open("For this machine");
  const start = vi.spyOn(backend.downloads, "start");
  const ask = async () => {
    await user.click(
      await screen.findByRole("button", {
        name: "Download anyway: Gemma 3 27B Q4_K_M",
      }),
    );
    return screen.findByRole("dialog");
  };
  const first = await ask();
  expect(first.textContent).toContain("8.0 GB more memory than is free");
  await user.click(
    within(first).getByRole("button", { name: "Do not download" }),
  );
  expect(start).not.toHaveBeenCalled();
  const second = await ask();
  await user.click(
    within(second).getByRole("button", { name: "Download anyway" }),
  );
  await waitFor(() => expect(start).toHaveBeenCalledOnce());
});

it("searches the Hub by words and by what narrows it", async () => {
  const { user, backend } = await open("Browse the Hub");
  const search = vi.spyOn(backend.hub, "search");
  await screen.findByText("Qwen3-8B-GGUF");
  await user.type(
    screen.getByRole("searchbox", { name: "Search the Hub" }),
    "smollm2",
  );
  await waitFor(() => expect(screen.queryByText("Qwen3-8B-GGUF")).toBeNull());
  const words = new Set(search.mock.calls.map(([query]) => query.search));
  expect([...words].filter((word) => word !== "")).toEqual(["smollm2"]);
  await user.selectOptions(
    screen.getByRole("combobox", { name: "Class" }),
    "small",
  );
  await waitFor(() =>
    expect(screen.queryByText("SmolLM2-135M-Instruct-GGUF")).toBeNull(),
  );
  expect(screen.getByText("SmolLM2-1.7B-Instruct-GGUF")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Clear filters" }));
  expect(await screen.findByText("SmolLM2-135M-Instruct-GGUF")).toBeTruthy();
});

it("reads a file's header, says why one will not run and offers no download of it", async () => {
  const { user, backend } = await open("Browse the Hub");
  const start = vi.spyOn(backend.downloads, "start");
  await user.click(await screen.findByText("Qwen3-4B-UD-GGUF"));
  const bad = await row(/^Q3_K_M/);
  await waitFor(() => expect(bad.textContent).toContain("IQ4_XS"));
  expect(within(bad).queryByRole("button")).toBeNull();
  const good = await row(/^Q4_K_M/);
  await within(good).findByText("Fits well");
  await user.click(within(good).getByRole("button", { name: /^Download/ }));
  await waitFor(() =>
    expect(start.mock.calls[0]?.[0]).toEqual({
      repository: "unsloth/Qwen3-4B-UD-GGUF",
      revision: "7c41481f57cb95916b40956ab2f0b139b296d974",
      file: "Qwen3-4B-UD-Q4_K_M.gguf",
    }),
  );
});

it("says what to do about a gated model, and leads there", async () => {
  const { user, backend } = await open("Browse the Hub");
  const openLink = vi.spyOn(backend.app, "openLink");
  const search = screen.getByRole("searchbox", { name: "Search the Hub" });
  await user.type(search, "meta-llama/");
  await waitFor(() =>
    expect(screen.getAllByText("Llama-3.2-3B-Instruct-GGUF")).toHaveLength(1),
  );
  await user.click(screen.getByText("Llama-3.2-3B-Instruct-GGUF"));
  await user.click(
    await screen.findByRole("button", { name: "Accept on its page" }),
  );
  expect(openLink).toHaveBeenCalledWith(
    "https://huggingface.co/meta-llama/Llama-3.2-3B-Instruct-GGUF",
  );
  const closed = await row(/^Q4_K_M/);
  await within(closed).findByText("Needs access");
  expect(
    within(closed).queryByRole("button", { name: /^Download/ }),
  ).toBeNull();
  await user.click(
    screen.getByRole("button", { name: "Give an access token" }),
  );
  expect(await screen.findByText("Access token")).toBeTruthy();
});

it("shows a hostile card as text", async () => {
  const { user } = await open("Browse the Hub");
  const search = screen.getByRole("searchbox", { name: "Search the Hub" });
  await user.type(search, "evil/");
  await user.click(await screen.findByText(/^<img src=x/, { exact: false }));
  const card = await screen.findByText(/document\.title = "owned"/);
  expect(card.closest(".markdown")?.querySelector("img, script")).toBeNull();
});

it("says that it is offline and shows what it knows", async () => {
  await open("Browse the Hub", "offline");
  expect(await screen.findByText("You are offline")).toBeTruthy();
  expect(await screen.findByText("Qwen3-4B-GGUF")).toBeTruthy();
});

it("compares models of all three places", async () => {
  const { user } = await open("Browse the Hub");
  await user.click(
    await screen.findByRole("button", { name: "Compare gpt-oss-20b-GGUF" }),
  );
  await user.click(screen.getByRole("tab", { name: /Compare/ }));
  const add = await screen.findByRole("combobox", { name: "Add a model" });
  await user.selectOptions(add, "Qwen3 4B Q4_K_M");
  await user.selectOptions(add, "Gemma 3 12B");
  const table = await screen.findByRole("table");
  await within(table).findByText(/gpt-oss yet|It is gpt-oss/);
  expect(table.textContent).toContain("13.7 tokens/s");
  expect(within(table).getByText("Google")).toBeTruthy();
  await user.click(
    within(table).getByRole("button", { name: "Remove Gemma 3 12B" }),
  );
  expect(within(table).queryByText("Google")).toBeNull();
});

it("deletes a model, takes it back, and keeps it at hand until the end", async () => {
  const { user, backend } = await open("Installed");
  const restore = vi.spyOn(backend.models, "restore");
  await choose(user, "Qwen3 4B", "Delete");
  await user.click(await screen.findByRole("button", { name: "Undo" }));
  expect(
    await screen.findByRole("button", { name: "Chat with Qwen3 4B" }),
  ).toBeTruthy();
  expect(restore).toHaveBeenCalledWith("b2");
  await choose(user, "Gemma 3 4B it", "Take out of the library");
  expect(await screen.findByText(/its file stays where it is/)).toBeTruthy();
  await user.click(
    await screen.findByRole("button", { name: "Restore Gemma 3 4B it" }),
  );
  expect(
    await screen.findByRole("button", { name: "Chat with Gemma 3 4B it" }),
  ).toBeTruthy();
});

it("verifies a file and tells what it found", async () => {
  const { user } = await open("Installed");
  await choose(user, "Qwen3 4B", "Verify the file");
  expect(await screen.findByText(/every byte is as it was/)).toBeTruthy();
  await choose(user, "Gemma 3 4B it", "Verify the file");
  expect(await screen.findByText("Gemma 3 4B it is damaged")).toBeTruthy();
});

it("downloads the newer file from where the old one came", async () => {
  const { user, backend } = await open("Installed");
  const start = vi.spyOn(backend.downloads, "start");
  await choose(user, "Qwen3 4B", "Download the newer file");
  expect(start).toHaveBeenCalledWith({
    repository: "Qwen/Qwen3-4B-GGUF",
    revision: "bc640142c66e1fdd12af0bd68f40445458f3869b",
    file: "Qwen3-4B-Q4_K_M.gguf",
  });
});

it("moves the folder of models", async () => {
  const { user } = await open("Installed");
  await user.click(await screen.findByRole("button", { name: "Move…" }));
  expect(await screen.findByText(/The models now lie in/)).toBeTruthy();
  expect(screen.getByTitle("/media/ada/Big disk/Wick models")).toBeTruthy();
});

it("says what is wrong with the folder of models", async () => {
  await open("Installed", "folder-missing");
  expect(
    await screen.findByText("The models folder is not there"),
  ).toBeTruthy();
});

it("adopts what other programs keep, but not what will not run", async () => {
  const { user, backend } = await open("Installed");
  const adopt = vi.spyOn(backend.models, "adopt");
  await user.click(screen.getByRole("button", { name: "Import a model" }));
  await user.click(
    await screen.findByRole("menuitem", { name: /Use models of other/ }),
  );
  const dialog = await screen.findByRole("dialog");
  const unusable = await within(dialog).findByRole("checkbox", {
    name: /gpt-oss-20b/,
  });
  expect((unusable as HTMLInputElement).disabled).toBe(true);
  await user.click(within(dialog).getByRole("checkbox", { name: /qwen3:8b/ }));
  await user.click(
    within(dialog).getByRole("button", { name: /^Use 1 model/ }),
  );
  expect(
    await screen.findByRole("button", { name: "Chat with qwen3:8b" }),
  ).toBeTruthy();
  expect(adopt.mock.calls[0]?.[0]).toEqual(["3"]);
});

it("imports in place as well as by copy", async () => {
  const { user, backend } = await open("Installed");
  const imported = vi.spyOn(backend.models, "import");
  await user.click(screen.getByRole("button", { name: "Import a model" }));
  await user.click(
    await screen.findByRole("menuitem", { name: /Use a folder where it is/ }),
  );
  await screen.findByText("SmolLM2 135M Instruct is ready to use.");
  expect(imported.mock.calls[0]?.slice(0, 2)).toEqual(["in_place", "folder"]);
});
