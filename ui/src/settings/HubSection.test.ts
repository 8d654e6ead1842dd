import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import AppView from "../App.svelte";
import { createFakeBackend } from "../ipc/fake";

async function open() {
  const backend = createFakeBackend({ speed: 0 });
  const user = userEvent.setup();
  render(AppView, { backend });
  await user.click(await screen.findByRole("button", { name: "Settings" }));
  return { backend, user };
}

it("keeps a token and never shows it again", async () => {
  const { user } = await open();
  const field = (await screen.findByLabelText(
    "Access token",
  )) as HTMLInputElement;
  expect(field.type).toBe("password");
  await user.type(field, "hf_secret{Enter}");
  expect(await screen.findByText(/kept in the system's keyring/)).toBeTruthy();
  expect(field.value).toBe("");
  expect(document.body.innerHTML).not.toContain("hf_secret");
  await user.click(screen.getByRole("button", { name: "Remove" }));
  expect(await screen.findByText(/“read” is enough/)).toBeTruthy();
});

it("says why a token was not taken", async () => {
  const { user } = await open();
  const field = await screen.findByLabelText("Access token");
  await user.type(field, "wrong{Enter}");
  expect(await screen.findByText(/The Hub asks who you are/)).toBeTruthy();
  expect(field.getAttribute("aria-invalid")).toBe("true");
});

it("takes a mirror that is safe, and no other", async () => {
  const { user, backend } = await open();
  const update = vi.spyOn(backend.settings, "update");
  const field = await screen.findByLabelText("Address");
  await user.type(field, "http://mirror.example{Enter}");
  expect(await screen.findByText(/begins with https:\/\/, or/)).toBeTruthy();
  expect(update).not.toHaveBeenCalled();
  await user.clear(field);
  await user.type(field, "https://mirror.example{Enter}");
  await waitFor(() =>
    expect(update).toHaveBeenCalledWith({
      hubEndpoint: "https://mirror.example",
    }),
  );
});

it("goes through a proxy once its address is known", async () => {
  const { user, backend } = await open();
  const update = vi.spyOn(backend.settings, "update");
  const choice = await screen.findByLabelText("Proxy");
  await user.selectOptions(choice, "custom");
  expect(update).not.toHaveBeenCalled();
  const address = await screen.findByLabelText("Address of the proxy");
  await user.type(address, "socks5://127.0.0.1:9050{Enter}");
  await waitFor(() =>
    expect(update).toHaveBeenCalledWith({ proxy: "socks5://127.0.0.1:9050" }),
  );
  await user.selectOptions(choice, "none");
  await waitFor(() => expect(update).toHaveBeenCalledWith({ proxy: "" }));
});
