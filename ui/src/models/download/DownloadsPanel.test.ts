import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import AppView from "../../App.svelte";
import { createFakeBackend, type Scenario } from "../../ipc/fake";

async function open(scenario: Scenario = "downloads") {
  const backend = createFakeBackend({ scenario, speed: 0 });
  const user = userEvent.setup();
  render(AppView, { backend });
  await user.click(
    await screen.findByRole("button", { name: /downloads, 6%/ }),
  );
  const panel = await screen.findByRole("region", { name: "Downloads" });
  return { backend, user, panel };
}

it("tells how each download stands", async () => {
  const { panel } = await open();
  expect(panel.textContent).toContain("1.8 GB of 2.9 GB · 22.0 MB/s");
  expect(panel.textContent).toMatch(/slow down. Tries again in 4\d s/);
  expect(panel.textContent).toContain("the download started afresh");
  expect(panel.textContent).toContain("In your library");
});

it("pauses, resumes, tries again and reorders", async () => {
  const { backend, user, panel } = await open();
  const press = (name: string) =>
    user.click(within(panel).getByRole("button", { name }));
  const pause = vi.spyOn(backend.downloads, "pause");
  const resume = vi.spyOn(backend.downloads, "resume");
  const move = vi.spyOn(backend.downloads, "move");
  await press("Pause: Phi-4-mini-instruct-Q5_K_M.gguf");
  expect(pause).toHaveBeenCalledWith(1);
  await press("Resume: Qwen3-1.7B-Q8_0.gguf");
  await press("Try again: Qwen3-4B-Q6_K.gguf");
  expect(resume.mock.calls).toEqual([[3], [4]]);
  await press("Earlier: gemma-3-12b-it-Q4_K_M.gguf");
  expect(move).toHaveBeenCalledWith(5, 3);
});

it("asks before it throws away what took long to fetch", async () => {
  const { backend, user, panel } = await open();
  const cancel = vi.spyOn(backend.downloads, "cancel");
  const name = "Cancel: Phi-4-mini-instruct-Q5_K_M.gguf";
  await user.click(within(panel).getByRole("button", { name }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByRole("button", { name: "Keep it" }));
  expect(cancel).not.toHaveBeenCalled();
  await user.click(
    within(panel).getByRole("button", {
      name: "Cancel: gemma-3-12b-it-Q4_K_M.gguf",
    }),
  );
  expect(cancel).toHaveBeenCalledWith(5);
});

it("takes a limit in megabytes, and explains a wrong one", async () => {
  const { backend, user, panel } = await open();
  const update = vi.spyOn(backend.settings, "update");
  const field = within(panel).getByRole("textbox", { name: "Limit" });
  await user.type(field, "0");
  expect(panel.textContent).toContain("Write a number above 0");
  await user.clear(field);
  await user.type(field, "2.5");
  await waitFor(() =>
    expect(update).toHaveBeenCalledWith({
      downloadLimitBytesPerSecond: 2_500_000,
    }),
  );
});

it("closes with Esc and gives the focus back", async () => {
  const { user } = await open();
  await user.keyboard("{Escape}");
  await waitFor(() => {
    expect(screen.queryByRole("region", { name: "Downloads" })).toBeNull();
    expect(document.activeElement?.id).toBe("rail-downloads");
  });
});
