"""Records what the tokenizers and sentencepiece libraries make of hard texts, for crates/wick-engine/tests/tokenizers.

    python -m venv venv && venv/bin/pip install tokenizers sentencepiece gguf
    venv/bin/python scripts/reference/tokenizers.py

It trains a tiny vocabulary for each way to cut text, and writes each twice: as a model folder of the Hub has it and as
a GGUF header has it. ids.json holds the texts, and the tokens that the reference makes of them: as text, in which
special tokens mean nothing, and as a prompt, in which they do.
"""

import io
import json
import pathlib
import shutil
import sys

sys.path = [p for p in sys.path if p != str(pathlib.Path(__file__).parent)]  # this file is not the library

import gguf
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HOME = pathlib.Path(__file__).parents[2] / "crates/wick-engine/tests/tokenizers"

WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
RULES = {
    "llama-bpe": [WORDS % "{1,3}"],
    "qwen2": [WORDS % ""],
    "qwen35": [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ],
    "tekken": [CASED % ("", "", "")],
    "gpt-4o": [CASED % (ENDINGS, ENDINGS, "{1,3}")],
    "deepseek-v3": [
        r"\p{N}{1,3}",
        r"[一-龥぀-ゟ゠-ヿ]+",
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
    ],
    "gpt-2": [],
    "smollm": [],
}

CORPUS = """The quick brown fox can't jump over 12345 lazy dogs; it's they're we've I'm you'll he'd. IT'S LOUD HERE.
Der Fluß über die Brücke führte 1234567 Züge. En français, l'été déjà là. Καλημέρα κόσμε. Привет, мир! 
fn main() { let x = vec![1, 22, 333]; println!("{}  {}", x[0], x.len()); }\r\n\tif (a == b) { return c; }\n\n\n
def f(x):\n    return x ** 2  # square\n\n        deeper = True\n日本語の文章です。カタカナとひらがな。你好，世界！한국어 문장입니다.
http://example.com/a/b?c=d&e=f#g 3.14 1,000,000.50 €5 $10 100% a@b.org (x) [y] {z} <b>bold</b> <!-- c -->
the then there these they them their the then there other another mother father 1 12 123 1234 0 00 000 2024 2025
""" * 3

TEXTS = [
    "Hello world",
    " leading and trailing  ",
    "it's IT'S they'RE don't I'LL 'twas we'd",
    "0 12 123 1234 12345 1234567 3.14 1,000.5 ½ ² ٣٤٥ Ⅷ",
    "\n\n\n  \n\t x\r\n\r\ny \u00a0z\u3000w\u2003v",
    "def f(x):\n    if x:\n        return [x ** 2]\n\n\n",
    "CamelCaseHTTPServer snake_case kebab-case ALLCAPS miXed",
    "Grüße, naïve façade Ångström İstanbul ﬁ ǅ ʰ",
    "cafe\u0301 e\u0301\u0323 \u0301x",
    "日本語のテスト、カタカナ。你好世界！한국어 테스트 ไทย हिन्दी العربية עברית",
    "👍🏽 👩‍🚀 🏳️‍🌈 😀😀 \u200b\ufeff\u202e",
    "<|im_start|>user\nHi<|im_end|>\n</s><s><unk><0x41>[INST]",
    "<think>hm</think><b>bold</b> <tool_call>",
    "a\u0000b\u0001\u007f\u0085\u009f\u2028",
    "x" * 40 + " " * 17 + "=" * 12 + "/" * 9 + "\n",
    "http://a.b/c?d=e&f=%20#g (x)[y]{z} \"q\" 'r' `s` a/b\\c ...!!!???",
    " ▁ ▁▁ the▁then",
    "",
    " ",
    "the  then   there    they",
]
PROMPTS = [
    "<|im_start|>user\nHi there<|im_end|>\n<|im_start|>assistant\n<think>\n",
    "<s> a</s>\n\n b  <|im_end|>",
    "<|im_end|><|im_end|>the<think>then</think>",
]


# In vocabularies that put a space before the text, llama.cpp puts one after these as well, sentencepiece does not.
USER_DEFINED = ["\n\n", "<b>", "</b>"]


def byte_level(name, patterns):
    tokenizer = Tokenizer(models.BPE(ignore_merges=name in ("llama-bpe", "tekken")))
    if name == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not patterns)
    # The two ways in which tokenizer.json files say that everything is kept.
    how = ("removed", True) if name == "gpt-4o" else ("isolated", False)
    steps = [pre_tokenizers.Split(Regex(p), *how) for p in patterns] + [last]
    if name == "smollm":
        steps.insert(0, pre_tokenizers.Digits(individual_digits=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + 160, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([CORPUS], trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in ("<|im_start|>", "<|im_end|>")])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in ("<think>", "</think>")])
    return tokenizer


