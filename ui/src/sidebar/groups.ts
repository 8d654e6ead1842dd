// Chats in groups by the day they were last used.
import type { ChatSummary } from "../ipc/bindings";

export type GroupName = "today" | "yesterday" | "previousWeek" | "older";

export type ChatGroup = { name: GroupName; chats: ChatSummary[] };

/** Days begin at local midnight. Keeps the order of the chats; leaves out empty groups. */
export function groupByDate(
  chats: readonly ChatSummary[],
  now: Date,
): ChatGroup[] {
  const groups: ChatGroup[] = [];
  const order: GroupName[] = ["today", "yesterday", "previousWeek", "older"];
  for (const name of order) {
    const members = chats.filter(
      (chat) => groupOf(chat.updatedAtMs, now) === name,
    );
    if (members.length > 0) {
      groups.push({ name, chats: members });
    }
  }
  return groups;
}

function groupOf(timeMs: number, now: Date): GroupName {
  if (timeMs >= midnight(now, 0)) {
    return "today";
  }
  if (timeMs >= midnight(now, 1)) {
    return "yesterday";
  }
  return timeMs >= midnight(now, 7) ? "previousWeek" : "older";
}

// Through the calendar, for a day is not always 24 hours long.
function midnight(now: Date, daysBack: number): number {
  return new Date(
    now.getFullYear(),
    now.getMonth(),
    now.getDate() - daysBack,
  ).getTime();
}
