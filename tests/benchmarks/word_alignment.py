#!/usr/bin/env python3
"""How often the decoder of transformer-class.toml looks at the word that it translates, by the links that toy-en-fr knows.

    scripts/get_data.sh toy-en-fr
    build/release/bin/train_transformer --config train/recipes/transformer-class.toml --out runs/fr
    python3 tests/benchmarks/word_alignment.py --run runs/fr

Prints the share of the test set's translations that are right, word for word, and for these the share of words whose
largest weight, over the mean of the heads of the last layer, is on the word that they translate.
"""
import argparse
import collections
import json
import math
import pathlib
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write_tensors(path, tensors):
    """Rows of equal length, as I64."""
    header, body = {}, b""
    for name, rows in tensors.items():
        content = b"".join(struct.pack(f"<{len(row)}q", *row) for row in rows)
        header[name] = {"dtype": "I64", "shape": [len(rows), len(rows[0])], "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def read_attention(path):
    """The last cross_attentions.N: its values and shape."""
    content = path.read_bytes()
    length, = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    name = max((key for key in header if key.startswith("cross_attentions.")), key=lambda key: int(key.split(".")[1]))
    begin, _ = header[name]["data_offsets"]
    shape = header[name]["shape"]
    return struct.unpack_from(f"<{math.prod(shape)}f", content, 8 + length + begin), shape


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "data/toy-en-fr")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    options = parser.parse_args()
    english, french, links = ((options.data / f"test.{end}").read_text(encoding="utf-8").splitlines() for end in ("en", "fr", "align"))
    made = subprocess.run([options.bin / "translate", "--model", options.run, "--file", options.data / "test.en", "--json", "--show-ids"],
                          check=True, capture_output=True, text=True, encoding="utf-8")
    sources = [json.loads(line.split(": ", 1)[1].split("]")[0] + "]") for line in made.stderr.splitlines() if line.startswith("source ")]
    answers = [json.loads(line) for line in made.stdout.splitlines()]
    right = [i for i, answer in enumerate(answers) if answer["translation"] == french[i]]
    print(f"right translations: {len(right)} of {len(french)}")
    start = json.loads((options.run / "config.json").read_text())["decoder_start_token_id"]
    groups = collections.defaultdict(list)  # of one shape, for one forward pass
    for i in right:
        groups[len(sources[i]), len(answers[i]["tokens"])].append(i)
    by_word, hits, words = collections.Counter(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = pathlib.Path(folder) / "in.safetensors", pathlib.Path(folder) / "out.safetensors"
        for group in groups.values():
            write_tensors(inputs, {"input_ids": [sources[i] for i in group],
                                   "decoder_input_ids": [[start] + answers[i]["tokens"][:-1] for i in group]})
            subprocess.run([options.bin / "forward", "--model", options.run, "--inputs", inputs, "--outputs", outputs, "--attentions"],
                           check=True, capture_output=True)
            weights, (_, heads, rows, columns) = read_attention(outputs)
            for n, i in enumerate(group):
                target_words = french[i].replace(".", " .").split()
                first = (len(sources[i]) - len(english[i].replace(".", " .").split())) // 2  # the token before the text
                known = collections.defaultdict(set)
                for link in links[i].split():
                    source, target = map(int, link.split("-"))
                    known[target].add(source + first)
                for row, word in enumerate(target_words):
                    mean = [sum(weights[((n * heads + h) * rows + row) * columns + c] for h in range(heads)) for c in range(columns)]
                    hit = mean.index(max(mean)) in known[row]
                    hits += hit
                    words += 1
                    by_word[word] += not hit
    print(f"words that look most at what they translate: {hits} of {words} ({hits / words:.1%})")
    print("the others: " + ", ".join(f"{word} {count}" for word, count in by_word.most_common(12) if count))


if __name__ == "__main__":
    main()
