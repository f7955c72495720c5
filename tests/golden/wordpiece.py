"""Makes tests/golden/tokenizers/wordpiece.json: what the `tokenizers` package gives for hostile text, rule by rule.

    .venv-reference/bin/python tests/golden/wordpiece.py

"normalizers": for each of "texts" the new text, and for each of its characters the bytes of the old one that it stands
for, begin and end. "words": BERT's normalizer and pre-tokenizer, word by word. "wordpiece": ids and places of a small
vocabulary. "graphemes": see counter() in scripts/make_normalization_tables.py. "documents": vocab.txt and
tokenizer_config.json as BertTokenizer of `transformers` reads them.
"""

import base64
import io
import json
import pathlib
import struct
import tempfile

from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2
from tokenizers import Tokenizer
from transformers import BertTokenizer

FILE = pathlib.Path(__file__).parent / "tokenizers" / "wordpiece.json"
TEXTS = [
    "", " ", "Plain words.", "  A\tb\r\nc\u0000d\u00ad e\u3000f\u0085g\u200bh  ", "Stra\u00dfe STRASSE \u1e9e",
    "caf\u00e9 cafe\u0301 \u212b\u2126\u212a", "\u0130stanbul \u0131I \u023a", "\u039f\u0394\u039f\u03a3 \u03a3.",
    "q\u0307\u0323 q\u0323\u0307 e\u0323\u0302 \u00e9\u0323\u0345", "\u0301\u0323start \u0344\u0340",
    "\u0f73\u0f71\u0f75 \u0f81\u0f80", "\u0958\u0301 \u0929 \u2adc\u0338", "\U0001d15e\u0301\U0001d165",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab \u1112\u1161\u11ab\u11a8 \uac00\u11a7", "\u1100\u1161\u11a8\u0301\u1100",
    "\ufb03\ufdfa \u00bd \u2460 \u1e9b\u0323", "\uff8a\uff9e\uff76 \u3231 \U0001d518\U0001d52b",
    "\u6f22\u5b57a\u4e00 \U00020000b \u3042\u30ab\uff01\uf900", "\u0915\u094d\u0937\u093f \u0e20\u0e32\u0e29\u0e32",
    "don't -- stop! $5 `x` \u00bfqu\u00e9? \u05d0\u05be\u05d1 \u3002\u060c", "\u0600\u0661\u0301 \u070f\u0710",
    "\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f\U0001f3fd",
    "\ue000\U0010ffff\ufffd\ufffex \u0378\U000e0100y", "a\u0300\u0301\u0302\u0303\u0327\u0323" * 3]
RULES = [{"type": name} for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")] + [
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {"type": "Prepend", "prepend": "\u2581>"},
    {"type": "Replace", "pattern": {"String": "a"}, "content": "\u00e6e"},
    {"type": "Replace", "pattern": {"Regex": "\\s+|ss"}, "content": "_"},
    {"type": "Replace", "pattern": {"Regex": "\\bs|\\B[et]\\b|\\b\\s"}, "content": "_"},
    {"type": "Sequence", "normalizers": [{"type": name} for name in ("NFKD", "StripAccents", "Lowercase", "NFC")]}]
PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] un una ##aff ##able ##a ##b ##ab ##abc ##abcd a ab abc abcdef ##def ##e ##f cafe "
    "caf\u00e9 ##\u00e9 \u6f22 ##\u5b57 stra ##sse ##\u00dfe ! ' . don t ## ### # s ##st ##op st").split(" ")
WORDS = [
    "unaffable", "unaffabl", "una", "abcdef", "abcdeff", "abcde", "abcdabcd", "aabcabx", "xa", "caf\u00e9\u00e9",
    "cafe\u0301", "\u6f22\u5b57", "\u6f22\u5b57\u5b57", "#", "##", "###", "##a", "a" * 100, "a" * 101, "\u00e9" * 100,
    "caf" + "\u00e9" * 97, "caf" + "\u00e9" * 98, "[UNK]", "stra\u00dfe don't stop!", ""]


def bert(clean_text, handle_chinese_chars, strip_accents, lowercase):
    return {"type": "BertNormalizer", "clean_text": clean_text, "handle_chinese_chars": handle_chinese_chars,
            "strip_accents": strip_accents, "lowercase": lowercase}


def tokenizer(normalizer, pre_tokenizer, model=None):
    return Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None,
        "model": model or {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}}))


