import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import AppView from "../App.svelte";
import { createFakeBackend, type Scenario } from "../ipc/fake";

async function open(scenario: Scenario = "usual") {
  const backend = createFakeBackend({ scenario, speed: 0 });
  const user = userEvent.setup();
  render(AppView, { backend });
  await user.click(await screen.findByRole("button", { name: "Machine" }));
  await screen.findByRole("heading", { name: "Recommended for this machine" });
  return { backend, user };
}

const best = () => screen.getByText("Best choice", { selector: ".badge" });
const card = () => best().closest("li") as HTMLElement;

it("shows the machine, its verdict and a point for every place", async () => {
  await open();
  expect(screen.getByText("AMD Ryzen 7 7840U")).toBeTruthy();
  expect(screen.getByText("11.2 GB of 16.6 GB free")).toBeTruthy();
  expect(screen.getByText("read at 59.3 GB/s, measured")).toBeTruthy();
  expect(screen.getByText("Small models, 4-bit")).toBeTruthy();
  const points = within(screen.getByRole("listbox")).getAllByRole("option");
  expect(points.length).toBeGreaterThan(15);
});

it("says why a graphics processor cannot be used and what to do", async () => {
  const { user } = await open();
  await user.click(screen.getByRole("button", { name: "Why?" }));
  expect(screen.getByText(/Only 610 MB of its memory is free/)).toBeTruthy();
  expect(screen.getByText(/Close programs that use it/)).toBeTruthy();
});

