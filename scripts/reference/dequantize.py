"""Records what the `gguf` package reads from random blocks of every format.

    pip install gguf numpy
    python scripts/reference/dequantize.py crates/wick-kernels/tests/fixtures/dequantize.bin

For each format: a byte with the length of its name, the name, the bytes of blocks and the number of weights as
little-endian u32, the blocks, the weights as f32.
"""

import struct
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from gguf.quants import dequantize

# Where the half-precision scales of a block lie: random bits there would be infinities and NaN.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [], "TQ1_0": [52],
    "TQ2_0": [64], "F16": [0], "BF16": [],
}


def main(path: str) -> None:
    random = np.random.default_rng(7)
    with open(path, "wb") as file:
        for name, scales in SCALES.items():
            kind = Type[name]
            size, block_bytes = GGML_QUANT_SIZES[kind]
            count = 2048 // size if size < 256 else 6
            blocks = random.integers(0, 256, (count, block_bytes), dtype=np.uint8)
            for at in scales:
                values = random.normal(0, 0.02, count).astype(np.float16)
                blocks[:, at : at + 2] = values.view(np.uint8).reshape(count, 2)
            if name == "BF16":
                bits = random.normal(0, 1, count).astype(np.float32).view(np.uint32) >> 16
                blocks = bits.astype(np.uint16).view(np.uint8).reshape(count, 2)
            if name == "TQ1_0":
                # Only bytes that stand for five digits; others are never written.
                digits = random.integers(0, 243, (count, 52))
                blocks[:, :52] = (digits * 256 + 242) // 243
            if name == "MXFP4":
                blocks[:, 0] = np.concatenate([[0, 1, 2, 254], random.integers(100, 130, count - 4)])
            weights = dequantize(blocks, kind).astype(np.float32).reshape(-1)
            file.write(struct.pack("<B", len(name)) + name.encode())
            file.write(struct.pack("<II", blocks.size, weights.size))
            file.write(blocks.tobytes() + weights.astype("<f4").tobytes())


if __name__ == "__main__":
    main(sys.argv[1])
