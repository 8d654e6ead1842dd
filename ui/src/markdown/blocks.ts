// A reply in blocks, so that a new token re-renders only the block it lands in.
import type { Token } from "marked";
import { lex, renderBlock } from "./render";

export type Block = { source: string; html: string };

/** Renders a text that grows at its end. Keep one for each message. */
export class BlockRenderer {
  /** The text that can no longer change its meaning, and its blocks. */
  #settledText = "";
  #settled: Block[] = [];
  #tail: Block[] = [];

  render(text: string): Block[] {
    if (!text.startsWith(this.#settledText)) {
      this.#settledText = "";
      this.#settled = [];
      this.#tail = [];
    }
    const tokens = lex(text.slice(this.#settledText.length));
    // The last block may still grow; all before it are settled.
    const open = tokens.findLastIndex((token) => token.type !== "space");
    const known = this.#tail;
    const blocks = tokens
      .filter((token) => token.type !== "space" && token.type !== "def")
      .map((token, index) => toBlock(token, known[index]));
    const openToken = tokens[open];
    const settledCount = tokens
      .slice(0, Math.max(open, 0))
      .filter((token) => token.type !== "space" && token.type !== "def").length;
    if (openToken && open > 0) {
      this.#settled = [...this.#settled, ...blocks.slice(0, settledCount)];
      this.#settledText += tokens
        .slice(0, open)
        .map((token) => token.raw)
        .join("");
      this.#tail = blocks.slice(settledCount);
    } else {
      this.#tail = blocks;
    }
    return [...this.#settled, ...this.#tail];
  }
}

function toBlock(token: Token, known: Block | undefined): Block {
  return known?.source === token.raw
    ? known
    : { source: token.raw, html: renderBlock(token) };
}
