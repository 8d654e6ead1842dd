"""Makes a tiny random model of every architecture and writes it, with what transformers computes on it in F32.

    python models.py                      all of them
    python models.py qwen3 phi4           these
    python models.py --search 40 qwen3    says which of 40 seeds make a good reference
"""

import argparse
import json
import math
import shutil
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
import transformers

from transformers.integrations.bitnet import AutoBitLinear, WeightQuant
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

import record
import tokenizer
import write_gguf

FIXTURES = Path(__file__).resolve().parents[2] / "crates/wick-engine/tests/fixtures"


@dataclass
class Fixture:
    """A model to make: the field names of transformers, the architecture and pre-tokenizer by their GGUF names.

    `ternary_types` stores the linear layers in blocks of three-valued weights, and keeps no Hub folder of such a model.
    """

    config: str
    model: str
    arch: str
    pre: str
    seed: int
    values: dict
    rope: dict | None = None
    adds_bos: bool = False
    shard_bytes: int | None = None
    extra_config: dict = field(default_factory=dict)
    ternary_types: bool = False
    runs: dict = field(default_factory=lambda: {"default": Run()})


@dataclass
class Run:
    """A computation to write down, with `changes` put into the configuration first.

    transformers takes the long factors where a text is longer than the original context. Other engines take them for
    all texts where their context is, since the keys they have kept cannot turn again; `by_long_factors` is that.
    BitNet rounds the input of each linear layer to eight bits: `int8_activations`, else only the weights are rounded.
    """

    length: int = 100
    steps: int = record.GREEDY_STEPS
    changes: dict = field(default_factory=dict)
    by_long_factors: bool = False
    int8_activations: bool = False


SMALL = {
    "vocab_size": tokenizer.VOCABULARY_SIZE,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "bos_token_id": tokenizer.VOCABULARY_SIZE - 8,
    "eos_token_id": tokenizer.VOCABULARY_SIZE - 6,
    "pad_token_id": tokenizer.VOCABULARY_SIZE - 5,
}
HEADS_4_2 = {"num_attention_heads": 4, "num_key_value_heads": 2}
HEADS_4_1 = {"num_attention_heads": 4, "num_key_value_heads": 1}
HEADS_2_1 = {"num_attention_heads": 2, "num_key_value_heads": 1}
GEMMA3 = SMALL | HEADS_2_1 | {
    "head_dim": 16, "intermediate_size": 32, "sliding_window": 16, "rms_norm_eps": 1e-6,
}

BITNET = HEADS_2_1 | {"tie_word_embeddings": True, "hidden_act": "relu2"}
ONLINE = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online"}
BITNET_RUNS = {"default": Run(), "int8_activations": Run(int8_activations=True)}

