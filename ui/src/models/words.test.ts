import { expect, it } from "vitest";
import {
  fitWord,
  formatMonth,
  formatParameters,
  formatPopularity,
  languageNames,
  licenceName,
  memoryDetails,
  missingBytes,
  plainName,
} from "./words";

it("counts weights as people speak of them", () => {
  expect(
    [134_515_008, 999_885_952, 4_022_468_096, 30e9, 671e9].map(
      formatParameters,
    ),
  ).toEqual(["135M", "1B", "4B", "30B", "671B"]);
  expect(formatParameters(7.6e9)).toBe("7.6B");
});

it("names languages, at most a few", () => {
  expect(languageNames(["en", "sv"])).toBe("English, Swedish");
  expect(languageNames(["en", "de", "fr", "it", "pt", "hi"])).toBe(
    "English, German, French, Italian and 2 more",
  );
  expect(languageNames(["*"])).toBe("more than 100 languages");
  expect(languageNames([])).toBe("not known");
  expect(languageNames(["not a code <b>"])).toBe("not a code <b>");
});

it("knows licences by their names, and others as they are", () => {
  expect(licenceName("apache-2.0")).toBe("Apache 2.0");
  expect(licenceName("<script>")).toBe("<script>");
  expect(licenceName("toString")).toBe("toString");
});

it("shows what a name hides", () => {
  expect(plainName("a\u202egpj.fugg")).toBe("a\ufffdgpj.fugg");
  expect(plainName("a\u0000\u200bb")).toBe("a\ufffd\ufffdb");
  expect(plainName("می\u200cخواهم")).toBe("می\u200cخواهم");
  expect(plainName("שלום Qwen")).toBe("שלום Qwen");
});

it("counts downloads at a glance", () => {
  expect([3, 9_999, 812_400, 1_900_000].map(formatPopularity)).toEqual([
    "3",
    "9,999",
    "812k",
    "1.9M",
  ]);
});

it("tells months of dates, and leaves what is none", () => {
  expect(formatMonth("2025-04")).toBe("Apr 2025");
  expect(formatMonth("2025-03-12T10:30:05.000Z")).toBe("Mar 2025");
  expect(formatMonth("soon")).toBe("soon");
});

it("tells whether a model fits, and what is missing", () => {
  const large = { fit: "too_large", missing_bytes: 5 } as const;
  expect(fitWord({ memory: { fit: "tight" }, speed: null })).toBe("Tight");
  expect(missingBytes({ memory: large, speed: null })).toBe(5);
  expect(missingBytes({ memory: { fit: "tight" }, speed: null })).toBeNull();
  const memory = { weights: 2.5e9, kv_cache: 9e8, work: 2e8, total: 3.6e9 };
  expect(memoryDetails(memory)).toBe(
    "weights 2.5 GB · context 900 MB · working set 200 MB",
  );
});
