import { expect, it } from "vitest";
import {
  formatAgo,
  formatBytes,
  formatContextLength,
  formatCount,
  formatDuration,
  formatLanguage,
  formatPercent,
  formatSeconds,
  formatSpeed,
  formatTokens,
} from "./formats";

it("writes sizes in decimal units", () => {
  expect(formatBytes(512)).toBe("512 B");
  expect(formatBytes(97_900_000)).toBe("97.9 MB");
  expect(formatBytes(262_144_000)).toBe("262 MB");
  expect(formatBytes(999_960_000)).toBe("1.0 GB");
  expect(formatBytes(2_497_280_256)).toBe("2.5 GB");
});

it("shortens token counts from a thousand on", () => {
  expect(formatTokens(640)).toBe("640");
  expect(formatTokens(1823)).toBe("1.8k");
  expect(formatTokens(2000)).toBe("2k");
  expect(formatTokens(12_345)).toBe("12k");
});

it("writes context lengths as powers of two", () => {
  expect(formatContextLength(8192)).toBe("8k");
  expect(formatContextLength(131_072)).toBe("128k");
  expect(formatContextLength(2000)).toBe("2k");
});

it("writes speeds, seconds, counts and percents", () => {
  expect(formatSpeed(38.42)).toBe("38.4");
  expect(formatSpeed(412.5)).toBe("413");
  expect(formatSeconds(162)).toBe("0.16");
  expect(formatSeconds(12_340)).toBe("12.3");
  expect(formatCount(12_345)).toBe("12,345");
  expect(formatPercent(0.43)).toBe("43%");
  expect(formatPercent(1.7)).toBe("100%");
});

it("writes durations in the unit that fits", () => {
  expect(formatDuration(2140)).toBe("2.1 s");
  expect(formatDuration(9980)).toBe("10 s");
  expect(formatDuration(48_200)).toBe("48 s");
  expect(formatDuration(59_700)).toBe("1 min 0 s");
  expect(formatDuration(72_000)).toBe("1 min 12 s");
});

it("says how long ago something was", () => {
  const now = Date.UTC(2026, 10, 25, 12);
  const ago = (minutes: number) => formatAgo(now - minutes * 60_000, now);
  expect([0, 12, 150, 60 * 30].map(ago)).toEqual([
    "this minute",
    "12 minutes ago",
    "2 hours ago",
    "yesterday",
  ]);
  expect(formatAgo(now + 5000, now)).toBe("this minute");
});

it("names languages by their codes", () => {
  expect([formatLanguage("sv"), formatLanguage("zh")]).toEqual([
    "Swedish",
    "Chinese",
  ]);
});
