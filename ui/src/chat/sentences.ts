// Which part of a growing reply a screen reader can be told: whole sentences only.

/** The sentences that became complete since `from`, and where to go on next time. */
export function completedSentences(
  text: string,
  from: number,
): { sentences: string; end: number } {
  const rest = text.slice(from);
  const pattern = /[.!?…。！？]["'”’)\]]*\s|\n/g;
  let length = 0;
  for (const match of rest.matchAll(pattern)) {
    length = match.index + match[0].length;
  }
  return { sentences: plain(rest.slice(0, length)), end: from + length };
}

/** The end of a growing text, for a glimpse of it. It begins anew only every few hundred characters, so that
 * its lines do not break elsewhere with each word. */
export function tailOf(text: string): string {
  const step = 400;
  const start = Math.max(0, Math.floor(text.length / step) - 1) * step;
  return plain(text.slice(start));
}

/** Markdown's marks are not worth hearing. */
export function plain(markdown: string): string {
  return markdown
    .replace(/[*_`#>|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
