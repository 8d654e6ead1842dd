"""A small byte-level BPE vocabulary with the pre-tokenizer of a family, as the folder of a Hub repository holds it."""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

MERGES = (
    "Ġ t", "h e", "Ġ a", "i n", "r e", "Ġt he", "o n", "Ġ s", "e r", "a t", "Ġ w", "o u",
    "n d", "i s", "Ġa nd", "e n", "l l", "Ġ c", "1 2", "12 3", "Ġ Ġ", "Ġ ĠĠ", "Ċ Ċ", "Ã ©",
)
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>")
USER_DEFINED_TOKENS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
VOCABULARY_SIZE = 256 + len(MERGES) + len(CONTROL_TOKENS) + len(USER_DEFINED_TOKENS)

# ChatML with the system message of the Qwen2 family left out.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
SPLITS = {
    "llama-bpe": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + REST,
    "qwen2": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + REST,
    "gpt-4o": rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}

TEXTS = (
    "The candle burns and the wind is in the room.",
    "  two spaces, then\n\n\tthree lines\r\nand 1234567 ends.  ",
    "Don't WE'LL café naïve 日本語 🕯️",
    "<|im_start|>user\nhello<think>1</think>",
)
# Composed by the normalizer that some tokenizer.json have and GGUF has no key for.
DECOMPOSED_TEXTS = ("cafe\u0301",)
CONVERSATIONS = (
    [{"role": "user", "content": "What burns?"}],
    [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello  there"},
        {"role": "assistant", "content": "Hi!\n"},
        {"role": "user", "content": "And <|im_end|> then?"},
    ],
)


def byte_alphabet():
    """The 256 printable characters that stand for bytes, in the order GPT-2 numbers them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(code) for code in printable] + [chr(256 + i) for i in range(len(others))]


def pre_tokenizer(pre):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pre not in SPLITS)
    if pre in SPLITS:
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLITS[pre]), "isolated"), byte_level])
    if pre == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    return byte_level


def build(pieces, merges, pre, control_tokens, user_defined_tokens=()):
    """A tokenizer of ordinary `pieces`, numbered in their order, followed by the added tokens it does not have yet."""
    bpe = models.BPE(
        vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges, ignore_merges=pre == "llama-bpe"
    )
    tokenizer = Tokenizer(bpe)
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizer(pre)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control_tokens])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in user_defined_tokens])
    return tokenizer


def build_small(pre, adds_bos):
    merges = [tuple(merge.split(" ")) for merge in MERGES]
    pieces = byte_alphabet() + [left + right for left, right in merges]
    tokenizer = build(pieces, merges, pre, CONTROL_TOKENS, USER_DEFINED_TOKENS)
    if adds_bos:
        bos = CONTROL_TOKENS[0]
        template = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
        tokenizer.post_processor = processors.Sequence([tokenizer.post_processor, template])
    assert tokenizer.get_vocab_size() == VOCABULARY_SIZE
    return tokenizer


def write(folder: Path, pre, adds_bos):
    """Writes tokenizer.json and tokenizer_config.json."""
    tokenizer = build_small(pre, adds_bos)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    added = {
        str(tokenizer.token_to_id(token)): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": token in CONTROL_TOKENS,
        }
        for token in CONTROL_TOKENS + USER_DEFINED_TOKENS
    }
    config = {
        "add_bos_token": adds_bos,
        "added_tokens_decoder": added,
        "bos_token": "<|endoftext|>",
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "model_max_length": 256,
        "pad_token": "<|pad|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def record(folder: Path):
    """What the written tokenizer makes of texts and conversations, read back as a user of the folder would."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)

    def ids_of(texts):
        return [{"text": text, "ids": tokenizer(text).input_ids} for text in texts]

    for text in TEXTS:
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text
    return {
        "tokenizer": ids_of(TEXTS),
        "tokenizer_of_hub_only": ids_of(DECOMPOSED_TEXTS),
        "template": [
            {
                "messages": messages,
                "rendered": tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
            }
            for messages in CONVERSATIONS
        ],
    }
