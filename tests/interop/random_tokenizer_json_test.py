"""Random tokenizer.json documents (random_tokenizer_json.py) against AutoTokenizer and its `tokenizers` package: ids, pieces, places, special
tokens, pairs, decodes.

    .venv-reference/bin/python tests/interop/random_tokenizer_json_test.py build/release/bin [--seed 1] [--count 200]

Each document agrees, or our `tokenize` refuses it in one line; those are listed by reason. Exit code 1 where one differs in
silence, or more than one in twenty is refused.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile

from transformers import AutoTokenizer
from transformers.utils import logging

from random_tokenizer_json import Maker, charsmap
from tokenizer_check import to_bytes

LARGEST_SHARE_REFUSED = 0.05
MEMORY = 8 << 30


class Refused(Exception):
    pass


class Differs(Exception):
    pass


PANIC = object()


def attempt(work, *arguments, **options):
    """None for an error; the package's panics, which are faults of its own, are no Exception."""
    try:
        return work(*arguments, **options)
    except Exception:
        return None
    except KeyboardInterrupt:
        raise
    except BaseException:
        return PANIC


class Comparison:
    """One document: ours is in a folder, theirs in memory."""

    def __init__(self, program, folder, document, lines, rng):
        self.program, self.folder, self.lines, self.rng = program, folder, lines, rng
        text = json.dumps(document, ensure_ascii=False)
        (folder / "tokenizer.json").write_text(text, encoding="utf-8", errors="surrogatepass")
        self.theirs = attempt(lambda: AutoTokenizer.from_pretrained(str(folder)).backend_tokenizer)
        if self.theirs in (None, PANIC):
            self.theirs = None
        else:
            self.theirs.no_truncation()
            self.theirs.no_padding()

    def ours(self, verb, *flags, lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = subprocess.run([self.program, "--tokenizer", self.folder, verb, "--json", *flags], input=text, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            if done.returncode != 1 or done.stderr.count("\n") != 1:
                raise Differs(f"exit code {done.returncode}: {done.stderr[:300]!r}")
            raise Refused(done.stderr.strip().replace(str(self.folder), ""))
        return [json.loads(line) for line in done.stdout.split("\n")[:-1]]

    def equal(self, what, lines, ours, theirs):
        for line, a, b in zip(lines, ours, theirs, strict=True):
            if a != b:
                raise Differs(f"{what}: {line!r}: ours {a!r:.300}, the package {b!r:.300}")

    def must_fail(self, lines):
        """What is an error there is none of our ids."""
        for line in lines[:1]:
            try:
                ids = self.ours("encode", lines=[line])
            except Refused:
                return
            raise Differs(f"errors: {line!r}: ours {ids!r:.300}, the package fails")

    def encode(self):
        bare = [attempt(self.theirs.encode, line, add_special_tokens=False) for line in self.lines]
        self.must_fail([line for line, encoding in zip(self.lines, bare) if encoding is None])
        kept = [(line, encoding) for line, encoding in zip(self.lines, bare) if encoding not in (None, PANIC)]
        if not kept:
            return [], [], []
        lines, bare = [line for line, _ in kept], [encoding for _, encoding in kept]
        ids = self.ours("encode", lines=lines)
        self.equal("ids", lines, ids, [encoding.ids for encoding in bare])
        special = [attempt(self.theirs.encode, line) for line in lines]
        if None not in special and PANIC not in special:
            self.equal("ids with special tokens", lines, self.ours("encode", "--special", lines=lines), [encoding.ids for encoding in special])
        pairs = [(a, b) for a, b in zip(lines[::4], lines[2::4]) if "\t" not in a + b]
        encoded = [attempt(self.theirs.encode, *pair) for pair in pairs]
        if pairs and None not in encoded and PANIC not in encoded:
            self.equal("pairs", pairs, self.ours("encode", "--special", "--pair", lines=["\t".join(pair) for pair in pairs]), [x.ids for x in encoded])
        return lines, bare, ids

    def decode(self, ids):
        """Also of ids that no text gives."""
        size = self.theirs.get_vocab_size()
        known = [i for i in range(size + 10) if self.theirs.id_to_token(i) is not None]
        ids = ids + [self.rng.choices(known, k=self.rng.randint(1, 9)) for _ in range(12 if known else 0)] + [[i] for i in known[:300]]
        for name, flags, skip in [("decode", (), False), ("decode without special tokens", ("--skip-special",), True)]:
            texts = [attempt(self.theirs.decode, x, skip_special_tokens=skip) for x in ids]
            kept = [(x, text) for x, text in zip(ids, texts) if text not in (None, PANIC)]
            self.equal(name, [x for x, _ in kept], self.ours("decode", *flags, lines=[x for x, _ in kept]), [text for _, text in kept])

    def places(self, lines, bare):
        ours = self.ours("encode", "--pieces", "--offsets", lines=lines)
        self.equal("pieces", lines, [[piece for piece, _, _ in x] for x in ours], [[self.theirs.id_to_token(i) for i in x.ids] for x in bare])
        self.equal("places", lines, [[place for _, *place in x] for x in ours], [to_bytes(line, x.offsets) for line, x in zip(lines, bare)])

    def run(self):
        lines, bare, ids = self.encode()
        if lines:
            self.decode(ids)
            self.places(lines, bare)


def is_undecided(tokenizer):
    """Of two added tokens that the normalizer makes one the package finds now this one, now that one; one of which it leaves
    nothing may keep it busy without end."""
    texts = [tokenizer.id_to_token(i) for i, token in tokenizer.get_added_tokens_decoder().items() if token.normalized]
    return len(set(texts)) < len(texts) or "" in texts


def reason(message):
    """A refusal without what is in it of its document."""
    message = re.sub(r"^tokenize: (/tokenizer.json: )?(line \d+: )?", "", message)
    return re.sub(r"'[^']*'|\d+", "_", message)[:110]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--only", type=int, help="the number of one document, which is printed")
    parser.add_argument("--shown", type=int, default=20, help="differences that are printed")
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # the package's faults take much
    precompiled, outcomes, refusals, kinds = charsmap(), collections.Counter(), collections.defaultdict(list), collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as work:
        number = 0
        while sum(outcomes.values()) < arguments.count:
            number += 1
            if arguments.only is not None:
                number, arguments.count = arguments.only, 1
            seed = f"{arguments.seed}/{number}"
            document, lines = Maker(seed, precompiled).document()
            if arguments.only is not None:
                print(json.dumps(document | {"normalizer": document["normalizer"] if document["normalizer"] is None or "precompiled" not in str(document["normalizer"]) else "..."}, ensure_ascii=False))
            comparison = Comparison(arguments.binaries.resolve() / "tokenize", pathlib.Path(work), document, lines, random.Random(seed))
            if comparison.theirs is None or is_undecided(comparison.theirs):
                if arguments.only is not None:
                    sys.exit("the package does not load it")
                continue
            try:
                comparison.run()
                outcomes["agree"] += 1
            except Refused as refusal:
                outcomes["refused"] += 1
                refusals[reason(str(refusal))].append(number)
            except Differs as difference:
                outcomes["differ"] += 1
                kinds[str(difference).split(":")[0]].append(number)
                if outcomes["differ"] <= arguments.shown:
                    print(f"{seed}: {difference}")
    for why, numbers in sorted(refusals.items(), key=lambda item: -len(item[1])):
        print(f"refused {len(numbers)} (such as {numbers[:4]}): {why}")
    for kind, numbers in kinds.items():
        print(f"differ in {kind}: {numbers}")
    print(", ".join(f"{outcomes[name]} {name}" for name in ["agree", "refused", "differ"]))
    sys.exit(outcomes["differ"] > 0 or outcomes["refused"] > LARGEST_SHARE_REFUSED * arguments.count)


if __name__ == "__main__":
    main()
