import { describe, expect, it, vi } from "vitest";
import type { Backend } from "../ipc/backend";
import type { ReplyEvent } from "../ipc/bindings";
import { createFakeBackend } from "../ipc/fake";
import { Chats } from "./chats.svelte";

async function started(backend: Backend = createFakeBackend({ speed: 0 })) {
  const report = vi.fn();
  const chats = new Chats(backend, report);
  await chats.start();
  return { backend, chats, report };
}

const finished = (chats: Chats) =>
  vi.waitFor(() => expect(chats.runningReplyId).toBeNull(), 60_000);

describe("Chats", () => {
  it("opens with the newest chat", async () => {
    const { chats } = await started();
    expect(chats.open.title).toBe("Prime sieve in Rust");
    expect(chats.branch).toHaveLength(2);
  });

  it("opens with the new chat that was begun", async () => {
    const backend = createFakeBackend({ speed: 0 });
    await backend.chat.saveDraft(null, "Half a thou");
    const { chats } = await started(backend);
    expect(chats.openId).toBeNull();
    expect(chats.draft).toBe("Half a thou");
  });

  it("follows a reply to its end", async () => {
    const { chats } = await started();
    chats.writeDraft("Why does wax melt?");
    await chats.send();
    expect(chats.draft).toBe("");
    await finished(chats);
    expect(chats.branch).toHaveLength(4);
    expect(chats.branch.at(-1)?.message.status).toBe("complete");
    expect(chats.branch.at(-1)?.message.content).toContain("vapour");
  });

  it("keeps the thoughts of a reply and how long they took", async () => {
    const { chats } = await started();
    chats.writeDraft("/think about wax");
    await chats.send();
    await finished(chats);
    const reply = chats.branch.at(-1)?.message;
    expect(reply?.reasoning).toContain("sixteen hours");
    expect(reply?.content).not.toContain("sixteen hours");
    expect(chats.thoughtMs.has(reply?.id ?? 0)).toBe(true);
    expect(chats.thoughtMs.size).toBe(1);
  });

  it("loses no event that overtakes the receipt", async () => {
    const backend = createFakeBackend({ speed: 0 });
    const send = backend.chat.send;
    backend.chat.send = async (request, onEvent) => {
      const held: ReplyEvent[] = [];
      let open = false;
      const receipt = await send(request, (event) =>
        open ? onEvent(event) : held.push(event),
      );
      onEvent({ type: "text", text: "Early. " });
      open = true;
      return receipt;
    };
    const { chats } = await started(backend);
    chats.writeDraft("Hello /slow");
    const sending = chats.send();
    await vi.waitFor(() => expect(chats.live.size).toBe(1), 60_000);
    const [reply] = chats.live.values();
    expect(reply?.message.content).toMatch(/^Early\. /);
    await sending;
  });

  it("puts the text back when it was not sent", async () => {
    const { chats } = await started();
    chats.writeDraft("Save me /full");
    await chats.send();
    expect(chats.draft).toBe("Save me /full");
    expect(chats.sendError?.code).toBe("disk_full");
  });

  it("keeps what arrived before a crash", async () => {
    const { chats } = await started();
    chats.writeDraft("Please /crash");
    await chats.send();
    await finished(chats);
    const last = chats.branch.at(-1)?.message;
    expect(last?.status).toBe("failed");
    expect(last?.error?.code).toBe("engine_crashed");
    expect(last?.content).not.toBe("");
  });

  it("writes a reply again beside the old one", async () => {
    const { chats } = await started();
    const old = chats.branch.at(-1)?.message;
    expect(old).toBeDefined();
    if (old) {
      await chats.regenerate(old);
      await finished(chats);
      const step = chats.branch.at(-1);
      expect(step?.siblingIds).toHaveLength(2);
      expect(step?.siblingIndex).toBe(1);
      await chats.selectVersion(old.id);
      expect(chats.branch.at(-1)?.message.id).toBe(old.id);
    }
  });

  it("branches where a message is edited", async () => {
    const { chats } = await started();
    const first = chats.branch[0]?.message;
    if (first) {
      await chats.edit(first, "Another question");
      await finished(chats);
    }
    expect(chats.branch[0]?.message.content).toBe("Another question");
    expect(chats.branch[0]?.siblingIds).toHaveLength(2);
    expect(chats.branch).toHaveLength(2);
  });

  it("keeps a draft for each chat", async () => {
    const { chats } = await started();
    chats.writeDraft("for the sieve");
    await chats.show(2);
    expect(chats.draft).toBe("");
    await chats.show(1);
    expect(chats.draft).toBe("for the sieve");
  });

  it("shows the chat asked for last, however slow the first was", async () => {
    const backend = createFakeBackend({ speed: 0 });
    const open = backend.chat.open;
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { chats } = await started(backend);
    backend.chat.open = async (id) => {
      if (id === 2) {
        await gate;
      }
      return open(id);
    };
    const slow = chats.show(2);
    await chats.show(6);
    release();
    await slow;
    expect(chats.openId).toBe(6);
  });

  it("takes a deletion back", async () => {
    const { chats } = await started();
    const count = chats.list.length;
    await chats.delete(1);
    expect(chats.list).toHaveLength(count - 1);
    expect(chats.openId).toBeNull();
    await chats.restore(1);
    expect(chats.list).toHaveLength(count);
    expect(chats.openId).toBe(1);
  });

  it("finds chats by what was said in them", async () => {
    const { chats } = await started();
    chats.query = "crystallises";
    await chats.refresh();
    expect(chats.list.map((chat) => chat.id)).toEqual([6]);
  });

  it("sends nothing blank", async () => {
    const { backend, chats } = await started();
    const send = vi.spyOn(backend.chat, "send");
    chats.writeDraft(" \n ");
    await chats.send();
    expect(send).not.toHaveBeenCalled();
  });
});
