import { describe, expect, it } from "vitest";
import type { Message } from "../ipc/bindings";
import { newestLeafBelow, shownBranch, withMessages } from "./tree";

function message(
  id: number,
  parentId: number | null,
  role: Message["role"],
): Message {
  return {
    id,
    chatId: 1,
    parentId,
    role,
    content: `${id}`,
    reasoning: "",
    status: "complete",
    createdAtMs: id,
    modelName: null,
    stats: null,
    error: null,
  };
}

// 1 ─ 2 ─ 3 ─ 4      1 was edited into 7; 2 was written again as 5
//   └ 5 ─ 6
// 7 ─ 8
const messages = [
  message(1, null, "user"),
  message(2, 1, "assistant"),
  message(3, 2, "user"),
  message(4, 3, "assistant"),
  message(5, 1, "assistant"),
  message(6, 5, "user"),
  message(7, null, "user"),
  message(8, 7, "assistant"),
];

const ids = (leaf: number | null) =>
  shownBranch(messages, leaf).map((step) => step.message.id);

describe("shownBranch", () => {
  it("runs from the first message to the active leaf", () => {
    expect(ids(4)).toEqual([1, 2, 3, 4]);
    expect(ids(6)).toEqual([1, 5, 6]);
  });

  it("names the versions of each message", () => {
    const [first, second] = shownBranch(messages, 6);
    expect(first?.siblingIds).toEqual([1, 7]);
    expect(first?.siblingIndex).toBe(0);
    expect(second?.siblingIds).toEqual([2, 5]);
    expect(second?.siblingIndex).toBe(1);
  });

  it("takes the newest branch when no leaf is known", () => {
    expect(ids(null)).toEqual([7, 8]);
    expect(ids(99)).toEqual([7, 8]);
  });

  it("leaves out the system message but not what follows it", () => {
    const withSystem = [message(1, null, "system"), message(2, 1, "user")];
    const branch = shownBranch(withSystem, 2);
    expect(branch.map((step) => step.message.id)).toEqual([2]);
  });

  it("is empty for an empty chat", () => {
    expect(shownBranch([], null)).toEqual([]);
  });

  it("ends on a tree that bites its tail", () => {
    const circle = [message(1, 2, "user"), message(2, 1, "assistant")];
    expect(shownBranch(circle, 1)).toHaveLength(2);
  });
});

describe("newestLeafBelow", () => {
  it("follows the newest child to the end", () => {
    expect(newestLeafBelow(messages, 1)).toBe(6);
    expect(newestLeafBelow(messages, 2)).toBe(4);
    expect(newestLeafBelow(messages, 8)).toBe(8);
  });
});

describe("withMessages", () => {
  it("replaces a message with the same id", () => {
    const changed = { ...message(8, 7, "assistant"), content: "new" };
    const result = withMessages(messages, [changed]);
    expect(result).toHaveLength(messages.length);
    expect(result.find(({ id }) => id === 8)?.content).toBe("new");
  });
});
