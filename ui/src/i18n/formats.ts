// Numbers, sizes and times as people read them.
const locale = "en";

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(locale, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const twoDigits = new Intl.NumberFormat(locale, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const upToThree = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
const wholePercent = new Intl.NumberFormat(locale, {
  style: "percent",
  maximumFractionDigits: 0,
});

export function formatCount(value: number): string {
  return whole.format(value);
}

/** A setting's value or limit: as many digits as it has. */
export function formatNumber(value: number): string {
  return upToThree.format(value);
}

export function formatPercent(fraction: number): string {
  return wholePercent.format(Math.min(1, Math.max(0, fraction)));
}

/** `640`, `1.8k`, `128k`: enough to compare token counts at a glance. */
export function formatTokens(tokens: number): string {
  if (tokens < 1000) {
    return whole.format(tokens);
  }
  const thousands = tokens / 1000;
  const text =
    thousands < 10 ? oneDigit.format(thousands) : whole.format(thousands);
  return `${text.replace(/\.0$/, "")}k`;
}

/** Context lengths are powers of two: `8192` is `8k`. */
export function formatContextLength(tokens: number): string {
  return tokens >= 1024 && tokens % 1024 === 0
    ? `${whole.format(tokens / 1024)}k`
    : formatTokens(tokens);
}

/** Decimal units, as disks and file managers count. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text =
    unit < 2 || value >= 100 ? whole.format(value) : oneDigit.format(value);
  return `${text} ${units[unit]}`;
}

export function formatSpeed(tokensPerSecond: number): string {
  return tokensPerSecond >= 100
    ? whole.format(tokensPerSecond)
    : oneDigit.format(tokensPerSecond);
}

/** `2.1 s`, `48 s`, `1 min 12 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) {
    return `${oneDigit.format(seconds)} s`;
  }
  const total = Math.round(seconds);
  return total < 60
    ? `${total} s`
    : `${Math.floor(total / 60)} min ${total % 60} s`;
}

export function formatSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return seconds >= 10 ? oneDigit.format(seconds) : twoDigits.format(seconds);
}

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** `12 minutes ago`, `yesterday`; less than a minute is `this minute`. */
export function formatAgo(atMs: number, nowMs: number): string {
  const passed = Math.max(0, nowMs - atMs);
  const [unit, length] = STEPS.find(([, ms]) => passed >= ms) ?? [
    "minute",
    60_000,
  ];
  return relative.format(-Math.floor(passed / length), unit);
}

const dateAndTime = new Intl.DateTimeFormat(locale, {
  dateStyle: "medium",
  timeStyle: "short",
});

export function formatDate(atMs: number): string {
  return dateAndTime.format(atMs);
}

const languageNames = new Intl.DisplayNames(locale, { type: "language" });

/** `sv` is Swedish. */
export function formatLanguage(code: string): string {
  return languageNames.of(code) ?? code;
}