MODELS = {
    "llama": Fixture(
        "LlamaConfig", "LlamaForCausalLM", "llama", "smollm", 43,
        SMALL | HEADS_4_2 | {"head_dim": 16, "tie_word_embeddings": False},
        rope={"rope_type": "default", "rope_theta": 10000.0},
        shard_bytes=20_000,
    ),
    "llama3": Fixture(
        "LlamaConfig", "LlamaForCausalLM", "llama", "llama-bpe", 58,
        SMALL | HEADS_2_1 | {"head_dim": 32, "tie_word_embeddings": True},
        rope={
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        },
        adds_bos=True,
    ),
    "qwen2": Fixture(
        "Qwen2Config", "Qwen2ForCausalLM", "qwen2", "qwen2", 15,
        SMALL | HEADS_2_1 | {"tie_word_embeddings": True, "rms_norm_eps": 1e-6},
        rope={"rope_type": "default", "rope_theta": 1000000.0},
    ),
    "qwen3moe": Fixture(
        "Qwen3MoeConfig", "Qwen3MoeForCausalLM", "qwen3moe", "qwen2", 21,
        SMALL | HEADS_2_1 | {
            "head_dim": 16, "tie_word_embeddings": True, "rms_norm_eps": 1e-6, "norm_topk_prob": True,
            "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
        },
        rope={"rope_type": "default", "rope_theta": 1000000.0},
    ),
    "gemma3": Fixture(
        "Gemma3TextConfig", "Gemma3ForCausalLM", "gemma3", "gpt-2", 9,
        GEMMA3 | {"num_hidden_layers": 7, "query_pre_attn_scalar": 16},
        rope={
            "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
        adds_bos=True,
    ),
    "gemma3-scaled": Fixture(
        "Gemma3TextConfig", "Gemma3ForCausalLM", "gemma3", "gpt-2", 18,
        GEMMA3 | {"num_hidden_layers": 6, "query_pre_attn_scalar": 64, "intermediate_size": 16},
        rope={
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
        adds_bos=True,
    ),
    "phi3": Fixture(
        "Phi3Config", "Phi3ForCausalLM", "phi3", "gpt-2", 22,
        SMALL | {
            "num_attention_heads": 2, "num_key_value_heads": 2, "tie_word_embeddings": False, "intermediate_size": 32,
            "original_max_position_embeddings": 256, "sliding_window": 48,
        },
        rope={"rope_type": "default", "rope_theta": 10000.0},
        runs={"default": Run(), "without_window": Run(changes={"sliding_window": None})},
    ),
    "phi4": Fixture(
        "Phi3Config", "Phi3ForCausalLM", "phi3", "gpt-4o", 47,
        SMALL | HEADS_2_1 | {
            "tie_word_embeddings": True, "intermediate_size": 32,
            "original_max_position_embeddings": 96, "sliding_window": 262144,
        },
        rope={
            "rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 0.75,
            "short_factor": [1.0, 1.0, 1.25, 1.5, 1.75, 2.0], "long_factor": [1.0, 1.5, 2.0, 4.0, 8.0, 16.0],
        },
        runs={
            "long": Run(),
            "short": Run(length=32),
            "short_by_long_factors": Run(length=32, by_long_factors=True),
        },
    ),
    "bitnet": Fixture(
        "BitNetConfig", "BitNetForCausalLM", "bitnet", "llama-bpe", 29,
        SMALL | BITNET | {"intermediate_size": 32},
        rope={"rope_type": "default", "rope_theta": 500000.0},
        adds_bos=True,
        extra_config={"quantization_config": ONLINE},
        runs=BITNET_RUNS,
    ),
    "bitnet-ternary": Fixture(
        "BitNetConfig", "BitNetForCausalLM", "bitnet", "llama-bpe", 13,
        SMALL | BITNET | HEADS_4_1 | {"hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 1},
        rope={"rope_type": "default", "rope_theta": 500000.0},
        adds_bos=True,
        extra_config={"quantization_config": ONLINE},
        ternary_types=True,
        runs=BITNET_RUNS,
    ),
    "qwen3": Fixture(
        "Qwen3Config", "Qwen3ForCausalLM", "qwen3", "qwen2", 38,
        SMALL | HEADS_2_1 | {"head_dim": 32, "tie_word_embeddings": True, "rms_norm_eps": 1e-6},
        rope={"rope_type": "default", "rope_theta": 1000000.0},
    ),
}


def spread(name, shape, is_gemma):
    """Mean and standard deviation for a tensor, so that attention looks far back and tokens differ clearly."""
    fan_in = shape[-1]
    if is_gemma and name == "model.norm.weight":
        return 4.0, 0.25
    if "sub_norm" in name:
        return (0.5, 0.125) if "attn" in name else (2.5, 0.25)
    if "norm" in name:
        strong = 0.5 if "post_" in name or "q_norm" in name or "k_norm" in name else 0.0
        return (strong if is_gemma else 1.0), 0.25
    if name.endswith(".bias"):
        return 0.0, 0.5
    if "embed_tokens" in name or "lm_head" in name:
        # Gemma multiplies by the root of the hidden size; the token itself must not outweigh what the layers add.
        return 0.0, 0.1 if is_gemma else 0.6
    for part, gain in (("q_proj", 1.4), ("k_proj", 1.4), ("qkv_proj", 1.4), ("o_proj", 2.0), ("down_proj", 2.0)):
        if part in name:
            return 0.0, gain / math.sqrt(fan_in)
    return 0.0, 1.4 / math.sqrt(fan_in)


def three_valued(shape, deviation, generator):
    """Weights that BitNet rounds to -1, 0 and 1 times a power of two: as many are 0 as are twice their mean."""
    scale = 2.0 ** round(math.log2(deviation))
    quarter = math.prod(shape) // 4
    sizes = torch.cat([torch.zeros(quarter), torch.full((quarter,), 2.0), torch.ones(2 * quarter)])
    sizes = sizes[torch.randperm(4 * quarter, generator=generator)].reshape(shape)
    return sizes * scale * (torch.randint(0, 2, shape, generator=generator) * 2 - 1)


def in_steps_of_q4_0(shape, deviation, generator):
    """Values that Q4_0 holds exactly: whole steps up to 7, and in each block one of 8 that sets the block's scale."""
    steps = (torch.randn(shape, generator=generator) * 3).round().clamp(-7, 7)
    steps[:, ::32] = (torch.randint(0, 2, steps[:, ::32].shape, generator=generator) * 2 - 1) * 8.0
    return steps * 2.0 ** round(math.log2(deviation / 3))


def fill(model, seed, fixture):
    """Random weights that BF16 and F16 both hold exactly, so every file holds the same model."""
    for name, parameter in sorted(model.named_parameters()):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + zlib.crc32(name.encode()))
        mean, deviation = spread(name, parameter.shape, fixture.arch == "gemma3")
        if fixture.arch == "bitnet" and "_proj" in name:
            values = three_valued(parameter.shape, deviation, generator)
        elif fixture.ternary_types and "embed_tokens" in name:
            values = in_steps_of_q4_0(parameter.shape, deviation / 2, generator)
        else:
            values = torch.randn(parameter.shape, generator=generator) * deviation + mean
        values = values.to(torch.bfloat16).to(torch.float32)
        values[values.abs() < 2.0**-14] = 0.0  # F16 is exact only down to here
        parameter.data.copy_(values)


def build(fixture, seed):
    rope = {"rope_parameters": fixture.rope} if fixture.rope else {}
    config = getattr(transformers, fixture.config)(**fixture.values, **rope)
    config._attn_implementation = "eager"
    model = getattr(transformers, fixture.model)(config).eval()
    fill(model, seed, fixture)
    return model


def as_the_hub_has_it(config):
    """A configuration in the form of transformers 4, which most repositories have."""
    old = {name: value for name, value in config.items() if name != "rope_parameters"}
    old["torch_dtype"] = old.pop("dtype")
    old["transformers_version"] = "4.51.3"
    if "num_local_experts" in old:
        old["num_experts"] = old.pop("num_local_experts")
    if "use_sliding_window" in old:
        old["sliding_window"] = 16  # there, but not in use
    rope = config["rope_parameters"]
    full = dict(rope.get("full_attention", rope))
    old["rope_theta"] = full.pop("rope_theta")
    if "sliding_attention" in rope:
        old["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        for name in ("layer_types", "_sliding_window_pattern", "use_bidirectional_attention"):
            del old[name]
        old["sliding_window_pattern"] = 6
    if "partial_rotary_factor" in full:
        old["partial_rotary_factor"] = full.pop("partial_rotary_factor")
    rope_type = full.pop("rope_type")
    if rope_type == "longrope":
        full.pop("original_max_position_embeddings", None)
        full["type"] = rope_type
    elif rope_type != "default":
        full["rope_type"] = rope_type
    old["rope_scaling"] = None if rope_type == "default" else full
    return dict(sorted(old.items()))


def load(fixture, folder, run=Run()):
    config = transformers.AutoConfig.from_pretrained(folder)
    for name, value in run.changes.items():
        setattr(config, name, value)
    config._attn_implementation = "eager"
    model = getattr(transformers, fixture.model).from_pretrained(folder, config=config, dtype=torch.float32).eval()
    if run.by_long_factors:
        longer = config.original_max_position_embeddings + 1
        frequencies, _ = ROPE_INIT_FUNCTIONS["longrope"](config, seq_len=longer)
        model.model.rotary_emb.original_inv_freq.copy_(frequencies)
    for module in model.modules():
        if isinstance(module, AutoBitLinear) and not run.int8_activations:
            module.weight.data = WeightQuant.apply(module.weight.data)
            module.forward = partial(torch.nn.Linear.forward, module)
    return model


def write_hub(fixture, model, hub: Path):
    """config.json is what most repositories have, config.v5.json the same as transformers 5 writes it."""
    shards = {"max_shard_size": fixture.shard_bytes} if fixture.shard_bytes else {}
    model.to(torch.bfloat16).save_pretrained(hub, **shards)
    written = json.loads((hub / "config.json").read_text()) | fixture.extra_config
    for name, config in (("config.v5.json", written), ("config.json", as_the_hub_has_it(written))):
        (hub / name).write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")
    tokenizer.write(hub, fixture.pre, fixture.adds_bos)


def check_both_configurations(fixture, hub: Path, logits, tokens):
    """Both forms of the configuration must mean the same model."""
    both = {name: (hub / name).read_text() for name in ("config.json", "config.v5.json")}
    (hub / "config.json").write_text(both["config.v5.json"])
    try:
        assert torch.equal(record.logits_of(load(fixture, hub), tokens), logits)
    finally:
        (hub / "config.json").write_text(both["config.json"])


def make(name, fixture):
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    hub = folder / "hub"
    hub.mkdir(parents=True)
    write_hub(fixture, build(fixture, fixture.seed), hub)
    vocabulary = fixture.values["vocab_size"]
    runs = {}
    for run_name, run in fixture.runs.items():
        model = load(fixture, hub, run)
        tokens = record.prompt(fixture.seed, run.length, vocabulary)
        runs[run_name] = record.run(model, tokens, run.steps)
        complaints = record.complaints(runs[run_name], vocabulary)
        assert not complaints, f"{name}, {run_name}: {complaints}"
        if run == Run():
            check_both_configurations(fixture, hub, record.logits_of(model, tokens), tokens)
        print(f"{name}, {run_name}: smallest gap {runs[run_name]['smallest_gap']:.4f}")
    types = write_gguf.ternary_types if fixture.ternary_types else write_gguf.f16
    write_gguf.write(folder / "model.gguf", hub, load(fixture, hub).config, fixture.arch, fixture.pre, types)
    expected = {
        "architecture": fixture.arch,
        "made_with": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "runs": runs,
    }
    expected |= tokenizer.record(hub)
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")
    if fixture.ternary_types:
        shutil.rmtree(hub)


def search(name, fixture, seeds):
    """The seeds whose runs are all good references."""
    vocabulary = fixture.values["vocab_size"]
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            write_hub(fixture, build(fixture, seed), Path(folder))
            models = [(run, load(fixture, folder, run)) for run in fixture.runs.values()]
        results = [
            record.run(model, record.prompt(seed, run.length, vocabulary), run.steps) for run, model in models
        ]
        faults = [fault for result in results for fault in record.complaints(result, vocabulary)]
        gap = min(result["smallest_gap"] for result in results)
        print(f"{name} {seed}: smallest gap {gap:.4f} {faults or 'good'}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search", type=int, metavar="SEEDS")
    parser.add_argument("names", nargs="*", default=list(MODELS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.compiler.set_stance("force_eager")  # BitNet's rounding would else need a C++ compiler
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for name in arguments.names:
        if arguments.search:
            search(name, MODELS[name], arguments.search)
        else:
            make(name, MODELS[name])


if __name__ == "__main__":
    sys.exit(main())
