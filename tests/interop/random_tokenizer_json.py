"""Random tokenizer.json documents that the `tokenizers` package loads, and texts that are hard on them.

Every stage type that the package knows takes part, with its options, alone and in sequences; vocabularies are made from
what the stages leave of the texts, so that most words have pieces and some have none.
"""

import base64
import io
import json
import random

import sentencepiece
from tokenizers import Tokenizer

LETTERS = "abcdefst ABST"
THEMES = [LETTERS, LETTERS + "  \t\n", "éèüßçñÅ aeo", "e\u0301a\u0308\u0323o\u0302 ", "абвг АБ", "αβγς ΑΣ", "的一是 不了。，", "カタひらがなー ｶﾞ", "한글각 ᄒ\u1161\u11ab",
          "हिन्दी क्ष\u200d ", "ไทย เ", "عربي \u0640١٢", "שלום \u05b0", "0123456789 ½²Ⅷ٣", ".,!?'\"-–— ()[]{}<>", "$+=^`|~ €", "👨\u200d👩\u200d👧🇫🇷👍🏽 ",
          "▁ ▁a", "ﬁﬂ㍻①ａＢ１", "\u00a0\u2003\u3000\u200b\ufeff\u00ad \u2028\u0085\x00\x07\r", "<0x41> <s> </s> [MASK]", "##a@@ b</w>", "ĠaĊ Ģ", "ǅİıſK"]
HOSTILE = ["", " ", "  ", "\n", " a", "a ", "▁", "▁▁", "\u0301", "\u0301a", "\u200d", "\ufeff", "\x00", "\ufffd", "a\r\nb", "\u0300" * 30, "a" * 120, " " * 40,
           "ab" * 60, "\U0010ffff", "<0x41>", "don't", "I'll DO IT", "3.14", "a.b,c", "the  two   spaces", "ẞß", "ŉ", "İ", "Ω", "e\u0323\u0301", "가각ᆨ", "＜ｓ＞", "\t\ttab",
           "x\u00a0y", "\u2028", "\u0085", "\u180e", "ā́", "𝐀𝟘", "𠀀", "٠١", "क्ष", "🇫🇷🇩", "👩🏽\u200d🚀", "don t", "[CLS] a [SEP]", "<s>a</s>", "<mask> <mask>"]
EXPRESSIONS = [
    r" ", r"\s", r"\s+", r"\s+$", r"^\s+", r"\w+", r"\W", r"\d", r"\d{1,3}", r"\d+", r"[a-c]", r"[^a-z\s]", r"[[:punct:]]", r"[[:alpha:]]+", r"[[:space:]]", r"[[:^digit:]]+",
    r"[[:upper:]]", r"[[:word:]]+", r"\p{L}+", r"\p{Lu}\p{Ll}*", r"\p{N}", r"\p{P}", r"\p{M}+", r"\p{Han}", r"\p{Cyrillic}+", r"\p{^L}", r"\P{L}+", r"\X", r"\h", r"\H+", r"\R",
    r"(?i:a|b)", r"(?i)st", r"(?i:'s|'t|'re)", r"a|ab", r"ab|a", r"a*", r"a??", r"", r"(?=a)", r"(?<=a)", r"(?<!\s)b", r"\b", r"\B", r"\ba", r"^", r"$", r"\A.", r".\z", r".\Z", r".", r".{2}", r"(?m:.)", r"(?:ab)+",
    r"(a)(b)?", r"(a)\1", r"a{2}", r"a{2,}?", r"(?>a+)b", r"a++", r"[\p{L}\p{N}]+", r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", r"\s?\p{Script=Greek}+" , r"[а-я]+", r"[\u4e00-\u9fff]", r"[\x{4e00}-\x{9fff}]+", r"\t|\n", r"[.,!?]", r"\.", r"▁", r"▁+",
    r"[[:alpha:]&&[^a]]+", r"\p{Alphabetic}+", r"\p{Emoji}", r"\p{Thai}+", r"\p{Hiragana}|\p{Katakana}", r"\p{Arabic}+", r"\p{Letter}", r"\p{Any}", r"\p{ASCII}+", r"\p{Punct}", r"\p{Alnum}+"]
CHARACTERS = [" ", "a", "▁", "-", "é", "的", "'", ".", "_", "\n", "b", "\u00a0"]
STRINGS = [" ", "a", "ab", "  ", "▁", "é", "e\u0301", "的", ".", "``", "''", "\n", "th", "s", "", "\u0301"]
CONTENTS = ["", " ", "▁", "x", "a", "ab", "é", "▁▁", "  ", "的", "<s>", "\n", "\u0301", "$1", "\\1"]
BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
NAMES = ["<s>", "</s>", "<unk>", "<pad>", "[MASK]", "<mask>", "[CLS]", "[SEP]", "<|endoftext|>"]


