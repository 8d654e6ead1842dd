// Machines of the scripted backend beside its laptop: a container, and a desktop whose graphics card is usable or not.
import type { Gpu, HardwareProfile, Usability } from "./bindings";
import { fakeContainer, fakeProfile } from "./fakeHardware";

const card: Gpu = {
  name: "NVIDIA GeForce RTX 3060",
  vendor: "nvidia",
  kind: "discrete",
  memoryTotalBytes: 12_884_901_888,
  memoryFreeBytes: 11_560_000_000,
  memoryBytesPerSecond: 360_048_000_000,
  computeCapability: "8.6",
  driver: "570.86.16",
  usability: { state: "usable" },
};

function desktop(gpu: Gpu): HardwareProfile {
  return {
    ...fakeProfile,
    processor: {
      ...fakeProfile.processor,
      model: "AMD Ryzen 7 7700 8-Core Processor",
    },
    gpus: [
      gpu,
      {
        name: "AMD Raphael",
        vendor: "amd",
        kind: "integrated",
        memoryTotalBytes: 536_870_912,
        memoryFreeBytes: 514_000_000,
        memoryBytesPerSecond: null,
        computeCapability: null,
        driver: "amdgpu",
        usability: { state: "vendor_not_supported" },
      },
    ],
  };
}

const desktopWith = (usability: Usability, change: Partial<Gpu> = {}) =>
  desktop({ ...card, ...change, usability });

/** What the search tells in each case: what the driver does not tell is not known. */
const desktops = {
  card: desktop(card),
  "card-first-run": desktop(card),
  "card-unmeasured": desktop(card),
  "card-full": desktopWith(
    {
      state: "not_enough_free_memory",
      freeBytes: 610_000_000,
      neededBytes: 1_073_741_824,
    },
    { memoryFreeBytes: 610_000_000 },
  ),
  "card-without-cuda": desktopWith({ state: "not_built_for", backend: "CUDA" }),
  "card-old-driver": desktopWith(
    { state: "driver_too_old", found: "CUDA 11.4", needed: "CUDA 12.0" },
    { driver: "470.256.02" },
  ),
  "card-without-driver": desktopWith(
    { state: "library_missing", library: "libnvidia-ml.so.1" },
    {
      memoryTotalBytes: null,
      memoryFreeBytes: null,
      memoryBytesPerSecond: null,
      computeCapability: null,
      driver: "nouveau",
    },
  ),
} satisfies Record<string, HardwareProfile>;

/** The scenarios in which the machine is the desktop. */
export type DesktopScenario = keyof typeof desktops;

/** The machine of a scenario. */
export function machineOf(scenario: string): HardwareProfile {
  if (scenario === "container") {
    return fakeContainer;
  }
  return Object.hasOwn(desktops, scenario)
    ? desktops[scenario as DesktopScenario]
    : fakeProfile;
}
