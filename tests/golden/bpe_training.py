"""Makes tests/golden/tokenizers/bpe_training.json: small trainings by the `tokenizers` package, which ours must repeat.

    .venv-reference/bin/python tests/golden/bpe_training.py

"words": trained on given word counts, so that nothing but the trainer is compared: many ties, overlaps ("aaaa"), special
tokens that merges arrive at, texts that spell out "##" and "</w>". "texts": whole trainings from a text.

The package numbers the forms of a letter inside a word ("##a") and at its end ("a</w>") in an order that is random in
each run; ours is that of the code points. Such cases have few letters, and are trained until the package came upon that
order, too. Seeds 133 and 192 lead to pairs that are merged twice.
"""

import collections
import json
import pathlib
import random

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

FILE = pathlib.Path(__file__).parent / "tokenizers" / "bpe_training.json"
SPECIAL = {"byte-bpe": ["<|endoftext|>"], "wordpiece": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "bpe": ["<unk>"]}
PROSE = """The ship sleeps, the harbour sleeps: low lamps, lower lamps; the newest and the widest moon.
  Ça va? Das Schiff schläft. Корабль спит. 船は眠る。 Don't wake it -- we'll sail at 12:30, 1234567 miles.
\tHe's said: "sail, sailor, sailing", and the sailors sailed.

Ships ship shipped ships.   The lamps' light lights the lightest lighter.
"""


def train(make_tokenizer, kind, lines, *, vocab_size, min_frequency, special_tokens, limit_alphabet=None):
    """The pieces by id, and the merges by rank."""
    settings = {"vocab_size": vocab_size, "min_frequency": min_frequency, "special_tokens": special_tokens,
                "show_progress": False}
    if limit_alphabet:
        settings["limit_alphabet"] = limit_alphabet
    if kind == "byte-bpe":
        trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **settings)
    elif kind == "wordpiece":
        trainer = trainers.WordPieceTrainer(**settings)
    elif kind == "bpe":
        trainer = trainers.BpeTrainer(end_of_word_suffix="</w>", **settings)
    else:
        trainer = trainers.BpeTrainer(**settings)
    while True:
        tokenizer = make_tokenizer()  # a used one would take its special tokens out of the text
        tokenizer.train_from_iterator(lines, trainer)
        model = json.loads(tokenizer.to_str())["model"]
        pieces = sorted(model["vocab"], key=model["vocab"].get)
        forms = [piece for piece in pieces if piece not in special_tokens and (
            kind == "wordpiece" and len(piece) == 3 and piece.startswith("##") or
            kind == "bpe" and len(piece) == 5 and piece.endswith("</w>"))]
        if forms == sorted(forms):
            return pieces, model.get("merges", [])


def new_tokenizer(kind, pre_tokenizer, normalizer=None):
    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    elif kind == "bpe":
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    else:
        tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer


def word_case(seed):
    rng = random.Random(seed)
    kind = rng.choice(["characters", "wordpiece", "bpe"])
    letters = rng.choice(["ab", "abc", "#a", "aé", "het"] if kind == "wordpiece" else
                         ["ab", "abc", "</w>"] if kind == "bpe" else ["ab", "abcd", "aあい", "hetrabc"])
    words = ["".join(rng.choices(letters, k=rng.randint(1, 12))) for _ in range(rng.choice([4, 12, 24]))]
    lines = [" ".join(rng.choices(words, k=10)) for _ in range(rng.choice([1, 5, 12]))]
    options = {"vocab_size": rng.choice([20, 40, 60]), "min_frequency": rng.randint(0, 4),
               "special_tokens": rng.choice([[], ["ab", "the", "##a", "ab"], ["he", "a</w>", "x"]])}
    pieces, merges = train(lambda: new_tokenizer(kind, pre_tokenizers.WhitespaceSplit()), kind, lines, **options)
    words = sorted(collections.Counter(" ".join(lines).split()).items())
    return {"kind": kind, **options, "words": words, "pieces": pieces, "merges": merges}


def text_case(kind, text, *, vocab_size, cased=False, add_prefix_space=False, **options):
    normalizer = None
    if kind == "wordpiece":
        normalizer = normalizers.BertNormalizer(lowercase=not cased)
        pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    elif kind == "bpe":
        pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    options = {"special_tokens": SPECIAL[kind], "min_frequency": 2, **options}
    pieces, merges = train(lambda: new_tokenizer(kind, pre_tokenizer, normalizer), kind, text.splitlines(keepends=True),
                           vocab_size=vocab_size, **options)
    return {"kind": kind, "text": text, "vocab_size": vocab_size, "cased": cased,
            "add_prefix_space": add_prefix_space, **options, "pieces": pieces, "merges": merges}


def main():
    few_letters = "a ba cab\nabba bab cabba abc\n  ca ba, abba!\n"
    cases = {"words": [word_case(seed) for seed in [*range(40), 133, 192]],
             "texts": [text_case("byte-bpe", PROSE, vocab_size=300),
                       text_case("byte-bpe", PROSE, vocab_size=1000, add_prefix_space=True, min_frequency=3),
                       text_case("byte-bpe", "a\r\nb\n\n\n  a b\n", vocab_size=300, min_frequency=0),
                       text_case("wordpiece", few_letters, vocab_size=30),
                       text_case("wordpiece", few_letters.replace("a", "Á"), vocab_size=30, min_frequency=1),
                       text_case("wordpiece", few_letters.replace("a", "Á"), vocab_size=30, cased=True),
                       text_case("wordpiece", few_letters, vocab_size=30, special_tokens=[*SPECIAL["wordpiece"], "ab"]),
                       text_case("bpe", few_letters, vocab_size=30)]}
    # One line a case: a diff shows which changed.
    lines = {name: ",\n".join(json.dumps(case, ensure_ascii=False) for case in found) for name, found in cases.items()}
    FILE.write_text("{" + ",\n".join(f'"{name}": [\n{found}\n]' for name, found in lines.items()) + "}\n")


if __name__ == "__main__":
    main()
