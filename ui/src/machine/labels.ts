// Where the names of points stand, so that none covers another, a point or an edge.

export type Box = { x: number; y: number; width: number; height: number };

export type Labelled = {
  x: number;
  y: number;
  radius: number;
  /** Of its label. */
  width: number;
};

const HEIGHT = 13;
const GAP = 3;

export function overlap(a: Box, b: Box): boolean {
  return (
    a.x < b.x + b.width &&
    b.x < a.x + a.width &&
    a.y < b.y + b.height &&
    b.y < a.y + a.height
  );
}

const inside = (box: Box, bounds: Box) =>
  box.x >= bounds.x &&
  box.y >= bounds.y &&
  box.x + box.width <= bounds.x + bounds.width &&
  box.y + box.height <= bounds.y + bounds.height;

/** Closer to a line than this, a name seems to be that line's. */
const APART = 9;
/** How far the name of a line may reach beyond the edge. */
const BEYOND = 10;

/**
 * Where the names of vertical lines stand, each in a row of its own at the top: right of its line where there is room and
 * no other line is near, else left of it, else left of all lines.
 */
export function limitLabels(
  limits: { at: number; width: number }[],
  { x, y, width }: Box,
): Box[] {
  const lines = limits.map(({ at }) => at);
  return limits.map((limit, index) => {
    const box = (left: number): Box => ({
      x: Math.max(x, left),
      y: y + 2 + 16 * index,
      width: limit.width,
      height: 14,
    });
    const before = (at: number) => box(at - 6 - limit.width);
    const isFree = (one: Box) =>
      one.x + one.width <= x + width + BEYOND &&
      lines.every(
        (at, other) =>
          other === index ||
          at < one.x - APART ||
          at > one.x + one.width + APART,
      );
    const last = before(Math.min(...lines));
    const places = [box(limit.at + 6), before(limit.at), last];
    return places.find(isFree) ?? last;
  });
}

/** A label's box, and which of its sides the text is held by: widths are reckoned, not exact. */
export type Label = Box & { anchor: "start" | "middle" | "end" };

/** The places that suit a label, the best first: beside its point, then above and below, then at its corners. */
function candidates({ x, y, radius, width }: Labelled): Label[] {
  const away = radius + GAP;
  const diagonal = radius * 0.7 + 1;
  const middle = y - HEIGHT / 2;
  const [above, below] = [y - away - HEIGHT + 1, y + away - 1];
  const [higher, lower] = [y - diagonal - HEIGHT + 3, y + diagonal - 3];
  const at = (anchor: Label["anchor"], from: number, top: number): Label => {
    const share = { start: 0, middle: 0.5, end: 1 }[anchor];
    return { anchor, x: from - share * width, y: top, width, height: HEIGHT };
  };
  return [
    at("start", x + away, middle),
    at("end", x - away, middle),
    at("middle", x, above),
    at("middle", x, below),
    at("start", x + diagonal, higher),
    at("start", x + diagonal, lower),
    at("end", x - diagonal, higher),
    at("end", x - diagonal, lower),
  ];
}

/** Where the text of a label is held. */
export function anchorOf({ anchor, x, width }: Label): number {
  return x + { start: 0, middle: 0.5, end: 1 }[anchor] * width;
}

/**
 * A box for each point's label, or null where there is no room for it. Points come in the order of their importance:
 * each takes the best place that those before it, all points and `taken` leave. They lie on `lines` only where there is no
 * other place.
 */
export function placeLabels(
  points: Labelled[],
  bounds: Box,
  taken: Box[] = [],
  lines: Box[] = [],
): (Label | null)[] {
  const dots = points.map(({ x, y, radius }) => ({
    x: x - radius,
    y: y - radius,
    width: 2 * radius,
    height: 2 * radius,
  }));
  const full: Box[] = [...taken];
  return points.map((point, index) => {
    const free = (box: Box) =>
      inside(box, bounds) &&
      full.every((other) => !overlap(box, other)) &&
      dots.every((dot, own) => own === index || !overlap(box, dot));
    const places = candidates(point).filter(free);
    const offLines = (box: Box) => lines.every((line) => !overlap(box, line));
    const box = places.find(offLines) ?? places[0] ?? null;
    if (box) {
      full.push(box);
    }
    return box;
  });
}
