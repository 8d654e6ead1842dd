// The chats: their list, the one in view, and the replies being written.
import { SvelteMap } from "svelte/reactivity";
import type { Backend } from "../ipc/backend";
import type {
  AppError,
  ChatSummary,
  Message,
  ReplyEvent,
  SendReceipt,
} from "../ipc/bindings";
import { asAppError } from "../ipc/errors";
import { Drafts } from "./drafts";
import { applyReplyEvent, startReply, type LiveReply } from "./reply";
import { newestLeafBelow, shownBranch, withMessages } from "./tree";

/** The chat in view; without an id it does not exist yet. */
export type OpenChat = {
  id: number | null;
  title: string;
  messages: Message[];
  leafId: number | null;
};

type Report = (error: AppError) => void;

const NEW_CHAT: OpenChat = { id: null, title: "", messages: [], leafId: null };

export class Chats {
  list = $state.raw<ChatSummary[]>([]);
  query = $state("");
  open = $state.raw<OpenChat>(NEW_CHAT);
  draft = $state("");
  sending = $state(false);
  /** Why the last message was not sent; its text is back in the field. */
  sendError = $state.raw<AppError | null>(null);
  /** Counts the messages sent, for whoever must scroll to them. */
  sent = $state(0);
  readonly live = new SvelteMap<number, LiveReply>();
  /** How long the replies written since the start were thought about. */
  readonly thoughtMs = new SvelteMap<number, number>();
  /** Changes only when another chat comes into view. */
  readonly openId = $derived(this.open.id);
  readonly branch = $derived(shownBranch(this.open.messages, this.open.leafId));
  readonly runningChatIds = $derived(
    // Made anew each time, never changed.
    // eslint-disable-next-line svelte/prefer-svelte-reactivity
    new Set([...this.live.values()].map((reply) => reply.message.chatId)),
  );
  readonly runningReplyId = $derived.by(() => {
    const last = this.branch.at(-1)?.message;
    const running = last && (this.live.has(last.id) || isStreaming(last));
    return running ? last.id : null;
  });

  #backend: Backend;
  #report: Report;
  #drafts: Drafts;
  /** Grows with each change of the view, so that a slow answer cannot replace a newer one. */
  #view = 0;