def in_bytes(text, offsets):
    starts = [len(text[:i].encode()) for i in range(len(text) + 1)]
    return [starts[at] for place in offsets for at in place]


def normalizer_case(rule):
    every = {"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": False}
    by_character = tokenizer(rule, every)
    apply = by_character.normalizer.normalize_str
    results = [[apply(text), in_bytes(text, by_character.encode(text).offsets)] for text in TEXTS]
    return {"rule": rule, "results": results}


def word_case(options):
    by_word = tokenizer(options, {"type": "BertPreTokenizer"})
    cases = []
    for text in TEXTS:
        words = [word for word, _ in by_word.pre_tokenizer.pre_tokenize_str(by_word.normalizer.normalize_str(text))]
        cases.append([words, in_bytes(text, by_word.encode(text).offsets)])
    return {"rule": options, "results": cases}


def wordpiece_case():
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
             "max_input_chars_per_word": 100, "vocab": {piece: i for i, piece in enumerate(PIECES)}}
    whole_words = tokenizer(None, {"type": "WhitespaceSplit"}, model)
    encodings = [whole_words.encode(text) for text in WORDS]
    return {"model": model, "cases": [[text, e.ids, in_bytes(text, e.offsets)] for text, e in zip(WORDS, encodings)]}


def charsmap():
    """A small one: what SentencePiece compiles of some rules."""
    rules = {
        "A": "a", "\u00c9": "\u00e9", "e\u0301": "\u00e9", "\u0001": "", "\t": " ", "\u00bd": "1\u20442", "\u200d": "",
        "\uff8a\uff9e": "\u30d0", "\uff8a": "\u30cf", "\uff76": "\u30ab", "\u0301": "", "\u1112\u1161\u11ab": "\ud55c",
        "\r\n": "\n", "q\u0323": "Q"}
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for old, new in rules.items():
            line = [" ".join(f"{ord(c):X}" for c in text) for text in (old, new)]
            file.write("\t".join(line) + "\n")
        file.flush()
        model = io.BytesIO()
        SentencePieceTrainer.train(
            sentence_iterator=iter(["ab"] * 9), model_writer=model, vocab_size=6, model_type="bpe",
            normalization_rule_tsv=file.name, minloglevel=2)
    normalizer = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue()).normalizer_spec
    return normalizer.precompiled_charsmap


def precompiled_case(rules):
    return normalizer_case({"type": "Precompiled", "precompiled_charsmap": base64.b64encode(rules).decode()})


def counting_charsmap():
    units = [256 << 10] + [0] * 767
    for byte in range(1, 256):
        units[256 + byte] = 768 << 10 | 1 << 8 | byte
        units[512 + byte] = 1 << 31
    return struct.pack("<I768I", 4 * len(units), *units) + b"!\0"


def document_case(vocab, config):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "vocab.txt").write_bytes(vocab.encode())
        if config is not None:
            pathlib.Path(folder, "tokenizer_config.json").write_text(json.dumps(config))
        document = BertTokenizer.from_pretrained(folder).backend_tokenizer.to_str()
    return {"vocab": vocab, "config": "" if config is None else json.dumps(config), "document": json.loads(document)}


def documents():
    special = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    new = {"content": "<new>", "lstrip": True, "normalized": True, "rstrip": False, "single_word": True}
    names = {"unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>",
             "mask_token": {**new, "content": "<mask>", "special": True, "__type": "AddedToken"}}
    added = {"added_tokens_decoder": {"9": {**new, "special": False}}, "additional_special_tokens": ["<x>"],
             "mask_token": None}
    return [document_case(vocab, config) for vocab, config in [
        (special + "a\n##b\n", None),
        (special + "a\n", {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}),
        ("a\r\nb\u3000\r\n\r\n c\n\n", {}),
        ("<pad>\n<unk>\n<s>\n</s>\n<mask>\n", names),
        (special + "a", added)]]


def main():
    options = [(True, True, None, True), (True, True, None, False), (True, False, False, True),
               (False, True, True, False), (False, False, False, False)]
    golden = {
        "texts": TEXTS,
        "normalizers": [normalizer_case(rule) for rule in RULES] + [precompiled_case(charsmap())],
        "words": [word_case(bert(*chosen)) for chosen in options],
        "wordpiece": wordpiece_case(),
        "graphemes": precompiled_case(counting_charsmap()),
        "documents": documents()}
    FILE.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
