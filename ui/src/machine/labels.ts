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

/** The places that suit a label, the best first: beside its point, then above and below, then at its corners. */
function candidates({ x, y, radius, width }: Labelled): Box[] {
  const away = radius + GAP;
  const diagonal = radius * 0.7 + 1;
  const [right, left] = [x + away, x - away - width];
  const [above, below] = [y - away - HEIGHT + 1, y + away - 1];
  const corner = [
    [x + diagonal, y - diagonal - HEIGHT + 3],
    [x + diagonal, y + diagonal - 3],
    [x - diagonal - width, y - diagonal - HEIGHT + 3],
    [x - diagonal - width, y + diagonal - 3],
  ] as const;
  const places = [
    [right, y - HEIGHT / 2],
    [left, y - HEIGHT / 2],
    [x - width / 2, above],
    [x - width / 2, below],
    ...corner,
  ] as const;
  return places.map(([at, top]) => ({ x: at, y: top, width, height: HEIGHT }));
}

/**
 * A box for each point's label, or null where there is no room for it. Points come in the order of their importance:
 * each takes the best place that those before it, all points and `taken` leave.
 */
export function placeLabels(
  points: Labelled[],
  bounds: Box,
  taken: Box[] = [],
): (Box | null)[] {
  const dots = points.map(({ x, y, radius }) => ({
    x: x - radius,
    y: y - radius,
    width: 2 * radius,
    height: 2 * radius,
  }));
  const full = [...taken];
  return points.map((point, index) => {
    const free = (box: Box) =>
      inside(box, bounds) &&
      full.every((other) => !overlap(box, other)) &&
      dots.every((dot, own) => own === index || !overlap(box, dot));
    const box = candidates(point).find(free) ?? null;
    if (box) {
      full.push(box);
    }
    return box;
  });
}
