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
  droppedMessages: number;
};

export function startReply(message: Message): LiveReply {
  return { message, phase: { kind: "waiting" }, droppedMessages: 0 };
}

export function applyReplyEvent(
  reply: LiveReply,
  event: ReplyEvent,
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
          processed: event.processed,
          total: event.total,
        },
      };
    case "text":
      return {
        ...reply,
        phase: { kind: "writing" },
        message: {
          ...reply.message,
          content: reply.message.content + event.text,
        },
      };
    case "finished":
      return {
        message: event.message,
        phase: { kind: "done" },
        droppedMessages:
          event.message.stats?.droppedMessages ?? reply.droppedMessages,
      };
  }
}
