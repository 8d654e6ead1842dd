import { expect, it } from "vitest";
import { completedSentences, plain, tailOf } from "./sentences";

it("waits for the end of a sentence", () => {
  expect(completedSentences("A candle bur", 0)).toEqual({
    sentences: "",
    end: 0,
  });
});

it("tells whole sentences and goes on after them", () => {
  const first = completedSentences("It burns. It mel", 0);
  expect(first).toEqual({ sentences: "It burns.", end: 10 });
  const second = completedSentences("It burns. It melts.\n", first.end);
  expect(second.sentences).toBe("It melts.");
});

it("does not break numbers apart", () => {
  expect(completedSentences("About 3.5 gra", 0).sentences).toBe("");
});

it("leaves out the marks of markdown", () => {
  expect(plain("## A **bold** `word`")).toBe("A bold word");
});

it("shows the end of a text, beginning anew only now and then", () => {
  const words = "A candle burns. ".repeat(100);
  const short = tailOf(words.slice(0, 849));
  const longer = tailOf(words.slice(0, 860));
  expect(words.slice(0, 849).endsWith(short)).toBe(true);
  expect(short.length).toBeGreaterThan(400);
  expect(longer.startsWith(short)).toBe(true);
  expect(tailOf("A **short** one")).toBe("A short one");
});
