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
  reasoning: "",
  status: "streaming",
  createdAtMs: 0,
  modelName: null,
  stats: null,
  error: null,
};

const after = (...events: ReplyEvent[]): LiveReply =>
  events.reduce(
    (reply, event, second) => applyReplyEvent(reply, event, second * 1000),
    startReply(message),
  );

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

  it("counts the reading without what was read before", () => {
    const reading = {
      type: "reading",
      processed: 420,
      total: 500,
      reused: 400,
      droppedMessages: 0,
    } as const;
    expect(after(reading).phase).toEqual({
      kind: "reading",
      processed: 20,
      total: 100,
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

  it("keeps the thoughts apart from the answer", () => {
    const { message } = after(
      { type: "reasoning", text: "Wax " },
      { type: "reasoning", text: "melts." },
      { type: "text", text: "Yes." },
    );
    expect(message.reasoning).toBe("Wax melts.");
    expect(message.content).toBe("Yes.");
  });

  it("measures the thinking until the answer begins", () => {
    const thinking: ReplyEvent[] = [
      { type: "waiting" },
      { type: "reasoning", text: "Wax " },
      { type: "reasoning", text: "melts." },
    ];
    expect(after(...thinking).thoughtMs).toBe(1000);
    const answer: ReplyEvent = { type: "text", text: "Yes." };
    const finished: ReplyEvent = { type: "finished", message };
    expect(after(...thinking, answer, answer, finished).thoughtMs).toBe(2000);
  });

  it("measures no thinking where there was none", () => {
    const reply = after({ type: "waiting" }, { type: "text", text: "Yes." });
    expect(reply.thinkingSinceMs).toBeNull();
    expect(reply.thoughtMs).toBe(0);
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
    applyReplyEvent(before, { type: "text", text: "x" }, 0);
    expect(before.message.content).toBe("");
  });
});
