// What is told of downloads, in numbers and in words.
import { t } from "../../i18n";
import { formatBytes, formatDuration } from "../../i18n/formats";
import type { Download } from "../../ipc/bindings";
import { errorWords } from "../../ipc/errors";

const words = t.browse.downloads;

export type Total = {
  /** Downloads that go on by themselves. */
  active: number;
  /** How far they are together; null where no size is known. */
  fraction: number | null;
  /** The most important thing to say of the queue. */
  standing: "none" | "active" | "waiting" | "paused" | "failed" | "done";
};

const isOver = ({ status }: Download) => status.state === "finished";
const isActive = ({ status }: Download) =>
  !["finished", "failed", "paused"].includes(status.state);

export function overall(list: Download[]): Total {
  const has = (state: string) =>
    list.some(({ status }) => status.state === state);
  const active = list.filter(isActive);
  const moving = active.some(({ status }) => status.state !== "waiting");
  const counted = active.length > 0 ? active : list.filter((d) => !isOver(d));
  const bytes = counted.reduce((sum, one) => sum + (one.sizeBytes ?? 0), 0);
  const done = counted.reduce((sum, one) => sum + one.doneBytes, 0);
  return {
    active: active.length,
    fraction: bytes > 0 ? Math.min(1, done / bytes) : null,
    standing:
      active.length > 0
        ? moving
          ? "active"
          : "waiting"
        : has("failed")
          ? "failed"
          : has("paused")
            ? "paused"
            : list.length > 0
              ? "done"
              : "none",
  };
}

/** Models whose downloads came to their end between two states of the queue. */
export function finishedSince(before: Download[], after: Download[]): string[] {
  return after.flatMap(({ id, status }) => {
    const old = before.find((one) => one.id === id);
    return status.state === "finished" && old?.status.state !== "finished"
      ? [status.modelId]
      : [];
  });
}

/** What has failed between two states of the queue, by name. */
export function failedSince(before: Download[], after: Download[]): string[] {
  return after
    .filter(({ id, status }) => {
      const old = before.find((one) => one.id === id);
      return status.state === "failed" && old && old.status.state !== "failed";
    })
    .map(nameOf);
}

/** Without the folders and the repository's owner: what people call it. */
export function nameOf({ repository, file }: Download): string {
  const last = file.split("/").at(-1) ?? "";
  return last === "" ? (repository.split("/")[1] ?? repository) : last;
}

export function fractionOf({ doneBytes, sizeBytes }: Download): number | null {
  return sizeBytes ? Math.min(1, doneBytes / sizeBytes) : null;
}

export function amountWords({ doneBytes, sizeBytes }: Download): string {
  return sizeBytes === null
    ? formatBytes(doneBytes)
    : words.progress(formatBytes(doneBytes), formatBytes(sizeBytes));
}

/** `1.8 of 2.9 GB`: the unit once, where it is the same. */
function shortAmount(download: Download): string {
  const [, unit] = formatBytes(download.sizeBytes ?? 0).split(" ");
  return amountWords(download).replace(` ${unit} `, " ");
}

/** How long until it tries again, never less than nothing. */
export function waitWords(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000);
}

/** A line on how it stands. */
export function stateWords(download: Download, nowMs: number): string {
  const { status } = download;
  switch (status.state) {
    case "downloading": {
      const { bytesPerSecond, secondsLeft } = status;
      return [
        amountWords(download),
        words.rate(formatBytes(bytesPerSecond)),
        ...(secondsLeft === null
          ? []
          : [words.left(formatDuration(Math.max(10, secondsLeft) * 1000))]),
      ].join(" · ");
    }
    case "waiting":
      return words.waiting(status.reason, waitWords(status.untilMs, nowMs));
    case "failed":
      return `${errorWords[status.error.code].title}. ${status.error.message}`;
    case "paused":
      return `${words.states.paused} · ${amountWords(download)}`;
    default:
      return words.states[status.state];
  }
}

/** The same where there is little room: in a table. */
export function shortWords(download: Download, nowMs: number): string {
  const { status } = download;
  switch (status.state) {
    case "downloading": {
      const { bytesPerSecond, secondsLeft } = status;
      return [
        shortAmount(download),
        words.rate(formatBytes(bytesPerSecond).replace(/\.\d+/, "")),
        ...(secondsLeft === null
          ? []
          : [formatDuration(Math.max(10, secondsLeft) * 1000)]),
      ].join(" · ");
    }
    case "waiting":
      return words.waitingShort(waitWords(status.untilMs, nowMs));
    case "failed":
      return errorWords[status.error.code].title;
    default:
      return stateWords(download, nowMs);
  }
}

/** Bytes a second from megabytes a second as they were typed; null is no limit, undefined no number. */
export function limitFrom(text: string): number | null | undefined {
  const trimmed = text.trim().replace(",", ".");
  if (trimmed === "") {
    return null;
  }
  const value = /^\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : 0;
  return value > 0 && value <= 100_000 ? Math.round(value * 1e6) : undefined;
}
