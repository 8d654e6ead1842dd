// Which messages of the shown branch the model still saw when it last replied.
import type { LiveReply } from "./reply";
import type { BranchStep } from "./tree";

/** The id of the first message that the last reply was written with; null where nothing was left out. */
export function firstMessageSeen(
  branch: readonly BranchStep[],
  live: ReadonlyMap<number, LiveReply>,
): number | null {
  // A reply that was never read for says nothing; the one before it still does.
  for (let index = branch.length - 1; index >= 0; index -= 1) {
    const message = branch[index]?.message;
    if (message?.role !== "assistant") {
      continue;
    }
    const running = live.get(message.id);
    const dropped = running
      ? running.droppedMessages
      : message.stats?.droppedMessages;
    if (dropped != null) {
      return dropped > 0 && dropped < index
        ? (branch[dropped]?.message.id ?? null)
        : null;
    }
  }
  return null;
}
