"""tokenizer.json of every family against the `tokenizers` package: ids, offsets, segments, decodes, pairs and batches.

    .venv-reference/bin/python tests/interop/tokenizer_json_test.py build/release/bin

The package trains and writes each tokenizer; our `tokenize` reads the same file. Exit code 1 and one line per difference.
"""

import argparse
import pathlib
import random
import sys
import tempfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_check import HAND_MADE, Check, random_lines, to_bytes, training_text

CLIP_PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
CL100K_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                  r"|\s+(?!\S)|\s+")
SPECIAL = ["<s>", "a<s>b", "x <mask> y", "<mask>", "  <mask>  ", "</s></s>", "[CLS] a [SEP]", "[MASK]ing", "<|endoftext|>", "a<|endoftext|> b",
           "[PAD][UNK]", "<pad> <unk>", "<keep> and <KEEP>", "un<word>done <word> .", "<|startoftext|>hi", "<0x41>"]
SCRIPTS_TEXT = pathlib.Path(__file__).resolve().parents[1] / "data/scripts.txt"
ALPHABET = pre_tokenizers.ByteLevel.alphabet()


def gpt2():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return t, trainers.BpeTrainer(vocab_size=900, special_tokens=["<|endoftext|>"], initial_alphabet=ALPHABET)


def roberta():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    mask = AddedToken("<mask>", lstrip=True, special=True)
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=["<s>", "<pad>", "</s>", "<unk>", mask], initial_alphabet=ALPHABET)
    return t, trainer, lambda t: processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)


def clip():
    t = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP_PATTERN), "removed", invert=True),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.BPEDecoder("</w>")])
    trainer = trainers.BpeTrainer(vocab_size=1200, special_tokens=["<|startoftext|>", "<|endoftext|>"], initial_alphabet=ALPHABET,
                                  end_of_word_suffix="</w>")
    return t, trainer, lambda t: processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)


def gpt4():
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CL100K_PATTERN), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=["<s>"], initial_alphabet=ALPHABET)
    return t, trainer, lambda t: processors.Sequence([processors.ByteLevel(trim_offsets=True),
                                                      processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [("<s>", 0)])])


def bert(lowercase, strip_accents=None, clean_text=True, chinese=True):
    def make():
        t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
        t.normalizer = normalizers.BertNormalizer(clean_text, chinese, strip_accents, lowercase)
        t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        t.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=900, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        return t, trainer, lambda t: processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)])
    return make


def t5(scheme, split=True):
    def make():
        t = Tokenizer(models.Unigram())
        t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
        t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
        t.decoder = decoders.Metaspace(prepend_scheme=scheme, split=split)
        trainer = trainers.UnigramTrainer(vocab_size=600, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
        return t, trainer, lambda t: processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)])
    return make


def llama():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=special + [f"<0x{b:02X}>" for b in range(256)], limit_alphabet=60)
    return t, trainer, lambda t: processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [("<s>", 1)])


def words():
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    return t, trainers.WordLevelTrainer(vocab_size=500, special_tokens=["[UNK]"])


def unusual():
    t = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="@@"))
    t.normalizer = normalizers.NFKD()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous")])
    return t, trainers.BpeTrainer(vocab_size=700, special_tokens=["[UNK]"], continuing_subword_prefix="@@")


FAMILIES = {"gpt2": gpt2, "roberta": roberta, "clip": clip, "gpt4": gpt4, "bert-uncased": bert(True), "bert-cased": bert(False),
            "bert-accents": bert(True, strip_accents=False), "bert-strip": bert(False, strip_accents=True),
            "bert-raw": bert(True, clean_text=False, chinese=False), "t5-always": t5("always"), "t5-first": t5("first"),
            "t5-never": t5("never", split=False), "llama": llama, "words": words, "unusual": unusual}


def check_family(check, name, make, text, lines):
    made = make()
    reference, trainer = made[:2]
    reference.train_from_iterator(text.split("\n"), trainer)
    if len(made) == 3:
        reference.post_processor = made[2](reference)
    reference.add_tokens([AddedToken("<keep>", normalized=True), AddedToken("<word>", single_word=True), AddedToken("new york", rstrip=True)])
    folder = check.work / name
    folder.mkdir()
    reference.save(str(folder / "tokenizer.json"))
    reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encode = lambda *flags, lines=lines: check.run("tokenize", "--tokenizer", folder, "encode", "--json", *flags, lines=lines)

    theirs = [reference.encode(x, add_special_tokens=False) for x in lines]
    ids = encode()
    check.equal(f"{name} ids", lines, ids, [x.ids for x in theirs])
    check.equal(f"{name} offsets", lines, encode("--offsets"), [to_bytes(line, x.offsets) for line, x in zip(lines, theirs)])
    check.equal(f"{name} pieces", lines, encode("--pieces"), [[reference.id_to_token(i) for i in x] for x in ids])
    check.equal(f"{name} --special", lines, encode("--special"), [reference.encode(x).ids for x in lines])
    decode = lambda *flags: check.run("tokenize", "decode", "--json", "--tokenizer", folder, *flags, lines=ids)
    check.equal(f"{name} decode", lines, decode(), [reference.decode(x, skip_special_tokens=False) for x in ids])
    check.equal(f"{name} decode --skip-special", lines, decode("--skip-special"), [reference.decode(x) for x in ids])

    pairs = [(a, b) for a, b in zip(lines[::7], lines[3::7]) if "\t" not in a + b and "\n" not in a + b]
    joined = [a + "\t" + b for a, b in pairs]
    check.equal(f"{name} pairs", joined, encode("--special", "--pair", lines=joined), [reference.encode(*pair).ids for pair in pairs])
    reference.enable_truncation(16)
    reference.enable_padding(pad_id=0)
    batch = check.run("tokenize", "--tokenizer", folder, "encode", "--json", "--pair", "--special", "--batch", "--max-length", "16",
                      lines=joined) if check_has_padding(folder) else []
    if batch:
        theirs = reference.encode_batch(pairs)
        check.equal(f"{name} batch ids", joined, batch[0]["input_ids"], [x.ids for x in theirs])
        check.equal(f"{name} batch mask", joined, batch[0]["attention_mask"], [x.attention_mask for x in theirs])
        check.equal(f"{name} batch segments", joined, batch[0]["token_type_ids"], [x.type_ids for x in theirs])


def check_has_padding(folder):
    """Padding has id 0 where the family names a token for it."""
    vocabulary = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return vocabulary.token_to_id("[PAD]") == 0 or vocabulary.token_to_id("<pad>") == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=600)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    arguments = parser.parse_args()
    rng = random.Random(2)
    with tempfile.TemporaryDirectory() as work:
        check = Check(arguments.binaries.resolve(), pathlib.Path(work))
        text = training_text(rng)
        lines = SCRIPTS_TEXT.read_text(encoding="utf-8").splitlines() + HAND_MADE + SPECIAL + list(random_lines(rng, arguments.lines)) + [text[i : i + 150] for i in range(0, 15000, 150)]
        for name in arguments.families:
            check_family(check, name, FAMILIES[name], text, lines)
    sys.exit(check.verdict())


if __name__ == "__main__":
    main()
