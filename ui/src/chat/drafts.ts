// Saves what is being written, a moment after the last key.

type Save = (chatId: number | null, text: string) => Promise<void>;

export class Drafts {
  #save: Save;
  #delayMs: number;
  #pending: { chatId: number | null; text: string } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(save: Save, delayMs = 400) {
    this.#save = save;
    this.#delayMs = delayMs;
  }

  changed(chatId: number | null, text: string) {
    this.#pending = { chatId, text };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), this.#delayMs);
  }

  /** Saves at once: before another chat is shown, and when the field loses the focus. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = null;
    if (pending) {
      // A draft that cannot be saved is no reason to interrupt the writing; it is tried again with the next key.
      await this.#save(pending.chatId, pending.text).catch(() => {});
    }
  }
}
