// The machine of the scripted backend: a laptop of 16 GB with a graphics processor that is in use elsewhere.
import type { Backend } from "./backend";
import type {
  AppError,
  AppEvent,
  Calibration,
  HardwareProfile,
  KeptCalibration,
  Measurement,
} from "./bindings";

const FINGERPRINT = "5d41402abc4b2a76b9719d911017c592";
const MINUTE = 60_000;

export const fakeProfile: HardwareProfile = {
  processor: {
    model: "AMD Ryzen 7 7840U w/ Radeon 780M Graphics",
    architecture: "x86_64",
    physicalCores: 8,
    logicalCores: 16,
    performanceCores: 8,
    efficiencyCores: 0,
    usableCores: 16,
    instructionSets: ["AVX2", "AVX-512", "AVX-512 VNNI", "AVX-512 BF16"],
    kernels: "avx512-vnni",
  },
  memory: {
    totalBytes: 16_600_000_000,
    availableBytes: 11_200_000_000,
    hostBytes: 16_600_000_000,
    limit: null,
    swapTotalBytes: 8_589_934_592,
    swapFreeBytes: 8_589_934_592,
    pressure: { somePercent: 0, fullPercent: 0 },
  },
  disk: { totalBytes: 511_000_000_000, freeBytes: 212_000_000_000 },
  gpus: [
    {
      name: "NVIDIA GeForce RTX 4060 Laptop GPU",
      vendor: "nvidia",
      kind: "discrete",
      memoryTotalBytes: 8_585_740_288,
      memoryFreeBytes: 610_000_000,
      memoryBytesPerSecond: 256_032_000_000,
      computeCapability: "8.9",
      driver: "570.86.16",
      usability: {
        state: "not_enough_free_memory",
        freeBytes: 610_000_000,
        neededBytes: 1_073_741_824,
      },
    },
    {
      name: "AMD Radeon 780M",
      vendor: "amd",
      kind: "integrated",
      memoryTotalBytes: 536_870_912,
      memoryFreeBytes: 402_653_184,
      memoryBytesPerSecond: null,
      computeCapability: null,
      driver: "amdgpu",
      usability: { state: "vendor_not_supported" },
    },
  ],
  gpuSearch: { asked: ["sysfs", "NVML"], failure: null },
  notes: [],
};

/** A container of 4 GB on a large host, which keeps some of its figures to itself. */
export const fakeContainer: HardwareProfile = {
  ...fakeProfile,
  processor: {
    ...fakeProfile.processor,
    model: "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz",
    physicalCores: 32,
    logicalCores: 64,
    performanceCores: 32,
    usableCores: 4,
  },
  memory: {
    totalBytes: 4_294_967_296,
    availableBytes: 1_080_000_000,
    hostBytes: 66_000_000_000,
    limit: {
      bytes: 4_294_967_296,
      setBy: "/system.slice/docker-8f1c2a.scope memory.max",
    },
    swapTotalBytes: 0,
    swapFreeBytes: 0,
    pressure: { somePercent: 12.4, fullPercent: 3.1 },
  },
  disk: null,
  gpus: [],
  gpuSearch: { asked: ["sysfs", "NVML"], failure: null },
  notes: ["The disk that models lie on could not be read."],
};

const rate = (tensorType: string, decode: number, prefill: number) => ({
  tensorType,
  decodeBytesPerSecond: decode * 1e9,
  prefillMacsPerSecond: prefill * 1e9,
});

