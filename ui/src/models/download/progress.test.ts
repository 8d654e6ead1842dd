import { describe, expect, it } from "vitest";
import type { Download, DownloadState } from "../../ipc/bindings";
import {
  failedSince,
  finishedSince,
  limitFrom,
  nameOf,
  overall,
  shortWords,
  stateWords,
  waitWords,
} from "./progress";

const download = (
  status: DownloadState,
  patch: Partial<Download> = {},
): Download => ({
  id: 1,
  repository: "Qwen/Qwen3-4B-GGUF",
  file: "Qwen3-4B-Q4_K_M.gguf",
  commit: null,
  sizeBytes: 1000,
  doneBytes: 250,
  addedAtMs: 0,
  status,
  notice: null,
  ...patch,
});

const running: DownloadState = {
  state: "downloading",
  bytesPerSecond: 22e6,
  secondsLeft: 50,
};
const corrupt: DownloadState = {
  state: "failed",
  error: { code: "download_corrupt", message: "It is another file." },
};

describe("the queue as a whole", () => {
  it("counts what goes on by itself, and how far that is", () => {
    const total = overall([
      download(running, { id: 1 }),
      download({ state: "queued" }, { id: 2, doneBytes: 0 }),
      download({ state: "paused" }, { id: 3, doneBytes: 1000 }),
    ]);
    expect(total).toEqual({ active: 2, fraction: 0.125, standing: "active" });
  });

  it("waits when nothing moves, and knows no fraction without sizes", () => {
    const waiting = download(
      { state: "waiting", untilMs: 9, reason: "" },
      { sizeBytes: null },
    );
    expect(overall([waiting])).toEqual({
      active: 1,
      fraction: null,
      standing: "waiting",
    });
  });

  it("tells a failure before a pause, and the end when all is over", () => {
    const paused = download({ state: "paused" }, { id: 2 });
    expect(overall([paused, download(corrupt)]).standing).toBe("failed");
    expect(overall([paused]).standing).toBe("paused");
    const over = download({ state: "finished", modelId: "a" });
    expect(overall([over]).standing).toBe("done");
    expect(overall([]).standing).toBe("none");
  });

  it("names the models that came to their end", () => {
    const over = download({ state: "finished", modelId: "a" });
    expect(finishedSince([download(running)], [over])).toEqual(["a"]);
    expect(finishedSince([over], [over])).toEqual([]);
    expect(finishedSince([], [over])).toEqual(["a"]);
  });

  it("names what failed, once", () => {
    const failed = download(corrupt);
    const name = ["Qwen3-4B-Q4_K_M.gguf"];
    expect(failedSince([download(running)], [failed])).toEqual(name);
    expect(failedSince([failed], [failed])).toEqual([]);
    // What had failed before Wick was started is no news.
    expect(failedSince([], [failed])).toEqual([]);
  });
});

describe("words", () => {
  it("tells bytes, speed and time left", () => {
    const large = download(running, { sizeBytes: 2.9e9, doneBytes: 1.8e9 });
    expect(stateWords(large, 0)).toBe(
      "1.8 GB of 2.9 GB · 22.0 MB/s · 50 s left",
    );
    expect(shortWords(large, 0)).toBe("1.8 of 2.9 GB · 22 MB/s · 50 s");
    const begun = download(running, { sizeBytes: 2.9e9, doneBytes: 180e6 });
    expect(shortWords(begun, 0)).toMatch(/^180 MB of 2.9 GB/);
    const unknown = { ...running, secondsLeft: null };
    expect(stateWords(download(unknown), 0)).not.toContain("left");
  });

  it("counts down, and never below nothing", () => {
    expect(waitWords(42_000, 0)).toBe("42 s");
    expect(waitWords(90_000, 0)).toBe("1 min 30 s");
    expect(waitWords(0, 5_000)).toBe("0 s");
    const waiting = download({
      state: "waiting",
      untilMs: 5000,
      reason: "The network is gone.",
    });
    expect(stateWords(waiting, 0)).toBe(
      "The network is gone. Tries again in 5 s.",
    );
    expect(shortWords(waiting, 0)).toBe("tries again in 5 s");
  });

  it("says what failed in people's words", () => {
    expect(shortWords(download(corrupt), 0)).toMatch(/promised/);
    expect(stateWords(download(corrupt), 0)).toMatch(/It is another file/);
  });

  it("calls a set of files by its repository", () => {
    expect(nameOf(download(running))).toBe("Qwen3-4B-Q4_K_M.gguf");
    expect(nameOf(download(running, { file: "a/b.gguf" }))).toBe("b.gguf");
    expect(nameOf(download(running, { file: "" }))).toBe("Qwen3-4B-GGUF");
  });
});

it("reads a limit as people type it", () => {
  expect(limitFrom("")).toBeNull();
  expect(limitFrom(" 2,5 ")).toBe(2_500_000);
  for (const wrong of ["0", "-1", "fast", "1e3", "1000000"]) {
    expect(limitFrom(wrong)).toBeUndefined();
  }
});
