"""Makes tests/golden/byte_bpe/: what the `tokenizers` and `tiktoken` packages do with byte-level BPE, on small vocabularies.

    .venv-reference/bin/python tests/golden/byte_bpe.py

pre_tokenizers.json: rules, and for each text the words and where they lie (in bytes). models.json: tokenizers trained on a
few lines, and for each text the ids and where in the text each ends; those of `tiktoken` are compared where it has the
pattern. (The package numbers letters of equal frequency anew in each run, so vocabularies change with a new run.)
families.json: the files of GPT-2, RoBERTa, CLIP and tiktoken in small, and the tokenizer.json that transformers' classes make of
them (of tiktoken's: the package, of the same parts).
"""

import base64
import json
import pathlib
import re
import tempfile

import tiktoken
import tiktoken_ext.openai_public
import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).parent / "byte_bpe"
LINES = ["the ship and the harbour sleep under one low moon", "nobody speaks of the storm; it's theirs, they'll say",
         "Der Sturm hat die kleinen Boote gefangen, größer als je", "корабль и гавань спят под луной, под одной луной",
         "το πλοίο και το λιμάνι κοιμούνται", "船と港が眠る。船と港が眠る。", "배와 항구가 잠든다", "السفينة والميناء ينامان", "जहाज और बंदरगाह",
         "0 1 12 123 1234 2024", "if (x != y) { return x[i] + 1; }", "    indented\n\n\ttabs  "]
TEXTS = ["", " ", "  ", "the ship", " the  ship's\nSTORM\n", "it's IT'S we'Ve 'ſ", "12345 x²", "größer Größe", "корабли спят", "船港 眠る。", "배와",
         "السفينة ١٢٣", "e\u0301\u0323 \u0301", "👩‍👩‍👧 🇩🇪", "\u00a0\u2003\u3000\u200b\ufeff\u0085\u2028x", "a\r\n\r\n b \n c", "ǅ ﬁ İ ı \u212a", "\ue000\U0010ffff\u0378",
         "\x00\x07\x1f\x7f", "!!!??? (a)[b]{c}<|d|>", "aaaaaaaaaaaaaaaaaaaa", "x_1-y.z@w", "\u2581a ▁", "théâtre\tà"]
META = "\u2581"
# Bytes without a piece and without an unknown token are left out. After one, the package counts places in letters of the
# byte alphabet, which have one or two bytes, and they mean nothing.
FEW_BYTES = "not all bytes"


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def sequence(*stages):
    return {"type": "Sequence", "pretokenizers": list(stages)}


def metaspace(**settings):
    return {"type": "Metaspace", "replacement": META, **settings}


CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
O200K = "|".join(re.findall(r'r"""(.*?)"""', __import__("inspect").getsource(tiktoken_ext.openai_public.o200k_base)))
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
DIGITS = {"type": "Digits", "individual_digits": False}
RULES = [byte_level(), byte_level(prefix=True), byte_level(regex=False), sequence(split(CL100K), byte_level(regex=False)),
         sequence(split(O200K), byte_level(regex=False)), sequence(split(CLIP, "Removed", True), byte_level()),
         *[split(r"\s+", behavior) for behavior in
           ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")],
         split(r"\p{L}+", "MergedWithNext", True), split("a*", "Contiguous"), split(" ", "MergedWithNext", kind="String"),
         split("", kind="String"), {"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"},
         {"type": "Punctuation", "behavior": "Contiguous"}, DIGITS, {"type": "Digits", "individual_digits": True},
         metaspace(prepend_scheme="always"), metaspace(prepend_scheme="first", split=False),
         metaspace(prepend_scheme="never", add_prefix_space=False), metaspace(add_prefix_space=True),
         sequence({"type": "WhitespaceSplit"}, metaspace(prepend_scheme="first")),
         sequence({"type": "Punctuation", "behavior": "Contiguous"}, byte_level(), DIGITS, split("[0-9][0-9][0-9]")),
         sequence({"type": "WhitespaceSplit"}, byte_level(prefix=True))]


def whole(pre_tokenizer, model):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None, "model": model}


