// One function applies the events of a reply to what is shown of it.
import type { Message, ReplyEvent } from "../ipc/bindings";

export type ReplyPhase =
  | { kind: "waiting" }
  | { kind: "loading"; fraction: number }
  | { kind: "reading"; processed: number; total: number }
  | { kind: "writing" }
  | { kind: "done" };

/** A reply while it is being written. */
export type LiveReply = {
  message: Message;
  phase: ReplyPhase;
  /** Null until the conversation is read. */
  droppedMessages: number | null;
  /** When the first thought arrived; null without one. */
  thinkingSinceMs: number | null;
  /** From the first thought to the answer, or to the newest thought. */
  thoughtMs: number;
};

export function startReply(message: Message): LiveReply {
  return {
    message,
    phase: { kind: "waiting" },
    droppedMessages: null,
    thinkingSinceMs: null,
    thoughtMs: 0,
  };
}

export function applyReplyEvent(
  reply: LiveReply,
  event: ReplyEvent,
  nowMs: number,
): LiveReply {
  if (reply.phase.kind === "done") {
    return reply;
  }
  switch (event.type) {
    case "waiting":
      return { ...reply, phase: { kind: "waiting" } };
    case "loading":
      return {
        ...reply,
        phase: { kind: "loading", fraction: event.fraction },
      };
    case "reading":
      return {
        ...reply,
        droppedMessages: event.droppedMessages,
        phase: {
          kind: "reading",
          // What was read before takes no time.
          processed: event.processed - event.reused,
          total: event.total - event.reused,
        },
      };
    case "reasoning": {
      const sinceMs = reply.thinkingSinceMs ?? nowMs;
      return {
        ...reply,
        phase: { kind: "writing" },
        thinkingSinceMs: sinceMs,
        thoughtMs: nowMs - sinceMs,
        message: {
          ...reply.message,
          reasoning: reply.message.reasoning + event.text,
        },
      };
    }
    case "text": {
      const answering = reply.message.content !== "";
      return {
        ...reply,
        thoughtMs: answering
          ? reply.thoughtMs
          : nowMs - (reply.thinkingSinceMs ?? nowMs),
        phase: { kind: "writing" },
        message: {
          ...reply.message,
          content: reply.message.content + event.text,
        },
      };
    }
    case "finished":
      return {
        ...reply,
        message: event.message,
        phase: { kind: "done" },
        droppedMessages:
          event.message.stats?.droppedMessages ?? reply.droppedMessages,
      };
  }
}
