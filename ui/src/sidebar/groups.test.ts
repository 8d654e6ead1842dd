import { expect, it } from "vitest";
import { groupByDate } from "./groups";

const now = new Date(2026, 10, 24, 9, 30);
const at = (day: number, hour: number, month = 10) =>
  new Date(2026, month, day, hour).getTime();
const chat = (id: number, updatedAtMs: number) => ({
  id,
  title: `${id}`,
  updatedAtMs,
});

const names = (...times: number[]) =>
  groupByDate(
    times.map((time, index) => chat(index, time)),
    now,
  ).map((group) => group.name);

it("puts each chat under its day", () => {
  expect(names(at(24, 9), at(23, 23), at(20, 12), at(1, 12, 8))).toEqual([
    "today",
    "yesterday",
    "previousWeek",
    "older",
  ]);
});

it("counts days from midnight, not from now", () => {
  expect(names(at(24, 0))).toEqual(["today"]);
  expect(names(at(24, 0) - 1)).toEqual(["yesterday"]);
  expect(names(at(17, 0))).toEqual(["previousWeek"]);
  expect(names(at(17, 0) - 1)).toEqual(["older"]);
});

it("leaves out empty groups and keeps the order", () => {
  const groups = groupByDate([chat(1, at(24, 9)), chat(2, at(24, 8))], now);
  expect(groups).toHaveLength(1);
  expect(groups[0]?.chats.map(({ id }) => id)).toEqual([1, 2]);
});

it("takes a time in the future for today", () => {
  expect(names(at(25, 9))).toEqual(["today"]);
});