def in_bytes(text, begin, end):
    return len(text[:begin].encode()), len(text[:end].encode())


def pre_tokenizer_cases():
    cases = []
    for rule in RULES:
        package = Tokenizer.from_str(json.dumps(whole(rule, {"type": "BPE", "vocab": {}, "merges": []}))).pre_tokenizer
        words = [[[word, *in_bytes(text, *span)] for word, span in package.pre_tokenize_str(text)] for text in TEXTS]
        cases.append({"rule": rule, "words": words})
    return {"texts": TEXTS, "cases": cases}


def trained(pre_tokenizer, **settings):
    tokenizer = Tokenizer(models.BPE(**{k: v for k, v in settings.items() if k != "trainer"}))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=420, show_progress=False, **settings.get("trainer", {})))
    return json.loads(tokenizer.to_str())["model"]


def model_cases():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    base = trained(pre_tokenizers.ByteLevel(add_prefix_space=False), trainer={"initial_alphabet": alphabet})
    suffix = {"end_of_word_suffix": "</w>"}
    clip = trained(pre_tokenizers.ByteLevel(add_prefix_space=False), unk_token="<|endoftext|>", **suffix,
                   trainer=suffix | {"initial_alphabet": alphabet, "special_tokens": ["<|startoftext|>", "<|endoftext|>"]})
    few_bytes = trained(pre_tokenizers.ByteLevel(add_prefix_space=False), **suffix, trainer=suffix)
    characters = trained(None, unk_token="<unk>", fuse_unk=True, trainer={"special_tokens": ["<unk>"], "limit_alphabet": 40})
    fallback = json.loads(json.dumps(characters)) | {"byte_fallback": True}
    for byte in range(256):
        fallback["vocab"][f"<0x{byte:02X}>"] = len(fallback["vocab"])
    prefix = trained(pre_tokenizers.WhitespaceSplit(), continuing_subword_prefix="##", unk_token="<unk>",
                     trainer={"special_tokens": ["<unk>"], "continuing_subword_prefix": "##"})
    used = [("gpt2", byte_level(), base), ("gpt2 with a prefix", byte_level(prefix=True), base),
            ("cl100k", sequence(split(CL100K), byte_level(regex=False)), base | {"ignore_merges": True}),
            ("o200k", sequence(split(O200K), byte_level(regex=False)), base),
            ("one word", byte_level(regex=False), base),
            ("clip", sequence(split(CLIP, "Removed", True), byte_level()), clip),
            (FEW_BYTES, sequence(split(CLIP, "Removed", True), byte_level()), few_bytes),
            ("unknown characters", None, characters), ("byte fallback", None, fallback),
            ("no unknown token", None, characters | {"unk_token": None}),
            ("a prefix inside words", {"type": "WhitespaceSplit"}, prefix)]
    cases, known = [], []
    for name, rule, model in used:
        tokenizer = Tokenizer.from_str(json.dumps(whole(rule, model)))
        texts = TEXTS + LINES
        encodings = [tokenizer.encode(text) for text in texts]
        shared = {k: v for k, v in model.items() if k in ("vocab", "merges")}
        if shared not in known:
            known.append(shared)
        cases.append({"name": name, "pre_tokenizer": rule, "model": {k: v for k, v in model.items() if k not in shared},
                      "vocabulary": known.index(shared), "ids": [e.ids for e in encodings],
                      "ends": None if name == FEW_BYTES else
                      [[in_bytes(text, *span)[1] for span in e.offsets] for text, e in zip(texts, encodings)]})
    check_with_tiktoken(base)
    return {"texts": TEXTS + LINES, "vocabularies": known, "cases": cases}


