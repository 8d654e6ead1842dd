// Logarithmic axes: models differ by factors, in memory as in speed.

/** A value's place on an axis, in pixels. */
export type Scale = (value: number) => number;

/** The span of the values, a little wider, so that no point lies on the edge. */
export function domainOf(values: number[], margin = 1.3): [number, number] {
  const usable = values.filter((value) => Number.isFinite(value) && value > 0);
  if (usable.length === 0) {
    return [1, 10];
  }
  return [Math.min(...usable) / margin, Math.max(...usable) * margin];
}

/** Maps the domain onto the range; what lies outside stands at its end. */
export function logScale(
  [min, max]: [number, number],
  [from, to]: [number, number],
): Scale {
  const span = Math.log(max / min);
  return (value) => {
    const share = Math.log(Math.max(value, Number.MIN_VALUE) / min) / span;
    return from + Math.min(1, Math.max(0, share)) * (to - from);
  };
}

/** Powers of two within the domain: memory is sold in them. */
export function binaryTicks([min, max]: [number, number]): number[] {
  const ticks = [];
  for (let power = Math.ceil(Math.log2(min)); 2 ** power <= max; power += 1) {
    ticks.push(2 ** power);
  }
  return ticks;
}

/** 1, 2 and 5 times powers of ten within the domain. */
export function decimalTicks([min, max]: [number, number]): number[] {
  const ticks = [];
  for (
    let power = Math.floor(Math.log10(min));
    10 ** power <= max;
    power += 1
  ) {
    for (const digit of [1, 2, 5]) {
      // Not 10 ** power * digit: 10 ** -1 * 2 is no 0.2.
      const tick = power < 0 ? digit / 10 ** -power : digit * 10 ** power;
      if (tick >= min && tick <= max) {
        ticks.push(tick);
      }
    }
  }
  return ticks;
}

/** As many of the ticks as have room, the first kept. */
export function thinned(ticks: number[], scale: Scale, room: number): number[] {
  const kept: number[] = [];
  for (const tick of ticks) {
    const last = kept.at(-1);
    if (last === undefined || Math.abs(scale(tick) - scale(last)) >= room) {
      kept.push(tick);
    }
  }
  return kept;
}
