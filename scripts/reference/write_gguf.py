"""Writes a Hub folder as GGUF, with the keys, names and changes to tensors that llama.cpp's own converter makes."""

import json
import math
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors import safe_open


def read_tensors(hub: Path):
    """All tensors of all shards, in F32."""
    tensors = {}
    for shard in sorted(hub.glob("*.safetensors")):
        with safe_open(shard, framework="pt") as file:
            for name in file.keys():
                tensors[name] = file.get_tensor(name).to(torch.float32)
    return dict(sorted(tensors.items()))


def interleave_rotary_halves(weight, heads):
    """GGUF's llama rotates neighbours (0, 1), the Hub's weights rotate halves (0, head_dim / 2)."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def part_rotary_halves(weight, heads):
    """The way back from `interleave_rotary_halves`."""
    rows = weight.shape[0]
    return weight.reshape(heads, rows // heads // 2, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def llama3_factors(rope, head_dim):
    """What each rotary frequency is divided by. (head_dim / 2)"""
    factors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * math.pi * rope["rope_theta"] ** (i / head_dim)
        original, low, high = (
            rope[key] for key in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor")
        )
        if wavelength < original / high:
            factors.append(1.0)
        elif wavelength > original / low:
            factors.append(rope["factor"])
        else:
            smooth = (original / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return torch.tensor(factors, dtype=torch.float32)


def add_vocabulary(writer, hub: Path, pre):
    tokenizer = json.loads((hub / "tokenizer.json").read_text())
    vocabulary = dict(tokenizer["model"]["vocab"])
    types = {}
    for added in tokenizer["added_tokens"]:
        vocabulary[added["content"]] = added["id"]
        types[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda entry: entry[1])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([types.get(i, gguf.TokenType.NORMAL) for i in range(len(tokens))])
    gguf.SpecialVocab(hub, load_merges=True, n_vocab=len(tokens)).add_to_gguf(writer, quiet=True)


def add_common_keys(writer, config):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)


def add_rope_keys(writer, config):
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if "sliding_attention" in config.rope_parameters:
        writer.add_rope_freq_base_swa(config.rope_parameters["sliding_attention"]["rope_theta"])


def head_dim_of(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def add_head_dim_keys(writer, config):
    if getattr(config, "head_dim", None) is not None:
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)


def f16(name):
    return Type.F16


def ternary_types(name):
    """Both block formats of three-valued weights, and four bits for the embedding."""
    if name == "token_embd.weight":
        return Type.Q4_0
    return Type.TQ1_0 if ".attn_" in name else Type.TQ2_0


FILE_TYPES = {f16: gguf.LlamaFileType.MOSTLY_F16, ternary_types: gguf.LlamaFileType.MOSTLY_TQ1_0}


def write(path: Path, hub: Path, config, arch, pre, matrix_type=f16):
    """`matrix_type` says by its GGUF name in which type a matrix is stored. What the type would lose is refused."""
    model_arch = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}[arch]
    writer = gguf.GGUFWriter(path, arch)
    writer.add_type(gguf.GGUFType.MODEL)
    # Not the fixture's own name: llama.cpp looks for special tokens of Phi-3 where it reads that name here.
    writer.add_name("Reference model")
    add_common_keys(writer, config)
    tensors = dict(FAMILIES[arch](writer, config))
    writer.add_file_type(FILE_TYPES.get(matrix_type, gguf.LlamaFileType.ALL_F32))
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_vocabulary(writer, hub, pre)

    names = gguf.get_tensor_name_map(model_arch, config.num_hidden_layers)
    change = CHANGES.get(arch, lambda name, tensor, config: tensor)
    for name, tensor in merge_experts(read_tensors(hub), config).items():
        known = name.replace("attn_sub_norm", "inner_attn_ln").replace("ffn_sub_norm", "ffn_layernorm")
        tensors[names.get_name(known, try_suffixes=(".weight", ".bias"))] = change(name, tensor, config)
    for name, tensor in tensors.items():
        assert name is not None
        is_matrix = tensor.ndim > 1 and not name.endswith("ffn_gate_inp.weight")
        wanted = matrix_type(name) if is_matrix else Type.F32
        data = gguf.quants.quantize(tensor.contiguous().numpy(), wanted)
        assert np.array_equal(gguf.quants.dequantize(data, wanted), tensor.numpy()), f"{name} loses by {wanted.name}"
        writer.add_tensor(name, data, raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merge_experts(tensors, config):
    """The Hub has a matrix for each expert, GGUF one tensor for all: (experts, out, in)."""
    experts = getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None)
    if not experts:
        return tensors
    merged = {name: tensor for name, tensor in tensors.items() if ".experts." not in name}
    for layer in range(config.num_hidden_layers):
        for part in ("gate_proj", "up_proj", "down_proj"):
            start = f"model.layers.{layer}.mlp.experts"
            parts = [tensors[f"{start}.{expert}.{part}.weight"] for expert in range(experts)]
            merged[f"{start}.{part}.weight"] = torch.stack(parts)
    return merged


def llama(writer, config):
    add_rope_keys(writer, config)
    add_head_dim_keys(writer, config)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(head_dim_of(config))
    if config.rope_parameters["rope_type"] == "llama3":
        return {"rope_freqs.weight": llama3_factors(config.rope_parameters, head_dim_of(config))}
    return {}


def change_llama(name, tensor, config):
    if ".q_proj." in name:
        return interleave_rotary_halves(tensor, config.num_attention_heads)
    if ".k_proj." in name:
        return interleave_rotary_halves(tensor, config.num_key_value_heads)
    return tensor


def qwen(writer, config):
    add_rope_keys(writer, config)
    add_head_dim_keys(writer, config)
    return {}


def qwen3moe(writer, config):
    writer.add_expert_count(config.num_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    return qwen(writer, config)


def gemma3(writer, config):
    add_rope_keys(writer, config)
    add_head_dim_keys(writer, config)
    writer.add_sliding_window(config.sliding_window)
    return {}


def change_gemma3(name, tensor, config):
    if not name.endswith("norm.weight"):
        return tensor
    # GGUF has no key for query_pre_attn_scalar: readers divide by the square root of head_dim, so the rest goes here.
    scale = math.sqrt(config.head_dim / config.query_pre_attn_scalar) if name.endswith("q_norm.weight") else 1.0
    return (tensor + 1) * scale


def phi3(writer, config):
    rope = config.rope_parameters
    original = config.original_max_position_embeddings
    writer.add_rope_scaling_orig_ctx_len(original)
    writer.add_rope_dimension_count(int(rope["partial_rotary_factor"] * config.hidden_size) // config.num_attention_heads)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_sliding_window(config.sliding_window or 0)
    if rope["rope_type"] != "longrope":
        return {}
    scale = config.max_position_embeddings / original
    writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(scale) / math.log(original)))
    return {
        f"rope_factors_{length}.weight": torch.tensor(rope[f"{length}_factor"], dtype=torch.float32)
        for length in ("long", "short")
    }


def bitnet(writer, config):
    add_rope_keys(writer, config)
    writer.add_string("bitnet.hidden_activation", config.hidden_act)
    writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
    writer.add_rope_scaling_factor(1.0)
    return {}


def change_bitnet(name, tensor, config):
    """Rounded to -1, 0 and 1 times the mean size of the whole matrix."""
    if "_proj." not in name:
        return tensor
    scale = tensor.abs().mean()
    return (tensor / scale).round().clamp(-1, 1) * scale


FAMILIES = {
    "llama": llama,
    "qwen2": qwen,
    "qwen3": qwen,
    "qwen3moe": qwen3moe,
    "gemma3": gemma3,
    "phi3": phi3,
    "bitnet": bitnet,
}
CHANGES = {"llama": change_llama, "gemma3": change_gemma3, "bitnet": change_bitnet}
