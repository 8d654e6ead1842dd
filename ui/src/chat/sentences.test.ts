import { expect, it } from "vitest";
import { completedSentences, plain } from "./sentences";

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
