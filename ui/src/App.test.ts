import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import AppView from "./App.svelte";
import { createFakeBackend, type Scenario } from "./ipc/fake";

beforeEach(() => {
  document.documentElement.dataset.theme = "light";
});

async function open(scenario: Scenario = "usual") {
  const backend = createFakeBackend({ scenario, speed: 0 });
  const user = userEvent.setup();
  render(AppView, { backend });
  await waitFor(() => expect(screen.queryByText("Opening Wick…")).toBeNull());
  return { backend, user };
}

const field = () => screen.findByRole("textbox", { name: "Message" });

it("sends a message and shows what the reply cost", async () => {
  const { user } = await open();
  await user.type(await field(), "Why does wax melt?{Enter}");
  expect(await screen.findByText("Why does wax melt?")).toBeTruthy();
  await waitFor(() => {
    expect(screen.getAllByText("38.4 tokens/s")).toHaveLength(2);
  });
});

it("breaks the line with Shift and Enter", async () => {
  const { user, backend } = await open();
  const send = vi.spyOn(backend.chat, "send");
  const input = (await field()) as HTMLTextAreaElement;
  await user.type(input, "one{Shift>}{Enter}{/Shift}two");
  expect(input.value).toBe("one\ntwo");
  expect(send).not.toHaveBeenCalled();
});

it("will not send a blank message", async () => {
  await open();
  await field();
  const send = screen.getByRole("button", { name: /^Send/ });
  expect((send as HTMLButtonElement).disabled).toBe(true);
});

it("offers to try again after a crash and keeps the partial reply", async () => {
  const { user } = await open();
  await user.type(await field(), "Please /crash{Enter}");
  const notice = await screen.findByRole("alert");
  expect(notice.textContent).toContain("The engine stopped unexpectedly");
  await user.click(within(notice).getByRole("button", { name: "Try again" }));
  await waitFor(() => {
    expect(screen.queryByText("The engine stopped unexpectedly")).toBeNull();
  });
});

it("explains the first run and imports a model", async () => {
  const { user } = await open("first-run");
  await user.click(
    await screen.findByRole("button", { name: "Import a GGUF file…" }),
  );
  expect(
    await screen.findByText("SmolLM2 135M Instruct is ready to use."),
  ).toBeTruthy();
  expect(await screen.findByText("What is on your mind?")).toBeTruthy();
});

it("downloads the recommended model with one button and is ready with it", async () => {
  const { user, backend } = await open("first-run");
  const start = vi.spyOn(backend.downloads, "start");
  await user.click(
    await screen.findByRole("button", { name: /^Download 5.0 GB: Qwen3 8B/ }),
  );
  expect(start).toHaveBeenCalledWith({
    repository: "Qwen/Qwen3-8B-GGUF",
    revision: null,
    file: "Qwen3-8B-Q4_K_M.gguf",
  });
  expect(await screen.findByText("Qwen3 8B is ready.")).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Chat with it" }));
  expect(
    await screen.findByRole("button", { name: /^Model: Qwen3 8B/ }),
  ).toBeTruthy();
});

it("starts with the model that is there already", async () => {
  const { user } = await open("empty");
  await screen.findByText("Recommended");
  await user.click(screen.getByRole("button", { name: /^Start with SmolLM2/ }));
  expect(await screen.findByText("What is on your mind?")).toBeTruthy();
  await waitFor(() => {
    expect(document.activeElement?.getAttribute("aria-label")).toBe("Message");
  });
});

it("measures in the welcome, and lets that be stopped", async () => {
  const { user, backend } = await open("first-run");
  const cancel = vi.spyOn(backend.hardware, "cancelCalibration");
  const inspected = vi.spyOn(backend.hardware, "calibrate");
  inspected.mockImplementation(async (onProgress) => {
    onProgress(0.5);
    await new Promise<void>((resolve) =>
      cancel.mockImplementation(async () => resolve()),
    );
    throw { code: "cancelled", message: "cancelled" };
  });
  await user.click(await screen.findByRole("button", { name: "Measure" }));
  expect((await screen.findByRole("progressbar")).getAttribute("value")).toBe(
    "0.5",
  );
  await user.click(screen.getByRole("button", { name: "Cancel" }));
  expect(await screen.findByText("The measurement was stopped")).toBeTruthy();
});

it("says that the starter model is being imported", async () => {
  const { backend } = await open("starter");
  const start = vi.spyOn(backend.app, "start");
  expect(await screen.findByText(/starter model is being put/)).toBeTruthy();
  expect(start).not.toHaveBeenCalled();
});

