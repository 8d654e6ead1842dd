import { describe, expect, it } from "vitest";
import {
  limitLabels,
  overlap,
  placeLabels,
  type Box,
  type Labelled,
} from "./labels";

const bounds: Box = { x: 0, y: 0, width: 400, height: 200 };
const point = (x: number, y: number, width = 60): Labelled => ({
  x,
  y,
  radius: 5,
  width,
});

/** Points as a machine gives them: many, along a line, some in a crowd. */
const crowd = Array.from({ length: 24 }, (_, index) =>
  point(20 + ((index * 37) % 360), 20 + ((index * 53) % 160), 70),
);

describe("labels", () => {
  it("stand right of their points where there is room", () => {
    const [box] = placeLabels([point(100, 100)], bounds);
    expect(box?.x).toBeGreaterThan(105);
  });

  it("go to the other side at the edge", () => {
    const [box] = placeLabels([point(390, 100)], bounds);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThan(385);
  });

  it("never cover each other, a point or the edge", () => {
    const boxes = placeLabels(crowd, bounds);
    const placed = boxes.filter((box) => box !== null);
    expect(placed.length).toBeGreaterThan(10);
    placed.forEach((box, index) => {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(bounds.width);
      for (const other of placed.slice(index + 1)) {
        expect(overlap(box, other)).toBe(false);
      }
      for (const { x, y } of crowd.filter((_, own) => boxes[own] !== box)) {
        const dot = { x: x - 5, y: y - 5, width: 10, height: 10 };
        expect(overlap(box, dot)).toBe(false);
      }
    });
  });

  it("give way to more important ones and are left out where nothing is free", () => {
    const same = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(() => point(200, 100));
    const boxes = placeLabels(same, { x: 150, y: 80, width: 130, height: 40 });
    expect(boxes[0]).not.toBeNull();
    expect(boxes.at(-1)).toBeNull();
  });

  it("keep off what is drawn already", () => {
    const taken = { x: 105, y: 80, width: 100, height: 40 };
    const [box] = placeLabels([point(100, 100)], bounds, [taken]);
    expect(box && overlap(box, taken)).toBe(false);
  });

  it("lie on a line only where there is no other place", () => {
    const line = { x: 120, y: 0, width: 2, height: 200 };
    const [box] = placeLabels([point(100, 100)], bounds, [], [line]);
    expect(box && overlap(box, line)).toBe(false);
    const narrow = { x: 95, y: 90, width: 75, height: 20 };
    const [forced] = placeLabels([point(100, 100)], narrow, [], [line]);
    expect(forced && overlap(forced, line)).toBe(true);
  });
});

describe("the names of lines", () => {
  const named = (...at: number[]) =>
    limitLabels(
      at.map((one) => ({ at: one, width: 80 })),
      bounds,
    );

  it("stand right of a line alone, and left of it at the edge", () => {
    expect(named(100)[0]?.x).toBe(106);
    expect(named(350)[0]?.x).toBe(350 - 6 - 80);
  });

  it("stand outside two lines that are close, each beside its own", () => {
    for (const [left, right] of [
      named(200, 205),
      named(205, 200).reverse(),
    ] as const) {
      expect((left?.x ?? 0) + 80).toBe(194);
      expect(right?.x).toBe(211);
    }
  });

  it("lie on no line and not on each other, wherever the lines are", () => {
    for (let a = 100; a < 400; a += 7) {
      for (let b = 100; b < 400; b += 11) {
        const boxes = named(a, b);
        const [one, other] = boxes as [Box, Box];
        expect(overlap(one, other)).toBe(false);
        for (const box of boxes) {
          for (const at of [a, b]) {
            expect(at > box.x && at < box.x + box.width).toBe(false);
          }
        }
      }
    }
  });
});