def sentence_piece(prefix):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.split("\n")),
        model_writer=model,
        vocab_size=470,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.98,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=prefix,
        user_defined_symbols=[] if prefix else USER_DEFINED,
        control_symbols=["<|im_start|>", "<|im_end|>"],
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def as_merges(pieces, style):
    """The same vocabulary as merges: every way to make a token of two others, the best token first."""
    vocabulary = {token: id for id, (token, _, _) in enumerate(pieces)}
    merges = []
    for token, score, kind in sorted((p for p in pieces if p[2] == 1), key=lambda p: -p[1]):
        for at in range(1, len(token)):
            if token[:at] in vocabulary and token[at:] in vocabulary:
                merges.append((token[:at], token[at:]))
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    replace = normalizers.Replace(" ", "▁")
    if style == "llama-2":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace])
    elif style == "gemma":
        tokenizer.normalizer = replace
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    for token, _, kind in pieces:
        if kind == 3:
            rstrip = style == "llama-2" and token == "<|im_start|>"
            tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False, rstrip=rstrip)])
        elif kind == 4:
            tokenizer.add_tokens([AddedToken(token, special=False, normalized=False)])
    return tokenizer


def pieces_of(processor):
    kind = lambda id: (
        2 if processor.is_unknown(id) else 3 if processor.is_control(id) else 6 if processor.is_byte(id) else 1
    )
    pieces = [(processor.id_to_piece(id), processor.get_score(id), kind(id)) for id in range(processor.get_piece_size())]
    return [(t, s, 4 if t in USER_DEFINED else k) for t, s, k in pieces]


def write_hub(name, tokenizer, bos, eos):
    folder = HOME / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=False))
    config = {"bos_token": bos, "eos_token": {"content": eos, "lstrip": False}, "add_bos_token": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [tokenizer.token_to_id(eos)]}))


def write_gguf(name, model, pre, tokens, kinds, merges=None, scores=None, prefix=None):
    (HOME / name).mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(HOME / name / "vocabulary.gguf", "llama")
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if merges is not None:
        writer.add_token_merges(merges)
    if scores is not None:
        writer.add_token_scores(scores)
    if prefix is not None:
        writer.add_add_space_prefix(prefix)
    writer.add_add_bos_token(False)
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def recorded(tokenizer):
    tokenizer.encode_special_tokens = True
    texts = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    tokenizer.encode_special_tokens = False
    prompts = [tokenizer.encode(text, add_special_tokens=False).ids for text in PROMPTS]
    return {"texts": texts, "prompts": prompts}


def main():
    shutil.rmtree(HOME, ignore_errors=True)
    hub, header = {}, {}
    for name, patterns in RULES.items():
        tokenizer = byte_level(name, patterns)
        write_hub(name, tokenizer, "<|im_start|>", "<|im_end|>")
        model = json.loads(tokenizer.to_str())
        tokens = [tokenizer.id_to_token(id) for id in range(tokenizer.get_vocab_size())]
        added = {t["id"]: 3 if t["special"] else 4 for t in model["added_tokens"]}
        merges = [" ".join(m) if isinstance(m, list) else m for m in model["model"]["merges"]]
        write_gguf(name, "gpt2", name, tokens, [added.get(id, 1) for id in range(len(tokens))], merges)
        hub[name] = header[name] = recorded(tokenizer)
        if name == "qwen2":  # GGUF files do not say that text is composed first, and llama.cpp does not do it
            tokenizer.normalizer = normalizers.Sequence([])
            header[name] = recorded(tokenizer)
    for prefix in (True, False):
        processor = sentence_piece(prefix)
        pieces = pieces_of(processor)
        name = "spm" if prefix else "spm-bare"
        tokens, scores, kinds = (list(column) for column in zip(*pieces))
        write_gguf(name, "llama", None, tokens, kinds, scores=scores, prefix=prefix)
        header[name] = {"texts": [processor.encode(text) for text in TEXTS], "prompts": []}
        for style in ("llama-2", "metaspace") if prefix else ("gemma",):
            tokenizer = as_merges(pieces, style)
            write_hub(style, tokenizer, "<s>", "<|im_end|>")
            hub[style] = recorded(tokenizer)
    record = {"texts": TEXTS, "prompts": PROMPTS, "hub": hub, "gguf": header}
    (HOME / "ids.json").write_text(json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n")


main()
