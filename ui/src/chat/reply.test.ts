import { describe, expect, it } from "vitest";
import type { Message, ReplyEvent } from "../ipc/bindings";
import { fakeStats } from "../ipc/fakeContent";
import { applyReplyEvent, startReply, type LiveReply } from "./reply";

const message: Message = {
  id: 2,
  chatId: 1,
  parentId: 1,
  role: "assistant",
  content: "",
  status: "streaming",
  createdAtMs: 0,
  modelName: null,
  stats: null,
  error: null,
};

const after = (...events: ReplyEvent[]): LiveReply =>
  events.reduce(applyReplyEvent, startReply(message));

describe("applyReplyEvent", () => {
  it("starts by waiting", () => {
    expect(after().phase).toEqual({ kind: "waiting" });
  });

  it("shows how far the loading is", () => {
    expect(after({ type: "loading", fraction: 0.43 }).phase).toEqual({
      kind: "loading",
      fraction: 0.43,
    });
  });

  it("keeps the count of dropped messages while the text arrives", () => {
    const reply = after(
      {
        type: "reading",
        processed: 120,
        total: 512,
        reused: 0,
        droppedMessages: 3,
      },
      { type: "text", text: "Yes" },
    );
    expect(reply.droppedMessages).toBe(3);
    expect(reply.phase).toEqual({ kind: "writing" });
  });

  it("appends the text in order", () => {
    const reply = after(
      { type: "text", text: "A can" },
      { type: "text", text: "dle." },
    );
    expect(reply.message.content).toBe("A candle.");
  });

  it("takes the finished message for the truth", () => {
    const finished: Message = {
      ...message,
      content: "Saved.",
      status: "complete",
      stats: { ...fakeStats, droppedMessages: 1 },
    };
    const reply = after(
      { type: "text", text: "Unsaved" },
      { type: "finished", message: finished },
    );
    expect(reply.message).toEqual(finished);
    expect(reply.phase.kind).toBe("done");
    expect(reply.droppedMessages).toBe(1);
  });

  it("ignores what comes after the end", () => {
    const reply = after(
      { type: "finished", message },
      { type: "text", text: "late" },
    );
    expect(reply.message.content).toBe("");
  });

  it("leaves the state it was given untouched", () => {
    const before = startReply(message);
    applyReplyEvent(before, { type: "text", text: "x" });
    expect(before.message.content).toBe("");
  });
});
