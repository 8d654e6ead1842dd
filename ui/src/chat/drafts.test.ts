import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Drafts } from "./drafts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("saves once, a moment after the last key", async () => {
  const save = vi.fn(async () => {});
  const drafts = new Drafts(save);
  drafts.changed(1, "H");
  drafts.changed(1, "Hi");
  expect(save).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(400);
  expect(save.mock.calls).toEqual([[1, "Hi"]]);
});

it("saves at once when asked, and not again", async () => {
  const save = vi.fn(async () => {});
  const drafts = new Drafts(save);
  drafts.changed(null, "Hello");
  await drafts.flush();
  await vi.advanceTimersByTimeAsync(1000);
  expect(save.mock.calls).toEqual([[null, "Hello"]]);
});

it("goes on after a draft that could not be saved", async () => {
  const save = vi.fn(async () => Promise.reject(new Error("full")));
  const drafts = new Drafts(save);
  drafts.changed(1, "a");
  await expect(drafts.flush()).resolves.toBeUndefined();
});