def charsmap():
    """That of SentencePiece's nmt_nfkc_cf, in Base64."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["a b c d"] * 9), model_writer=model, vocab_size=8, hard_vocab_limit=False,
                                             normalization_rule_name="nmt_nfkc_cf", minloglevel=9)
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


class Maker:
    """One random document and its texts."""

    def __init__(self, seed, precompiled):
        self.rng = random.Random(seed)
        self.precompiled = precompiled
        theme = "".join(self.rng.sample(THEMES, self.rng.choice([1, 2, 3])))
        self.characters = theme + self.rng.choice(["", " ", "   "])
        self.words = ["".join(self.rng.choices(self.characters, k=self.rng.randint(1, 6))) for _ in range(12)]

    def chance(self, probability):
        return self.rng.random() < probability

    def flag(self):
        return self.chance(0.5)

    # ---- texts ----
    def text(self):
        parts = []
        for _ in range(self.rng.randint(1, 7)):
            kind = self.rng.random()
            if kind < 0.6:
                parts.append(self.rng.choice(self.words))
            elif kind < 0.75:
                parts.append("".join(self.rng.choices(self.characters, k=self.rng.randint(1, 8))))
            elif kind < 0.85:
                parts.append(self.rng.choice(self.added or NAMES))
            else:
                parts.append(self.rng.choice(HOSTILE))
            parts.append(self.rng.choice(["", " ", " ", "  "]))
        return "".join(parts)

    # ---- stages ----
    def one_of(self, makers, sequence, deepest=2):
        """One stage, or several in a sequence."""
        if deepest > 0 and self.chance(0.3):
            return sequence([self.one_of(makers, sequence, deepest - 1) for _ in range(self.rng.choice([0, 1, 2, 2, 3, 3, 4]))])
        return self.rng.choice(makers)()

    def pattern(self):
        if self.flag():
            return {"Regex": self.rng.choice(EXPRESSIONS)}
        return {"String": self.rng.choice(STRINGS)}

    def plain(self, *names):
        return [lambda name=name: {"type": name} for name in names]

    def normalizer(self):
        makers = self.plain("Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "StripAccents", "ByteLevel") + [
            lambda: {"type": "BertNormalizer", "clean_text": self.flag(), "handle_chinese_chars": self.flag(),
                     "strip_accents": self.rng.choice([None, True, False]), "lowercase": self.flag()},
            lambda: {"type": "Strip", "strip_left": self.flag(), "strip_right": self.flag()},
            lambda: {"type": "Replace", "pattern": self.pattern(), "content": self.rng.choice(CONTENTS)},
            lambda: {"type": "Replace", "pattern": self.pattern(), "content": self.rng.choice(CONTENTS)},
            lambda: {"type": "Prepend", "prepend": self.rng.choice(["▁", " ", "ab", ""])},
            lambda: {"type": "Precompiled", "precompiled_charsmap": self.precompiled}]
        return self.one_of(makers, lambda steps: {"type": "Sequence", "normalizers": steps})

    def metaspace(self):
        stage = {"type": "Metaspace", "replacement": self.rng.choice(["▁", "▁", "▁", "_", " "])}
        if self.chance(0.8):
            stage |= {"prepend_scheme": self.rng.choice(["always", "first", "never"]), "split": self.flag()}
        elif self.flag():
            stage |= {"add_prefix_space": self.flag()}
        return stage

    def pre_tokenizer(self):
        makers = self.plain("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts") + [
            lambda: {"type": "ByteLevel", "add_prefix_space": self.flag(), "trim_offsets": self.flag(), "use_regex": self.flag()},
            lambda: {"type": "ByteLevel", "add_prefix_space": self.flag(), "trim_offsets": self.flag(), "use_regex": self.flag()},
            self.metaspace, self.metaspace,
            lambda: {"type": "Split", "pattern": self.pattern(), "behavior": self.rng.choice(BEHAVIOURS), "invert": self.flag()},
            lambda: {"type": "Split", "pattern": self.pattern(), "behavior": self.rng.choice(BEHAVIOURS), "invert": self.flag()},
            lambda: {"type": "Punctuation", "behavior": self.rng.choice(BEHAVIOURS)},
            lambda: {"type": "Digits", "individual_digits": self.flag()},
            lambda: {"type": "CharDelimiterSplit", "delimiter": self.rng.choice(CHARACTERS)},
            lambda: {"type": "FixedLength", "length": self.rng.choice([1, 2, 3, 5])}]
        return self.one_of(makers, lambda steps: {"type": "Sequence", "pretokenizers": steps})

    def decoder(self):
        makers = self.plain("ByteLevel", "ByteFallback", "Fuse") + [
            lambda: {"type": "WordPiece", "prefix": self.rng.choice(["##", "##", "@@", "a"]), "cleanup": self.flag()},
            self.metaspace,
            lambda: {"type": "BPEDecoder", "suffix": self.rng.choice(["</w>", "</w>", "a"])},
            lambda: {"type": "Strip", "content": self.rng.choice(CHARACTERS), "start": self.rng.randint(0, 2), "stop": self.rng.randint(0, 2)},
            lambda: {"type": "Replace", "pattern": self.pattern(), "content": self.rng.choice(CONTENTS)},
            lambda: {"type": "CTC", "pad_token": self.rng.choice(["<pad>", "a", "▁"]), "word_delimiter_token": self.rng.choice(["|", " ", "b"]), "cleanup": self.flag()}]
        return self.one_of(makers, lambda steps: {"type": "Sequence", "decoders": steps})

    def template(self, pair):
        steps, texts = [], ["A", "B"] if pair else ["A"]
        if pair and self.chance(0.15):
            texts.reverse()
        for text in texts:
            steps += [{"SpecialToken": {"id": name, "type_id": self.rng.choice([0, 0, 1])}} for name in self.rng.sample(["<s>", "</s>", "x y"], self.rng.randint(0, 2))]
            steps.append({"Sequence": {"id": text, "type_id": self.rng.choice([0, 0, 1, 2])}})
        return steps + [{"SpecialToken": {"id": name, "type_id": 0}} for name in self.rng.sample(["<s>", "</s>", "x y"], self.rng.randint(0, 2))]

    def post_processor(self, vocabulary):
        def special(name, ids):
            return {"id": name, "ids": ids, "tokens": [name] * len(ids)}
        some_id = lambda: self.rng.choice(list(vocabulary.values()) or [0])
        pair = lambda name: [name, some_id()]
        makers = [
            lambda: {"type": "TemplateProcessing", "single": self.template(False), "pair": self.template(True),
                     "special_tokens": {"<s>": special("<s>", [some_id()]), "</s>": special("</s>", [some_id()]), "x y": special("x y", [some_id(), some_id()])}},
            lambda: {"type": "BertProcessing", "sep": pair("[SEP]"), "cls": pair("[CLS]")},
            lambda: {"type": "RobertaProcessing", "sep": pair("</s>"), "cls": pair("<s>"), "trim_offsets": self.flag(), "add_prefix_space": self.flag()},
            lambda: {"type": "ByteLevel", "add_prefix_space": self.flag(), "trim_offsets": self.flag(), "use_regex": self.flag()}]
        return self.one_of(makers, lambda steps: {"type": "Sequence", "processors": steps}, deepest=1)

    # ---- models ----
    def pieces_of(self, document, texts):
        """What the normalizer and the pre-tokenizer make of the texts."""
        words, model = [], {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
        try:
            tokenizer = Tokenizer.from_str(json.dumps(document | {"model": model}))
        except Exception:  # a stage that the package refuses
            return ["a"]
        for text in texts:
            try:
                normalized = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
                words += [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalized)] if tokenizer.pre_tokenizer else [normalized]
            except BaseException:  # the package's panics are no Exception
                continue
        return [word for word in words if word][:300] or ["a"]

    def numbered(self, pieces, *first):
        unique = list(dict.fromkeys([piece for piece in first if piece is not None] + pieces))
        if self.chance(0.3):
            self.rng.shuffle(unique)
        step = 2 if self.chance(0.07) else 1  # ids without a piece between
        return {piece: i * step for i, piece in enumerate(unique)}

    def bytes_pieces(self):
        pieces = [f"<0x{byte:02X}>" for byte in range(256)]
        if self.chance(0.2):
            del pieces[self.rng.randrange(256)]
        return pieces

    def bpe(self, words):
        prefix, suffix = self.rng.choice([None, None, None, "##", "@@", ""]), self.rng.choice([None, None, None, "</w>", ""])
        unknown, fallback = self.rng.choice([None, "<unk>", "<unk>", "[UNK]"]), self.chance(0.3)
        split = []
        for word in words:
            symbols = [(prefix or "") * (i > 0) + character for i, character in enumerate(word)]
            symbols[-1] += suffix or ""
            split.append(symbols)
        characters = sorted({symbol for symbols in split for symbol in symbols})
        if self.flag():
            characters = [c for c in characters if self.chance(0.85)]
        known, merges = set(characters), []
        for _ in range(self.rng.randint(0, 40)):
            pairs = [(a, b) for symbols in split for a, b in zip(symbols, symbols[1:]) if a in known and b in known]
            if not pairs:
                break
            a, b = self.rng.choice(pairs)
            merged = a + b[len(prefix or ""):]
            known.add(merged)
            characters.append(merged)
            merges.append([a, b])
            for symbols in split:
                i = 0
                while i + 1 < len(symbols):
                    if (symbols[i], symbols[i + 1]) == (a, b):
                        symbols[i : i + 2] = [merged]
                    i += 1
        if all(" " not in a + b for a, b in merges) and self.chance(0.3):
            merges = [f"{a} {b}" for a, b in merges]
        model = {"type": "BPE", "dropout": None, "unk_token": unknown, "continuing_subword_prefix": prefix, "end_of_word_suffix": suffix, "fuse_unk": self.flag(),
                 "byte_fallback": fallback, "ignore_merges": self.chance(0.2),
                 "vocab": self.numbered(characters + (self.bytes_pieces() if fallback else []), unknown), "merges": merges}
        for optional in ["dropout", "fuse_unk", "byte_fallback", "ignore_merges", "continuing_subword_prefix"]:
            if self.chance(0.1) and not model[optional]:
                del model[optional]
        return model

    def substrings(self, words, probability):
        pieces = []
        for word in words:
            if self.chance(probability):
                begin = self.rng.randrange(len(word))
                pieces.append((begin, word[begin : begin + self.rng.randint(1, 5)]))
            if self.chance(0.3):
                pieces.append((0, word))
        pieces += [(i, character) for word in words for i, character in enumerate(word) if self.chance(0.5)]
        return pieces

    def wordpiece(self, words):
        prefix = self.rng.choice(["##", "##", "@@", "", "a"])
        pieces = [(prefix if begin > 0 else "") + piece for begin, piece in self.substrings(words, 0.8)]
        return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix, "max_input_chars_per_word": self.rng.choice([100, 100, 5]),
                "vocab": self.numbered(pieces, "[UNK]" if self.chance(0.95) else None)}

    def wordlevel(self, words):
        return {"type": "WordLevel", "vocab": self.numbered([word for word in words if self.chance(0.7)], "<unk>" if self.chance(0.95) else None), "unk_token": "<unk>"}

    def unigram(self, words):
        fallback = self.chance(0.3)
        pieces = list(dict.fromkeys(["<unk>"] + [piece for _, piece in self.substrings(words, 0.8)] + (self.bytes_pieces() if fallback else [])))
        scores = [0.0] + [self.rng.choice([-1.0, -2.5, round(self.rng.uniform(-12, -1), 3), self.rng.uniform(-12, -1)]) for _ in pieces[1:]]
        return {"type": "Unigram", "unk_id": 0 if self.chance(0.95) else None, "vocab": [list(entry) for entry in zip(pieces, scores)], "byte_fallback": fallback}

    # ---- added tokens ----
    def added_tokens(self, vocabulary):
        contents = self.rng.sample(NAMES, self.rng.randint(0, 4)) + self.rng.sample(self.words, self.rng.choice([0, 0, 1, 2, 3]))
        contents += self.rng.sample(["a", "A", "ab", " b", "b ", "é", "É", "e\u0301", "的", "[x]", "<S>", "new york", "▁a", "\u0301"], self.rng.choice([0, 0, 1, 2, 3]))
        if vocabulary and self.flag():
            contents += self.rng.sample(list(vocabulary), min(len(vocabulary), 2))
        if contents and self.chance(0.1):
            contents.append(self.rng.choice(contents))
        tokens, ids, free = [], dict(vocabulary), max(vocabulary.values(), default=-1) + 1
        for content in contents:
            if content not in ids and content:
                ids[content] = free
                free += 1
            same = [token["normalized"] for token in tokens if token["content"] == content]
            tokens.append({"id": ids.get(content, 0), "content": content, "single_word": self.chance(0.25), "lstrip": self.chance(0.25),
                           "rstrip": self.chance(0.25), "normalized": same[0] if same else self.flag(), "special": self.flag()})
        self.added = [token["content"] for token in tokens]
        return sorted(tokens, key=lambda token: token["id"]) if self.chance(0.8) else tokens

    def document(self):
        """The document and texts to try it on."""
        self.added = []
        document = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
                    "normalizer": self.normalizer() if self.chance(0.65) else None,
                    "pre_tokenizer": self.pre_tokenizer() if self.chance(0.8) else None, "post_processor": None,
                    "decoder": self.decoder() if self.chance(0.75) else None, "model": None}
        words = self.pieces_of(document, [self.text() for _ in range(20)])
        document["model"] = self.rng.choice([self.bpe, self.bpe, self.wordpiece, self.wordlevel, self.unigram])(words)
        vocabulary = document["model"]["vocab"]
        if isinstance(vocabulary, list):
            vocabulary = {piece: i for i, (piece, _) in enumerate(vocabulary)}
        document["added_tokens"] = self.added_tokens(vocabulary)
        if self.chance(0.7):
            document["post_processor"] = self.post_processor(vocabulary)
        if self.chance(0.1):
            document["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
        if self.chance(0.1):
            document["padding"] = {"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>"}
        return document, [self.text() for _ in range(22)] + self.rng.sample(HOSTILE, 10) + self.added
