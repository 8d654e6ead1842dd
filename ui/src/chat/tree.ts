// A chat is a tree of messages; the thread shows the one branch that ends in the active leaf.
import type { Message } from "../ipc/bindings";

/** One message of the shown branch, with the versions that share its place. */
export type BranchStep = {
  message: Message;
  siblingIds: number[];
  siblingIndex: number;
};

/** From the first message to the active leaf. Without a known leaf, the newest branch. */
export function shownBranch(
  messages: readonly Message[],
  activeLeafId: number | null,
): BranchStep[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const children = childrenByParent(messages);
  let current =
    (activeLeafId === null ? undefined : byId.get(activeLeafId)) ??
    newest(messages);
  const steps: BranchStep[] = [];
  const visited = new Set<number>();
  while (current && !visited.has(current.id)) {
    visited.add(current.id);
    const message: Message = current;
    const siblingIds = (children.get(message.parentId) ?? []).filter(
      (id) => byId.get(id)?.role === message.role,
    );
    if (message.role !== "system") {
      steps.push({
        message,
        siblingIds,
        siblingIndex: siblingIds.indexOf(message.id),
      });
    }
    current =
      message.parentId === null ? undefined : byId.get(message.parentId);
  }
  return steps.reverse();
}

/** Where to continue when a version is chosen: the newest message below it. */
export function newestLeafBelow(
  messages: readonly Message[],
  messageId: number,
): number {
  const children = childrenByParent(messages);
  let leaf = messageId;
  const visited = new Set<number>();
  while (!visited.has(leaf)) {
    visited.add(leaf);
    leaf = children.get(leaf)?.at(-1) ?? leaf;
  }
  return leaf;
}

/** Adds messages, or replaces those with the same id. */
export function withMessages(
  messages: readonly Message[],
  added: readonly Message[],
): Message[] {
  const addedIds = new Set(added.map((message) => message.id));
  return [...messages.filter((message) => !addedIds.has(message.id)), ...added];
}

function childrenByParent(
  messages: readonly Message[],
): Map<number | null, number[]> {
  const children = new Map<number | null, number[]>();
  for (const message of [...messages].sort((a, b) => a.id - b.id)) {
    const siblings = children.get(message.parentId);
    if (siblings) {
      siblings.push(message.id);
    } else {
      children.set(message.parentId, [message.id]);
    }
  }
  return children;
}

function newest(messages: readonly Message[]): Message | undefined {
  return messages.reduce<Message | undefined>(
    (best, message) => (best && best.id > message.id ? best : message),
    undefined,
  );
}