def from_alphabet(piece):
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    code = {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
    return bytes(code[character] for character in piece)


def check_with_tiktoken(model):
    """The package's GPT-2 expression cuts as tiktoken's quicker one, and both merge alike."""
    ranks = {from_alphabet(piece): rank for piece, rank in model["vocab"].items()}
    encoding = tiktoken.Encoding("small", pat_str=tiktoken_ext.openai_public.r50k_pat_str, mergeable_ranks=ranks,
                                 special_tokens={})
    tokenizer = Tokenizer.from_str(json.dumps(whole(byte_level(), model)))
    for text in TEXTS + LINES:
        assert encoding.encode_ordinary(text) == tokenizer.encode(text).ids, text


def family_cases():
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("#", "#")]
    pieces = [*"the!#x", "Ġ", "th", "the", "Ġthe", "##"]
    files = {"merges": "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)}

    def finish(vocab, model, normalizer, pre_tokenizer, post, decoder, added):
        tokenizer = Tokenizer(model)
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
        tokenizer.post_processor, tokenizer.decoder = post, decoder
        tokenizer.add_special_tokens(added)
        return files | {"vocab": vocab, "document": json.loads(tokenizer.to_str())}

    gpt2 = [*pieces, "<|endoftext|>"]
    roberta = ["<s>", "<pad>", "</s>", "<unk>", *pieces, "<mask>"]
    suffixed = [*pieces, *[piece + "</w>" for piece in "the!#x"]]
    clip = [*suffixed, "<|startoftext|>", "<|endoftext|>"]
    cases = {name: class_case(files, {piece: i for i, piece in enumerate(vocab)}, name_of_class)
             for name, vocab, name_of_class in [("gpt2", gpt2, "GPT2Tokenizer"), ("roberta", roberta, "RobertaTokenizer"),
                                                ("clip", clip, "CLIPTokenizer")]}
    # The class changes the text that its decoder gives: "</w>" to a space, and none at the ends.
    cases["clip"]["document"]["decoder"] = {"type": "Sequence", "decoders": [
        cases["clip"]["document"]["decoder"], {"type": "Replace", "pattern": {"String": "</w>"}, "content": " "},
        {"type": "Strip", "content": " ", "start": 65536, "stop": 65536}]}
    return cases | {"cl100k_base": tiktoken_case(finish)}


def class_case(files, vocab, name):
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        (folder / "vocab.json").write_text(json.dumps(vocab))
        (folder / "merges.txt").write_text(files["merges"])
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
        document = json.loads(transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
    return files | {"vocab": vocab, "document": document}


def tiktoken_case(finish):
    """Merges are all pairs of pieces that make a piece, as `transformers` recovers them."""
    pieces = [*[bytes([byte]) for byte in range(256)], b"ab", b"ba", b"aba", b" ab"]
    special = {"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260,
               "<|endofprompt|>": 100276}
    letter = {from_alphabet(letter): letter for letter in pre_tokenizers.ByteLevel.alphabet()}
    vocab = {"".join(letter[bytes([byte])] for byte in piece): rank for rank, piece in enumerate(pieces)} | special
    merges = [("a", "b"), ("b", "a"), ("a", "ba"), ("ab", "a"), ("Ġ", "ab")]
    case = finish(None, models.BPE(vocab, merges, continuing_subword_prefix="", end_of_word_suffix="", ignore_merges=True), None,
                  pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CL100K), "isolated"),
                                           pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
                  processors.ByteLevel(trim_offsets=False), decoders.ByteLevel(),
                  [AddedToken(text, normalized=False) for text in special])
    ranks = "".join(f"{base64.b64encode(piece).decode()} {rank}\n" for rank, piece in enumerate(pieces))
    return {"ranks": ranks, "document": case["document"]}


def main():
    FOLDER.mkdir(exist_ok=True)
    files = {"pre_tokenizers": pre_tokenizer_cases(), "models": model_cases(), "families": family_cases()}
    for name, content in files.items():
        versions = {"made_by": f"tests/golden/byte_bpe.py with tokenizers {tokenizers.__version__}, transformers {transformers.__version__} and tiktoken {tiktoken.__version__}"}
        (FOLDER / f"{name}.json").write_text(json.dumps(versions | content, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
