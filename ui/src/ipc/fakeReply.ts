// How the scripted backend writes a reply: the words in the message choose what happens.
import type { AppError, Message, ReplyEvent } from "./bindings";
import {
  candleThoughts,
  fakeStats,
  longReply,
  plainReply,
  sieveReply,
} from "./fakeContent";

export type Script = {
  text: string;
  /** What is thought before it. */
  reasoning: string;
  /** Break off with this error after the text. */
  error: AppError | null;
  droppedMessages: number;
  pieceMs: number;
  maxTokens: boolean;
};

/** `/crash`, `/think`, `/long`, `/slow`, `/dropped` and `/limit` anywhere in a message. */
export function scriptFor(question: string): Script {
  const has = (word: string) => question.includes(word);
  const text = has("/long")
    ? longReply
    : has("sieve")
      ? sieveReply
      : plainReply;
  return {
    text: has("/crash") ? text.slice(0, 120) : text,
    reasoning: has("/think") ? candleThoughts : "",
    error: has("/crash")
      ? {
          code: "engine_crashed",
          message: "The engine ended with signal 9 (killed).",
        }
      : null,
    droppedMessages: has("/dropped") ? 4 : 0,
    pieceMs: has("/slow") ? 220 : 16,
    maxTokens: has("/limit"),
  };
}

type Play = {
  script: Script;
  reply: Message;
  onEvent: (event: ReplyEvent) => void;
  /** Waits; `speed` 0 makes it immediate. */
  pause: (ms: number) => Promise<void>;
  stopped: () => boolean;
  /** Whether the model has to be loaded first. */
  load: (onFraction: (fraction: number) => void) => Promise<void>;
};

/** Plays the script to its end and returns the finished message. */
export async function playReply(play: Play): Promise<Message> {
  const { script, onEvent, pause, stopped } = play;
  onEvent({ type: "waiting" });
  await play.load((fraction) => onEvent({ type: "loading", fraction }));
  for (let processed = 128; processed <= 512 && !stopped(); processed += 128) {
    const { droppedMessages } = script;
    onEvent({
      type: "reading",
      processed,
      total: 512,
      reused: 0,
      droppedMessages,
    });
    await pause(40);
  }
  async function write(type: "reasoning" | "text", text: string) {
    let written = "";
    for (const piece of text.match(/\s*\S+/g) ?? []) {
      if (stopped()) {
        break;
      }
      written += piece;
      onEvent({ type, text: piece });
      await pause(script.pieceMs);
    }
    return written;
  }
  const reasoning = await write("reasoning", script.reasoning);
  const content = await write("text", script.text);
  const cancelled = stopped();
  const failed = script.error !== null && !cancelled;
  return {
    ...play.reply,
    content,
    reasoning,
    status: cancelled ? "stopped" : failed ? "failed" : "complete",
    error: failed ? script.error : null,
    stats: failed
      ? null
      : {
          ...fakeStats,
          droppedMessages: script.droppedMessages,
          replyTokens: Math.round(content.length / 4),
          stopReason: cancelled
            ? "cancelled"
            : script.maxTokens
              ? "max_tokens"
              : "end_of_turn",
        },
  };
}
