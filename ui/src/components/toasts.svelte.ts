// Short messages that pass by at the edge of the window.
import { errorWords, type Tone } from "../ipc/errors";
import type { AppError } from "../ipc/bindings";

export type Toast = {
  id: number;
  tone: Tone;
  text: string;
  action: { label: string; run: () => void } | null;
};

const SHOWN_MS = 6_000;
export const UNDO_MS = 10_000;

export class Toasts {
  list = $state.raw<Toast[]>([]);
  #nextId = 1;

  show(text: string, tone: Tone = "info", shownMs = SHOWN_MS): number {
    return this.#add({ text, tone, action: null }, shownMs);
  }

  /** Offers to take back what was just done. */
  offer(text: string, label: string, run: () => void, shownMs = UNDO_MS) {
    return this.#add({ text, tone: "info", action: { label, run } }, shownMs);
  }

  error(error: AppError) {
    if (error.code === "cancelled") {
      return;
    }
    const words = errorWords[error.code];
    this.show(`${words.title}. ${error.message} ${words.advice}`, words.tone);
  }

  dismiss(id: number) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, "id">, shownMs: number): number {
    const id = this.#nextId++;
    this.list = [...this.list.slice(-2), { ...toast, id }];
    setTimeout(() => this.dismiss(id), shownMs);
    return id;
  }
}
