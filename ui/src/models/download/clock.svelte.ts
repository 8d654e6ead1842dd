// The time, second by second, while somebody counts down.
export function secondsClock(isNeeded: () => boolean): {
  readonly now: number;
} {
  let now = $state(Date.now());
  $effect(() => {
    if (!isNeeded()) {
      return;
    }
    now = Date.now();
    const timer = setInterval(() => (now = Date.now()), 1000);
    return () => clearInterval(timer);
  });
  return {
    get now() {
      return now;
    },
  };
}