  constructor(backend: Backend, report: Report) {
    this.#backend = backend;
    this.#report = report;
    this.#drafts = new Drafts((chatId, text) =>
      backend.chat.saveDraft(chatId, text),
    );
  }

  /** At the start: the chat the user left, unless a new one was begun. */
  async start(): Promise<void> {
    await this.refresh();
    const draft = await this.#backend.chat.newDraft().catch(() => "");
    const latest = this.list[0];
    if (draft === "" && latest) {
      await this.show(latest.id);
    } else {
      this.draft = draft;
    }
  }

  async refresh(): Promise<void> {
    const query = this.query.trim();
    try {
      const list = await this.#backend.chat.list(query === "" ? null : query);
      if (query === this.query.trim()) {
        this.list = list;
      }
      const current = list.find((chat) => chat.id === this.open.id);
      if (current && current.title !== this.open.title) {
        this.open = { ...this.open, title: current.title };
      }
    } catch (error) {
      this.#report(asAppError(error));
    }
  }

  /** The chats changed on disk: the list, and a reply that is followed by nobody here. */
  async changedElsewhere(): Promise<void> {
    await this.refresh();
    const chatId = this.open.id;
    const orphan = this.runningReplyId;
    if (chatId === null || orphan === null || this.live.has(orphan)) {
      return;
    }
    const view = this.#view;
    const chat = await this.#backend.chat.open(chatId).catch(() => null);
    if (chat && view === this.#view) {
      this.open = { ...this.open, messages: chat.messages };
    }
  }

  async show(chatId: number): Promise<void> {
    const view = this.#leave();
    try {
      const chat = await this.#backend.chat.open(chatId);
      if (view !== this.#view) {
        return;
      }
      this.open = {
        id: chatId,
        title: chat.summary.title,
        messages: chat.messages,
        leafId: chat.activeLeafId,
      };
      this.draft = chat.draft;
    } catch (error) {
      this.#report(asAppError(error));
      await this.refresh();
    }
  }

  async showNew(): Promise<void> {
    const view = this.#leave();
    this.open = NEW_CHAT;
    this.draft = "";
    const draft = await this.#backend.chat.newDraft().catch(() => "");
    if (view === this.#view && this.draft === "") {
      this.draft = draft;
    }
  }

  writeDraft(text: string) {
    this.draft = text;
    this.#drafts.changed(this.open.id, text);
  }

  saveDraftNow(): Promise<void> {
    return this.#drafts.flush();
  }

  /** Sends what is in the field. */
  async send(): Promise<void> {
    const text = this.draft.trim();
    if (text === "" || this.sending || this.runningReplyId !== null) {
      return;
    }
    const unsent = this.draft;
    this.writeDraft("");
    const parentId = this.branch.at(-1)?.message.id ?? null;
    if (!(await this.#sendText(text, parentId)) && this.draft === "") {
      this.writeDraft(unsent);
    }
  }

  /** Sends a changed message beside the old one: a new branch. */
  edit(message: Message, text: string): Promise<boolean> {
    return this.#sendText(text.trim(), message.parentId);
  }

  async regenerate(message: Message): Promise<void> {
    await this.#run((onEvent) =>
      this.#backend.chat.regenerate(message.id, onEvent),
    );
  }

  async stop(): Promise<void> {
    if (this.runningReplyId !== null) {
      await this.#backend.chat.stop(this.runningReplyId).catch((error) => {
        this.#report(asAppError(error));
      });
    }
  }

  /** Shows another version of a message, and what followed it. */
  async selectVersion(messageId: number): Promise<void> {
    const chatId = this.open.id;
    const leafId = newestLeafBelow(this.open.messages, messageId);
    this.open = { ...this.open, leafId };
    if (chatId !== null) {
      await this.#backend.chat
        .selectLeaf(chatId, leafId)
        .catch((error) => this.#report(asAppError(error)));
    }
  }

  async rename(chatId: number, title: string): Promise<void> {
    try {
      await this.#backend.chat.rename(chatId, title);
      await this.refresh();
    } catch (error) {
      this.#report(asAppError(error));
    }
  }

  /** Whether it is deleted now; `restore` takes it back. */
  async delete(chatId: number): Promise<boolean> {
    try {
      await this.#drafts.flush();
      await this.#backend.chat.delete(chatId);
    } catch (error) {
      this.#report(asAppError(error));
      return false;
    }
    if (this.open.id === chatId) {
      await this.showNew();
    }
    await this.refresh();
    return true;
  }

  async restore(chatId: number): Promise<void> {
    try {
      await this.#backend.chat.restore(chatId);
      await this.refresh();
      await this.show(chatId);
    } catch (error) {
      this.#report(asAppError(error));
    }
  }

  #leave(): number {
    void this.#drafts.flush();
    this.sendError = null;
    this.#view += 1;
    return this.#view;
  }

  async #sendText(text: string, parentId: number | null): Promise<boolean> {
    if (text === "") {
      return false;
    }
    const chatId = this.open.id;
    return this.#run((onEvent) =>
      this.#backend.chat.send({ chatId, parentId, text }, onEvent),
    );
  }

  /** Starts a reply and follows it. False when it did not start. */
  async #run(
    begin: (onEvent: (event: ReplyEvent) => void) => Promise<SendReceipt>,
  ): Promise<boolean> {
    const view = this.#view;
    let replyId: number | null = null;
    // Events may overtake the receipt that says which reply they belong to.
    const early: ReplyEvent[] = [];
    this.sending = true;
    this.sendError = null;
    try {
      const receipt = await begin((event) => {
        if (replyId === null) {
          early.push(event);
        } else {
          this.#apply(replyId, event);
        }
      });
      replyId = receipt.reply.id;
      this.live.set(replyId, startReply(receipt.reply));
      if (view === this.#view) {
        this.#showReceipt(receipt);
      }
      for (const event of early) {
        this.#apply(replyId, event);
      }
      void this.refresh();
      return true;
    } catch (error) {
      if (view === this.#view) {
        this.sendError = asAppError(error);
      } else {
        this.#report(asAppError(error));
      }
      return false;
    } finally {
      this.sending = false;
    }
  }

  #showReceipt({ chat, userMessage, reply }: SendReceipt) {
    const added = userMessage ? [userMessage, reply] : [reply];
    this.open = {
      id: chat.id,
      title: chat.title,
      messages: withMessages(this.open.messages, added),
      leafId: reply.id,
    };
    this.sent += 1;
  }

  #apply(replyId: number, event: ReplyEvent) {
    const current = this.live.get(replyId);
    if (!current) {
      return;
    }
    const next = applyReplyEvent(current, event, performance.now());
    if (next.phase.kind !== "done") {
      this.live.set(replyId, next);
      return;
    }
    this.live.delete(replyId);
    if (next.thinkingSinceMs !== null) {
      this.thoughtMs.set(replyId, next.thoughtMs);
    }
    if (this.open.id === next.message.chatId) {
      const messages = withMessages(this.open.messages, [next.message]);
      this.open = { ...this.open, messages };
    }
    void this.refresh();
  }
}

function isStreaming(message: Message): boolean {
  return message.role === "assistant" && message.status === "streaming";
}