it("tells a usable graphics processor, and its memory apart from the machine's", async () => {
  const { user } = await open("card");
  expect(screen.getByText("NVIDIA GeForce RTX 3060")).toBeTruthy();
  expect(screen.getByText("11.6 GB of its 12.9 GB free")).toBeTruthy();
  expect(screen.getByText("read at 360 GB/s, by its clock")).toBeTruthy();
  expect(card().textContent).toMatch(/10\.3 GB graphics memory ·\s+21\.7/);
  await user.click(screen.getByRole("button", { name: "Details" }));
  expect(
    screen.getByText(/11.6 GB free · compute capability 8.6 · driver 570/),
  ).toBeTruthy();
  expect(screen.getByText("Wick computes with it.")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Look again" })).toBeNull();
  const [best] = screen.getAllByRole("option", { name: /Best choice/ });
  expect(best?.getAttribute("aria-label")).toContain("graphics memory");
  await user.click(screen.getByRole("button", { name: "Show as a table" }));
  const table = screen.getByRole("table", { name: /Every model/ });
  const rows = within(table).getAllByRole("row");
  expect(rows[1]?.textContent).toMatch(/graphics/);
  expect(rows.at(-1)?.textContent).toMatch(/processor.*needs/);
});

it("knows how fast a graphics processor is before anything was measured", async () => {
  await open("card-unmeasured");
  expect(screen.getByText("Medium models, 4-bit")).toBeTruthy();
  expect(card().textContent).toContain("21.7 tokens/s");
});

for (const [scenario, why, what] of [
  ["card-full", /Only 610 MB of its memory is free/, /Close programs/],
  ["card-without-cuda", /build of Wick lacks CUDA/, /Install a build of Wick/],
  ["card-old-driver", /supports CUDA 11.4; CUDA 12.0 is/, /a newer driver/],
  ["card-without-driver", /libnvidia-ml.so.1 is missing/, /own driver/],
] as const) {
  it(`says why and what to do: ${scenario}`, async () => {
    const { user, backend } = await open(scenario);
    expect(screen.getByText("None usable")).toBeTruthy();
    expect(card().textContent).not.toContain("graphics");
    await user.click(screen.getByRole("button", { name: "Why?" }));
    expect(screen.getByText(why).textContent).toMatch(what);
    const inspect = vi.spyOn(backend.hardware, "inspect");
    await user.click(screen.getByRole("button", { name: "Look again" }));
    expect(inspect).toHaveBeenCalled();
  });
}

it("answers a change of wishes at once", async () => {
  const { user } = await open();
  expect(card().textContent).toContain("Qwen3 8B");
  await user.click(screen.getByRole("radio", { name: "Speed" }));
  await waitFor(() => expect(card().textContent).toContain("Qwen3 4B"));
  await user.selectOptions(
    screen.getByRole("combobox", { name: "Language" }),
    "sv",
  );
  await user.type(screen.getByRole("textbox", { name: "Leave free" }), "8");
  await waitFor(() => expect(card().textContent).toContain("Qwen3 1.7B"));
});

it("refuses an amount that is no number and keeps the last", async () => {
  const { user, backend } = await open();
  const field = screen.getByRole("textbox", { name: "Leave free" });
  const ask = vi.spyOn(backend.recommend, "models");
  await user.type(field, "x");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(ask).not.toHaveBeenCalled();
});

it("downloads the recommended file", async () => {
  const { user, backend } = await open();
  const start = vi.spyOn(backend.downloads, "start");
  await user.click(
    within(card()).getByRole("button", { name: /^Download 5.0 GB: Qwen3 8B/ }),
  );
  expect(start.mock.calls[0]?.[0].file).toBe("Qwen3-8B-Q4_K_M.gguf");
});

it("keeps the wishes among the settings", async () => {
  const { user, backend } = await open();
  const update = vi.spyOn(backend.settings, "update");
  await user.click(screen.getByRole("radio", { name: "Quality" }));
  await waitFor(() => {
    expect(update.mock.calls[0]?.[0].preferences?.prefer).toBe("quality");
  });
});

it("walks the plot with the arrow keys and tells each model", async () => {
  const { user } = await open();
  const list = screen.getByRole("listbox");
  const reachable = within(list)
    .getAllByRole("option")
    .filter((option) => option.getAttribute("tabindex") === "0");
  expect(reachable).toHaveLength(1);
  expect(reachable[0]?.getAttribute("aria-label")).toMatch(
    /^Qwen3 8B \+1 at Q4_K_M: 6\.5 GB, 11\.0 tokens\/s, fits well, Best choice/,
  );
  reachable[0]?.focus();
  await user.keyboard("{Home}");
  const first = within(list).getByRole("option", { selected: true });
  expect(first.getAttribute("aria-label")).toMatch(/^SmolLM2 135M/);
  expect(document.activeElement).toBe(first);
  await user.keyboard("{ArrowRight}");
  const next = within(list).getByRole("option", { selected: true });
  expect(next).not.toBe(first);
});

it("shows the plot as a table of every model", async () => {
  const { user } = await open();
  await user.click(screen.getByRole("button", { name: "Show as a table" }));
  const table = screen.getByRole("table", { name: /Every model/ });
  expect(within(table).getAllByRole("row")).toHaveLength(25);
});

it("sets what came of predictions beside them", async () => {
  await open();
  const table = screen.getByRole("table", { name: "Predicted and measured" });
  const row = within(table).getAllByRole("row").at(-1);
  expect(row?.textContent).toMatch(/SmolLM2 135M.*298 MB.*301 MB/s);
});

it("measures, and shows speeds from then on", async () => {
  const { user } = await open("unmeasured");
  expect(screen.getByText("Not measured yet")).toBeTruthy();
  expect(screen.queryByRole("listbox")).toBeNull();
  const [measure] = screen.getAllByRole("button", { name: "Measure" });
  await user.click(measure as HTMLElement);
  await screen.findByRole("listbox");
  expect(screen.getByText("Small models, 4-bit")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Measure again" })).toBeTruthy();
});

it("says why a measurement failed, and that the old one holds", async () => {
  const { user } = await open("measuring-failed");
  await user.click(screen.getByRole("button", { name: "Measure again" }));
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("The measurement failed");
  expect(alert.textContent).toContain("still holds");
});

it("tells a chat of a running measurement in a small notice that ends it", async () => {
  const backend = createFakeBackend({ scenario: "measuring", speed: 0 });
  const cancel = vi.spyOn(backend.hardware, "cancelCalibration");
  const user = userEvent.setup();
  render(AppView, { backend });
  const notice = await screen.findByText("Measuring how fast this machine is");
  expect(await screen.findByRole("textbox", { name: "Message" })).toBeTruthy();
  await user.click(
    within(notice.parentElement as HTMLElement).getByRole("button"),
  );
  expect(cancel).toHaveBeenCalledOnce();
});