it("sets storage of a newer version aside only when asked", async () => {
  const { user } = await open("newer-storage");
  await screen.findByText("Your chats belong to a newer Wick");
  await user.click(screen.getByRole("button", { name: /Set it aside/ }));
  expect(await screen.findByText(/wick\.newer-2026-11-24\.db/)).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Start fresh" }));
  expect(await field()).toBeTruthy();
});

it("deletes a chat and takes it back", async () => {
  const { user } = await open();
  const chat = await screen.findByRole("button", {
    name: "Regex for ISO dates",
  });
  chat.focus();
  await user.keyboard("{Delete}");
  await user.click(await screen.findByRole("button", { name: "Undo" }));
  expect(
    await screen.findByRole("button", { name: "Regex for ISO dates" }),
  ).toBeTruthy();
});

it("renames a chat in place", async () => {
  const { user, backend } = await open();
  const rename = vi.spyOn(backend.chat, "rename");
  const chat = await screen.findByRole("button", {
    name: "Regex for ISO dates",
  });
  chat.focus();
  await user.keyboard("{F2}");
  const title = await screen.findByRole("textbox", { name: "Chat title" });
  await user.clear(title);
  await user.type(title, "Dates{Enter}");
  await waitFor(() => expect(rename).toHaveBeenCalledWith(4, "Dates"));
});

it("explains a setting that is out of range and does not save it", async () => {
  const { user, backend } = await open();
  const update = vi.spyOn(backend.settings, "update");
  await user.click(screen.getByRole("button", { name: "Settings" }));
  const temperature = await screen.findByRole("textbox", {
    name: "Temperature",
  });
  await user.clear(temperature);
  await user.type(temperature, "3");
  expect(await screen.findByText("Choose a value from 0 to 2.")).toBeTruthy();
  expect(update).not.toHaveBeenCalled();
});

it("follows the chosen theme", async () => {
  const { user } = await open();
  await user.click(screen.getByRole("button", { name: "Settings" }));
  await user.click(await screen.findByRole("radio", { name: "Dark" }));
  expect(document.documentElement.dataset.theme).toBe("dark");
});

it("opens a link through the backend and never navigates", async () => {
  const { user, backend } = await open();
  const openLink = vi.spyOn(backend.app, "openLink");
  await user.click(
    await screen.findByRole("button", { name: "Packing list for Norrland" }),
  );
  const link = await screen.findByText("SMHI");
  await user.click(link);
  expect(openLink).toHaveBeenCalledWith("https://www.smhi.se/");
});

it("folds thoughts away, reads none aloud and copies the answer only", async () => {
  const { user } = await open();
  const copy = vi.spyOn(navigator.clipboard, "writeText");
  await user.type(await field(), "/think about wax{Enter}");
  const button = await screen.findByRole("button", { name: /^Thought for/ });
  await screen.findByText(/Reply finished/);
  expect(button.getAttribute("aria-expanded")).toBe("false");
  const panel = document.getElementById(
    button.getAttribute("aria-controls") ?? "",
  );
  expect(panel?.textContent?.trim()).toBe("");
  for (const status of screen.getAllByRole("status")) {
    expect(status.textContent).not.toContain("sixteen");
  }
  button.focus();
  await user.keyboard("{Enter}");
  expect(button.getAttribute("aria-expanded")).toBe("true");
  expect(panel?.textContent).toContain("sixteen hours");
  const copies = screen.getAllByRole("button", { name: "Copy" });
  await user.click(copies.at(-1) as HTMLElement);
  expect(copy).toHaveBeenCalledOnce();
  expect(copy.mock.calls[0]?.[0]).toMatch(/^A candle burns its/);
});

it("shows the thoughts of a chat that is opened again", async () => {
  const { user } = await open();
  await user.click(
    await screen.findByRole("button", { name: "Candles for a long night" }),
  );
  await screen.findByRole("button", { name: "Thought process" });
  expect(screen.getByText("12 of 20 guesses right")).toBeTruthy();
  expect(screen.getByText("1,204 of 1,612 read before")).toBeTruthy();
});

it("saves how the KV cache is kept", async () => {
  const { user, backend } = await open();
  const update = vi.spyOn(backend.settings, "update");
  await user.click(screen.getByRole("button", { name: "Settings" }));
  const select = await screen.findByRole("combobox", { name: "KV cache" });
  expect((select as HTMLSelectElement).value).toBe("f16");
  await user.selectOptions(select, "q8_0");
  await waitFor(() => {
    expect(update).toHaveBeenCalledWith({ cacheType: "q8_0" });
  });
});
