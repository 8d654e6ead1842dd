import { describe, expect, it } from "vitest";
import { createFakeBackend } from "./fake";
import type { AppEvent } from "./bindings";

describe("the machine of the scripted backend", () => {
  it("is measured on demand, and tells how far it is", async () => {
    const backend = createFakeBackend({ scenario: "first-run", speed: 0 });
    expect((await backend.hardware.inspect()).needsCalibration).toBe(true);
    expect(await backend.hardware.measurements()).toEqual([]);
    const events: AppEvent[] = [];
    await backend.onAppEvent((event) => events.push(event));
    const fractions: number[] = [];
    const kept = await backend.hardware.calibrate((f) => fractions.push(f));
    expect([fractions.at(0), fractions.at(-1)]).toEqual([0, 1]);
    expect(events.at(-1)).toEqual({
      type: "calibration",
      state: { state: "finished" },
    });
    const report = await backend.hardware.inspect();
    expect(report.calibration).toEqual(kept);
    expect(report.needsCalibration).toBe(false);
  });

  it("is left as it was where its measurement is cancelled", async () => {
    const backend = createFakeBackend({ speed: 0 });
    const before = await backend.hardware.inspect();
    const measuring = backend.hardware.calibrate((fraction) => {
      if (fraction > 0.5) void backend.hardware.cancelCalibration();
    });
    await expect(measuring).rejects.toMatchObject({ code: "cancelled" });
    expect(await backend.hardware.inspect()).toEqual(before);
  });
});
