// Why a graphics processor cannot be used, and what helps; and the processor's name without its decoration.
import { t } from "../i18n";
import { formatBytes } from "../i18n/formats";
import type {
  Estimate,
  Gpu,
  HardwareProfile,
  Usability,
} from "../ipc/bindings";

export type GpuWords = { title: string; advice: string | null };

export function usabilityWords(usability: Usability): GpuWords {
  const words = t.machine.gpu;
  switch (usability.state) {
    case "usable":
      return { title: words.usable, advice: null };
    case "not_built_for":
      return {
        title: words.notBuiltFor(usability.backend),
        advice: words.notBuiltForAdvice(usability.backend),
      };
    case "library_missing":
      return {
        title: words.libraryMissing(usability.library),
        advice: words.libraryMissingAdvice,
      };
    case "driver_too_old":
      return {
        title: words.driverTooOld(usability.found, usability.needed),
        advice: words.driverTooOldAdvice,
      };
    case "too_old":
      return {
        title: words.tooOld(usability.found, usability.needed),
        advice: words.tooOldAdvice,
      };
    case "not_enough_free_memory":
      return {
        title: words.notEnoughFree(
          formatBytes(usability.freeBytes),
          formatBytes(usability.neededBytes),
        ),
        advice: words.notEnoughFreeAdvice,
      };
    case "hidden":
      return {
        title: words.hidden(usability.variable),
        advice: words.hiddenAdvice(usability.variable),
      };
    case "vendor_not_supported":
      return { title: words.vendor, advice: words.vendorAdvice };
    case "driver_failed":
      return {
        title: words.driverFailed(usability.reason),
        advice: words.driverFailedAdvice,
      };
  }
}

/** The one that Wick computes with: of those that can be used, the one with the most free memory. */
export function usableGpu({ gpus }: HardwareProfile): Gpu | undefined {
  const free = (gpu: Gpu) => gpu.memoryFreeBytes ?? 0;
  return gpus
    .filter(({ usability }) => usability.state === "usable")
    .reduce<Gpu | undefined>(
      (best, gpu) => (best && free(best) > free(gpu) ? best : gpu),
      undefined,
    );
}

/** What is free of the memory that a model is computed in. */
export function freeBytesFor(
  { place }: Pick<Estimate, "place">,
  profile: HardwareProfile,
): number {
  return place.kind === "gpu"
    ? (usableGpu(profile)?.memoryFreeBytes ?? 0)
    : profile.memory.availableBytes;
}

/** `AVX-512 VNNI` beside `AVX-512` is told by its own name. */
export function shortInstructionSets(sets: string[]): string {
  const family = (set: string) =>
    sets.find((one) => one !== set && set.startsWith(`${one} `));
  return sets
    .map((set) => set.slice((family(set)?.length ?? -1) + 1))
    .join(" · ");
}

/** `AMD Ryzen 7 7840U w/ Radeon 780M Graphics` is an `AMD Ryzen 7 7840U`. */
export function shortProcessorName(name: string): string {
  return name
    .replace(/\((?:R|TM|C)\)/gi, " ")
    .replace(/\s(?:w\/|with)\s.*$/i, "")
    .replace(/\s@.*$/, "")
    .replace(/\b\d+-Core\b/i, "")
    .replace(/\b(?:CPU|Processor)\b/gi, "")
    .replace(/\s+/g, " ")
    .trim();
}
