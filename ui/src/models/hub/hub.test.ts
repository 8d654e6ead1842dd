import { flushSync } from "svelte";
import { expect, it, vi } from "vitest";
import type { HubPage } from "../../ipc/bindings";
import { createFakeBackend } from "../../ipc/fake";
import { Checks } from "./checks.svelte";
import { Hub } from "./hub.svelte";

const file = (name: string) => ({
  repository: "Qwen/Qwen3-4B-GGUF",
  commit: "c",
  file: name,
});

/** Answers that wait until they are let go. */
function heldChecks() {
  const backend = createFakeBackend({ speed: 0 });
  const waiting: (() => void)[] = [];
  const check = vi.spyOn(backend.hub, "check");
  check.mockImplementation(
    (_repository, _commit, name) =>
      new Promise((resolve) => {
        waiting.push(() =>
          resolve({
            name,
            problems: [],
            estimate: null,
            tokenizer: "gpt2",
            hasChatTemplate: true,
            architecture: "qwen3",
            quantization: "Q4_K",
          }),
        );
      }),
  );
  return { checks: new Checks(backend), check, waiting };
}

it("reads a few headers at a time, each once", async () => {
  const { checks, check, waiting } = heldChecks();
  const wanted = ["a", "b", "c", "d", "a"].map((n) => checks.want(file(n)));
  expect(check).toHaveBeenCalledTimes(3);
  expect(checks.of(file("d"))?.state).toBe("waiting");
  waiting[0]?.();
  await wanted[0];
  await vi.waitFor(() => expect(check).toHaveBeenCalledTimes(4));
  waiting.slice(1).forEach((tell) => tell());
  await Promise.all(wanted);
  expect(check).toHaveBeenCalledTimes(4);
  expect(checks.of(file("a"))?.state).toBe("read");
});

it("forgets what is not looked at any more, and reads a failed one again", async () => {
  const { checks, check, waiting } = heldChecks();
  ["a", "b", "c"].forEach((name) => void checks.want(file(name)));
  const late = checks.want(file("late"));
  checks.forget("Qwen/Qwen3-4B-GGUF");
  expect((await late).state).toBe("failed");
  expect(checks.of(file("late"))).toBeUndefined();
  waiting.forEach((tell) => tell());
  check.mockRejectedValueOnce({ code: "offline", message: "" });
  await vi.waitFor(() => expect(checks.of(file("c"))?.state).toBe("read"));
  expect((await checks.want(file("x"))).state).toBe("failed");
  const again = checks.want(file("x"));
  await vi.waitFor(() => expect(waiting).toHaveLength(4));
  waiting.at(-1)?.();
  expect((await again).state).toBe("read");
});

it("lets only the last answer count, and keeps no model twice", async () => {
  const backend = createFakeBackend({ speed: 0 });
  const { models } = await backend.hub.search({
    ...new Hub(backend).query,
    search: "smollm2",
  });
  const page = (from: number, next: string | null): HubPage => ({
    models: models.slice(from, from + 2),
    next,
    source: { kind: "live" },
  });
  const search = vi.spyOn(backend.hub, "search");
  let answer: (page: HubPage) => void = () => {};
  const slow = new Promise<HubPage>((resolve) => (answer = resolve));
  search.mockReturnValueOnce(slow);
  const hub = new Hub(backend);
  hub.change({ class: "small" });
  search.mockResolvedValueOnce(page(0, "2"));
  hub.change({ class: "micro" });
  await vi.waitFor(() => expect(hub.models).toHaveLength(2));
  answer(page(1, null));
  await slow;
  flushSync();
  expect(hub.next).toBe("2");
  search.mockResolvedValueOnce(page(1, null));
  await hub.more();
  expect(hub.models).toHaveLength(3);
  expect(search.mock.calls.at(-1)?.[0].next).toBe("2");
  expect(hub.next).toBeNull();
});

it("keeps the models that are there when the next page fails", async () => {
  const backend = createFakeBackend({ speed: 0 });
  const hub = new Hub(backend);
  await hub.search();
  const before = hub.models.length;
  vi.spyOn(backend.hub, "search").mockRejectedValueOnce({
    code: "offline",
    message: "",
  });
  await hub.more();
  expect(hub.models).toHaveLength(before);
  expect(hub.problem?.code).toBe("offline");
  await hub.more();
  expect(hub.problem).toBeNull();
  expect(hub.models.length).toBeGreaterThan(before);
});
