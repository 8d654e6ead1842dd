import { describe, expect, it } from "vitest";
import {
  binaryTicks,
  decimalTicks,
  domainOf,
  logScale,
  thinned,
} from "./scale";

describe("an axis", () => {
  it("spans its values with room at both ends", () => {
    expect(domainOf([2, 8, 4], 2)).toEqual([1, 16]);
  });

  it("ignores what a logarithm cannot show", () => {
    expect(domainOf([0, -3, Number.NaN, Infinity, 5], 5)).toEqual([1, 25]);
    expect(domainOf([])).toEqual([1, 10]);
  });

  it("gives equal room to equal factors, in either direction", () => {
    const right = logScale([1, 100], [0, 200]);
    expect([1, 10, 100].map(right)).toEqual([0, 100, 200]);
    const up = logScale([1, 100], [200, 0]);
    expect([1, 10, 100].map(up)).toEqual([200, 100, 0]);
  });

  it("keeps what lies outside at its ends", () => {
    const scale = logScale([1, 100], [0, 200]);
    expect([0, -5, 0.1, 1e9].map(scale)).toEqual([0, 0, 0, 200]);
  });

  it("counts memory in powers of two and speed in 1, 2 and 5", () => {
    expect(binaryTicks([0.3, 9])).toEqual([0.5, 1, 2, 4, 8]);
    expect(decimalTicks([0.15, 60])).toEqual([0.2, 0.5, 1, 2, 5, 10, 20, 50]);
  });

  it("leaves out ticks that have no room", () => {
    const scale = logScale([1, 16], [0, 100]);
    expect(thinned([1, 2, 4, 8, 16], scale, 50)).toEqual([1, 4, 16]);
  });
});
