import { describe, expect, it } from "vitest";
import type { Message } from "../ipc/bindings";
import { fakeStats } from "../ipc/fakeContent";
import { firstMessageSeen } from "./context";
import { startReply, type LiveReply } from "./reply";
import type { BranchStep } from "./tree";

/** Questions have odd ids, replies even ones; a number is what the reply says was left out. */
function branch(...replies: (number | null | "")[]): BranchStep[] {
  return replies.flatMap((dropped, turn) =>
    (["user", "assistant"] as const).map((role, place) => {
      const id = turn * 2 + place + 1;
      const message: Message = {
        id,
        chatId: 1,
        parentId: id === 1 ? null : id - 1,
        role,
        content: role === "assistant" && dropped === "" ? " " : `${id}`,
        reasoning: "",
        status: "complete",
        createdAtMs: id,
        modelName: null,
        stats:
          role === "assistant" && typeof dropped === "number"
            ? { ...fakeStats, droppedMessages: dropped }
            : null,
        error: null,
      };
      return { message, siblingIds: [id], siblingIndex: 0 };
    }),
  );
}

const none = new Map<number, LiveReply>();

function running(
  steps: BranchStep[],
  droppedMessages: number | null,
): Map<number, LiveReply> {
  const last = steps.at(-1)?.message;
  return last
    ? new Map([[last.id, { ...startReply(last), droppedMessages }]])
    : none;
}

describe("firstMessageSeen", () => {
  it("is no message while everything fits", () => {
    expect(firstMessageSeen(branch(0, 0), none)).toBeNull();
    expect(firstMessageSeen([], none)).toBeNull();
  });

  it("is the message after those that were left out", () => {
    expect(firstMessageSeen(branch(0, 0, 0, 4), none)).toBe(5);
  });

  it("follows the last reply, not an earlier one", () => {
    expect(firstMessageSeen(branch(0, 0, 2, 0), none)).toBeNull();
    expect(firstMessageSeen(branch(0, 0, 2, 4), none)).toBe(5);
  });

  it("keeps to the reply before one that tells nothing", () => {
    expect(firstMessageSeen(branch(0, 0, 2, null), none)).toBe(3);
  });

  it("moves once the running reply has been read for", () => {
    const steps = branch(0, 0, 2, null);
    expect(firstMessageSeen(steps, running(steps, null))).toBe(3);
    expect(firstMessageSeen(steps, running(steps, 4))).toBe(5);
    expect(firstMessageSeen(steps, running(steps, 0))).toBeNull();
  });

  it("is no message where the count goes past the conversation", () => {
    expect(firstMessageSeen(branch(0, 9), none)).toBeNull();
  });
});
