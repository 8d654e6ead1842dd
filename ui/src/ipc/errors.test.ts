import { expect, it } from "vitest";
import { asAppError, errorWords } from "./errors";

it("gives every code a title and an advice in sentences", () => {
  for (const words of Object.values(errorWords)) {
    expect(words.title).not.toMatch(/\.$/);
    expect(words.advice).toMatch(/\.$/);
  }
});

it("keeps an error of the application", () => {
  const error = { code: "disk_full", message: "No space on /data." };
  expect(asAppError(error)).toBe(error);
});

it("makes an internal error of anything else", () => {
  expect(asAppError(new Error("boom"))).toEqual({
    code: "internal",
    message: "boom",
  });
  expect(asAppError({ code: "unheard_of", message: "" }).code).toBe("internal");
});