export const fakeFigures: Calibration = {
  simd: "avx512-vnni",
  threads: 8,
  memoryBytesPerSecond: [
    27.9, 41.6, 50.2, 54.8, 57.1, 58.3, 58.9, 59.2, 59.2, 59.1, 59.3, 59, 58.8,
    58.9, 58.7, 58.6,
  ].map((gigabytes) => gigabytes * 1e9),
  diskBytesPerSecond: 1.9e9,
  products: [
    rate("Q4_K", 51.4, 812),
    rate("Q6_K", 54.2, 790),
    rate("Q8_0", 56.8, 840),
    rate("F16", 56.1, 244),
    rate("Q4_0", 52.7, 845),
    rate("Q5_1", 53.3, 820),
  ],
  attention: [
    { headDim: 64, prefillMacsPerSecond: 390e9, decodeMacsPerSecond: 310e9 },
    { headDim: 128, prefillMacsPerSecond: 460e9, decodeMacsPerSecond: 330e9 },
  ],
  cacheBytesPerSecond: 49.3e9,
  layers: [
    { embedding: 512, seconds: 8.1e-6 },
    { embedding: 2048, seconds: 14.2e-6 },
  ],
};

const entry = (
  minutesAgo: number,
  modelId: string,
  quantization: string,
  memory: [number, number],
  decode: [number, number],
): Measurement => ({
  measuredAtMs: Date.now() - minutesAgo * MINUTE,
  fingerprint: FINGERPRINT,
  modelId,
  architecture: modelId === "b2" ? "qwen3" : "llama",
  quantization,
  contextLength: 8192,
  usedTokens: 640,
  threads: 8,
  cacheType: "f16",
  predicted: {
    peakMemoryBytes: memory[0] * 1e6,
    prefillTokensPerSecond: decode[0] * 11,
    decodeTokensPerSecond: decode[0],
  },
  measured: {
    peakMemoryBytes: memory[1] * 1e6,
    prefillTokensPerSecond: decode[1] * 10.6,
    decodeTokensPerSecond: decode[1],
  },
});

type Options = {
  /** Whether the machine was measured before. */
  measured: boolean;
  profile?: HardwareProfile;
  /** Whether measurements end early. */
  failing?: boolean;
  pause: (ms: number) => Promise<void>;
  emit: (event: AppEvent) => void;
};

export function fakeHardware({
  measured,
  profile = fakeProfile,
  failing = false,
  pause,
  emit,
}: Options): Backend["hardware"] {
  const keep = (minutesAgo: number): KeptCalibration => ({
    fingerprint: FINGERPRINT,
    wickVersion: "0.1.0",
    measuredAtMs: Date.now() - minutesAgo * MINUTE,
    figures: {
      ...fakeFigures,
      threads: Math.min(fakeFigures.threads, profile.processor.usableCores),
    },
  });
  let calibration = measured ? keep(12) : null;
  let cancelled = false;

  return {
    async inspect() {
      await pause(200);
      return {
        profile,
        fingerprint: FINGERPRINT,
        calibration,
        needsCalibration: calibration === null,
      };
    },
    async calibrate(onProgress) {
      cancelled = false;
      for (let step = 0; step <= 40; step += 1) {
        if (cancelled) {
          const error: AppError = { code: "cancelled", message: "cancelled" };
          emit({ type: "calibration", state: { state: "failed", error } });
          throw error;
        }
        if (failing && step === 4) {
          const error: AppError = {
            code: "engine_crashed",
            message: "The engine ended with signal 9 (killed).",
          };
          emit({ type: "calibration", state: { state: "failed", error } });
          throw error;
        }
        const fraction = step / 40;
        onProgress(fraction);
        emit({ type: "calibration", state: { state: "running", fraction } });
        await pause(180);
      }
      calibration = keep(0);
      emit({ type: "calibration", state: { state: "finished" } });
      return calibration;
    },
    async cancelCalibration() {
      cancelled = true;
    },
    async measurements() {
      return measured
        ? [
            entry(3, "b2", "Q4_K_M", [3420, 3390], [14.1, 13.6]),
            entry(9, "b2", "Q4_K_M", [3420, 3402], [14.1, 13.9]),
            entry(42, "a1", "Q4_1", [298, 301], [212, 224]),
          ]
        : [];
    },
  };
}
