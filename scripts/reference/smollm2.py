"""What a real model computes in F32: the starter model's own weights, taken out of their blocks, run by transformers.

    python smollm2.py MODEL.gguf                          writes expected.json of the fixture smollm2
    python smollm2.py MODEL.gguf --perplexity TEXT --chunks 40   prints the perplexity, counted as llama.cpp counts it
"""

import argparse
import hashlib
import json
import math
from pathlib import Path

import gguf
import torch
import transformers
from jinja2.sandbox import ImmutableSandboxedEnvironment

import record
import tokenizer
import write_gguf
from models import FIXTURES

CHUNK = 512
STEPS = 48
QUESTIONS = ("What is the capital of France?", "Write two sentences about a candle in a dark room.")


def read_metadata(reader):
    return {name: field.contents() for name, field in reader.fields.items()}


def build_tokenizer(metadata):
    tokens = metadata["tokenizer.ggml.tokens"]
    types = metadata["tokenizer.ggml.token_type"]
    control = [token for token, kind in zip(tokens, types) if kind == gguf.TokenType.CONTROL]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    assert metadata["tokenizer.ggml.pre"] == "smollm" and not metadata["tokenizer.ggml.add_bos_token"]
    return tokenizer.build(tokens, merges, "smollm", control)


def build_model(reader, metadata):
    config = transformers.LlamaConfig(
        vocab_size=metadata["llama.vocab_size"],
        hidden_size=metadata["llama.embedding_length"],
        intermediate_size=metadata["llama.feed_forward_length"],
        num_hidden_layers=metadata["llama.block_count"],
        num_attention_heads=metadata["llama.attention.head_count"],
        num_key_value_heads=metadata["llama.attention.head_count_kv"],
        max_position_embeddings=metadata["llama.context_length"],
        rms_norm_eps=metadata["llama.attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": metadata["llama.rope.freq_base"]},
        tie_word_embeddings=True,
    )
    config._attn_implementation = "eager"
    model = transformers.LlamaForCausalLM(config).eval()
    stored = {tensor.name: tensor for tensor in reader.tensors}
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, parameter in model.named_parameters():
        tensor = stored.pop(names.get_name(name, try_suffixes=(".weight",)))
        weight = torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())
        if ".q_proj." in name:
            weight = write_gguf.part_rotary_halves(weight, config.num_attention_heads)
        if ".k_proj." in name:
            weight = write_gguf.part_rotary_halves(weight, config.num_key_value_heads)
        assert weight.shape == parameter.shape
        parameter.data.copy_(weight)
    assert not stored, f"not used: {list(stored)}"
    return model


def render(metadata, question):
    template = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(
        metadata["tokenizer.chat_template"]
    )
    return template.render(messages=[{"role": "user", "content": question}], add_generation_prompt=True)


def answer(model, encoder, metadata, question):
    rendered = render(metadata, question)
    prompt = encoder.encode(rendered).ids
    best = torch.topk(record.logits_of(model, prompt)[-1], 20)
    written, gaps = record.greedy(model, prompt, STEPS)
    return {
        "question": question,
        "rendered": rendered,
        "prompt": prompt,
        "top": [{"id": id, "logit": logit} for id, logit in zip(best.indices.tolist(), best.values.tolist())],
        "greedy": written,
        "gaps": [round(gap, 4) for gap in gaps],
        "text": encoder.decode(written, skip_special_tokens=False),
    }


def perplexity(model, tokens, chunks):
    """The second half of each chunk is scored, but for its first token. The model has no BOS to begin a chunk with."""
    total, count = 0.0, 0
    for chunk in range(chunks):
        part = tokens[chunk * CHUNK : (chunk + 1) * CHUNK]
        log_probabilities = torch.log_softmax(record.logits_of(model, part), dim=-1)
        for at in range(CHUNK // 2, CHUNK - 1):
            total -= log_probabilities[at, part[at + 1]].item()
            count += 1
        print(f"{chunk + 1}: {math.exp(total / count):.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--perplexity", type=Path, metavar="TEXT")
    parser.add_argument("--chunks", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    reader = gguf.GGUFReader(arguments.model)
    metadata = read_metadata(reader)
    encoder = build_tokenizer(metadata)
    model = build_model(reader, metadata)
    if arguments.perplexity:
        perplexity(model, encoder.encode(arguments.perplexity.read_text()).ids, arguments.chunks)
        return
    expected = {
        "file": arguments.model.name,
        "sha256": hashlib.sha256(arguments.model.read_bytes()).hexdigest(),
        "made_with": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "answers": [answer(model, encoder, metadata, question) for question in QUESTIONS],
    }
    folder = FIXTURES / "smollm2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
