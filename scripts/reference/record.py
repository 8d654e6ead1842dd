"""Runs a model in F32 and writes down what it computes."""

import base64

import numpy as np
import torch

SPECIAL_TOKENS = 8  # at the end of every vocabulary
GREEDY_STEPS = 64
SMALLEST_GAP = 1e-3


def logits_of(model, tokens):
    """Logits of every position, computed at once and without a cache. (n_tokens, vocabulary)"""
    with torch.no_grad():
        return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0]


def prompt(seed, length, vocabulary):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, vocabulary - SPECIAL_TOKENS, (length,), generator=generator).tolist()


def pack(values):
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def greedy(model, tokens, steps):
    """The tokens that follow, and at each step how far the best logit is above the second."""
    written, gaps = [], []
    for _ in range(steps):
        best = torch.topk(logits_of(model, tokens + written)[-1], 2)
        gaps.append((best.values[0] - best.values[1]).item())
        written.append(best.indices[0].item())
    return written, gaps


def run(model, tokens, steps=GREEDY_STEPS):
    """The logits of five positions, and the tokens that greedy decoding adds, each from a whole new computation."""
    logits = logits_of(model, tokens)
    last = len(tokens) - 1
    positions = sorted({0, last // 4, last // 2, last * 3 // 4, last})
    written, gaps = greedy(model, tokens, steps)
    return {
        "prompt": tokens,
        "logits": [{"position": at, "f32_le_base64": pack(logits[at].numpy())} for at in positions],
        "greedy": written,
        "smallest_gap": min(gaps),
    }


def complaints(result, vocabulary):
    """Why a run is a poor reference: near ties, an end of turn, or the same few tokens again and again."""
    found = []
    if result["smallest_gap"] < SMALLEST_GAP:
        found.append(f"near tie: {result['smallest_gap']:.2g}")
    if max(result["greedy"]) >= vocabulary - SPECIAL_TOKENS:
        found.append("a special token is written")
    if len(set(result["greedy"])) * 3 < len(result["greedy"]):
        found.append(f"only {len(set(result['greedy']))} different tokens")
    return found
