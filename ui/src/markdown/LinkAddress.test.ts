import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import Markdown from "./Markdown.svelte";

it("says where a link leads as long as it is pointed at or has the focus", async () => {
  const user = userEvent.setup();
  render(Markdown, {
    text: "[Your bank](https://bank.example.org.live.test/login) calls.",
    onOpenLink: () => undefined,
    onCopyFailed: () => undefined,
  });
  const shown = () => screen.queryByRole("status")?.textContent.trim() ?? null;
  const address = "https://bank.example.org.live.test/login";
  expect(shown()).toBeNull();
  await user.hover(screen.getByText("Your bank"));
  expect(shown()).toBe(address);
  await user.hover(screen.getByText("calls.", { exact: false }));
  expect(shown()).toBeNull();
  await user.tab();
  expect(shown()).toBe(address);
});
