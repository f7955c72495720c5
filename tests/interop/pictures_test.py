#!/usr/bin/env python3
"""Picture files of every kind beside transformers' load_image: all pixels of PNG, plain and interlaced, palettes and
transparency; JPEG's samplings, scans and inks; orientations wherever they may stand; and what nobody can read.

    .venv-reference/bin/python tests/interop/pictures_test.py build/release/bin
"""
import io
import json
import pathlib
import random
import struct
import subprocess
import sys
import warnings
import zlib

import numpy
import transformers
from PIL import Image
from safetensors.torch import load_file
from transformers.image_utils import load_image

import interop

sys.path.insert(0, str(interop.ROOT / "tests/golden"))
from png_files import CHANNELS, KINDS, chunk, png

# Levels of 255. Another version of libjpeg than Pillow's may round otherwise.
JPEG_LEVELS = 4
SIZES = [(1, 1), (1, 2), (2, 1), (1, 9), (9, 1), (3, 3), (5, 8), (8, 5), (16, 16), (17, 13), (33, 1), (15, 32)]
XMP = b"XML:com.adobe.xmp"


def exif(orientation: int, big_endian: bool) -> bytes:
    order = ">" if big_endian else "<"
    return (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "LHHHLHHL", 8, 1, 0x112, 3, 1, orientation, 0, 0)


def xmp(rng: random.Random, orientation: int) -> bytes:
    return rng.choice([b'<rdf:Description tiff:Orientation="%d"/>', b"<tiff:Orientation>%d</tiff:Orientation>"]) % orientation


def standing_chunks(rng: random.Random, orientation: int) -> list:
    """Chunks of a PNG that say how the picture stands; where two do, EXIF counts."""
    data = exif(orientation, rng.random() < 0.5)
    digits = data.hex().encode()
    raw = b"\nexif\n%8d\n" % len(data) + digits[:30] + b"\n" + digits[30:] + b"\n"
    text = xmp(rng, orientation)
    return rng.choice([
        [(b"eXIf", data)], [(b"eXIf", data), (b"iTXt", XMP + b"\0\0\0\0\0" + xmp(rng, 3))], [(b"iTXt", XMP + b"\0\0\0en\0\0" + text)],
        [(b"iTXt", XMP + b"\0\1\0\0\0" + zlib.compress(text))], [(b"tEXt", XMP + b"\0" + text)],
        [(b"zTXt", XMP + b"\0\0" + zlib.compress(text))], [(b"tEXt", b"Raw profile type exif\0" + raw)],
        [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw))]])


def standing_segments(rng: random.Random, orientation: int) -> bytes:
    """The same for a JPEG."""
    def segment(content: bytes) -> bytes:
        return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content

    both = segment(b"Exif\0\0" + exif(orientation, rng.random() < 0.5))
    other = segment(b"http://ns.adobe.com/xap/1.0/\0" + xmp(rng, orientation))
    return rng.choice([both, other, both + segment(b"http://ns.adobe.com/xap/1.0/\0" + xmp(rng, 3))])


def some_png(rng: random.Random, width: int, height: int, kind: int, bits: int, orientation: int) -> bytes:
    draw = numpy.random.default_rng(rng.randrange(2**32))
    before = []
    if kind == 3:
        colours = rng.randint(1, 2**bits)  # so that some indices are past the palette
        before.append((b"PLTE", draw.integers(0, 256, 3 * colours, dtype=numpy.uint8).tobytes()))
        if rng.random() < 0.5:
            before.append((b"tRNS", bytes(rng.choice([0, 128, 255]) for _ in range(rng.randint(1, colours)))))
    elif kind in (0, 2) and rng.random() < 0.5:
        before.append((b"tRNS", draw.integers(0, 2**bits, CHANNELS[kind]).astype(">u2").tobytes()))
    notes = standing_chunks(rng, orientation) if orientation > 1 else []
    early = rng.random() < 0.5
    samples = draw.integers(0, 2**bits, (height, width, CHANNELS[kind]))
    return png(samples, kind, bits, rng.random() < 0.5, tuple(before + notes * early), tuple(notes * (not early)))


def some_jpeg(rng: random.Random, width: int, height: int, mode: str, subsampling: str, orientation: int) -> bytes:
    draw = numpy.random.default_rng(rng.randrange(2**32))
    values = draw.integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    if rng.random() < 0.5:
        values = numpy.linspace(0, 255, values.size).reshape(values.shape).astype(numpy.uint8)
    options = {"quality": rng.choice([20, 75, 95, 100]), "progressive": rng.random() < 0.4, "optimize": rng.random() < 0.4}
    if mode == "RGB":
        options["subsampling"] = subsampling
    if rng.random() < 0.3:
        options["restart_marker_blocks"] = 1
    if rng.random() < 0.3:
        options["dpi"] = (72, 72)
    file = io.BytesIO()
    Image.fromarray(values).convert(mode).save(file, "JPEG", **options)
    content = file.getvalue()
    notes = standing_segments(rng, orientation) if orientation > 1 else b""
    at = 4 + struct.unpack(">H", content[4:6])[0] if content[3] == 0xe0 else 2
    return content[:at] + notes + content[at:]


def reference(content: bytes) -> numpy.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return numpy.asarray(load_image(Image.open(io.BytesIO(content))), int)


class PicturesTest(interop.InteropTest):
    def model_of(self, height: int, width: int) -> pathlib.Path:
        """A classifier that takes pictures of this size as they are."""
        folder = self.work / f"model-{height}-{width}"
        if not folder.exists():
            config = transformers.ViTConfig(image_size=(height, width), patch_size=1, hidden_size=4, num_hidden_layers=1,
                                            num_attention_heads=1, intermediate_size=4)
            transformers.ViTForImageClassification(config).save_pretrained(folder)
            (folder / "preprocessor_config.json").write_text(json.dumps(
                {"image_processor_type": "ViTImageProcessor", "do_resize": False, "do_rescale": False, "do_normalize": False}))
        return folder

    def compare(self, height: int, width: int, contents: list):
        """contents: (file's ending, bytes, levels it may be off)."""
        files = [self.work / f"{n}.{ending}" for n, (ending, _, _) in enumerate(contents)]
        for file, (_, content, _) in zip(files, contents, strict=True):
            file.write_bytes(content)
        self.run_program("classify_image", "--model", self.model_of(height, width), *files, "--threads", 1, "--pixel-values",
                         self.work / "pixels.safetensors")
        pixels = load_file(self.work / "pixels.safetensors")["pixel_values"].numpy()
        for ours, file, (_, content, levels) in zip(pixels, files, contents, strict=True):
            difference = numpy.abs(ours.transpose(1, 2, 0) - reference(content)).max()
            self.assertLessEqual(difference, levels, f"{height} x {width}, {file.name}, {content[:60]}")

    def test_all_kinds_of_png_in_all_sizes_standing_in_all_ways(self):
        rng = random.Random(11)
        for height, width in SIZES:
            contents = []
            for number, (kind, bits) in enumerate(KINDS * 2):
                orientation = rng.choice([1, 1, *range(2, 9)]) if number >= len(KINDS) else 1
                stored = (height, width) if orientation >= 5 else (width, height)
                contents.append(("png", some_png(rng, *stored, kind, bits, orientation), 0))
            self.compare(height, width, contents)

    def test_all_kinds_of_jpeg_in_all_sizes_standing_in_all_ways(self):
        rng = random.Random(12)
        for height, width in SIZES:
            contents = []
            for mode, subsampling in [("RGB", "4:4:4"), ("RGB", "4:2:2"), ("RGB", "4:2:0"), ("L", ""), ("CMYK", "")] * 4:
                orientation = rng.choice([1, *range(2, 9)])
                stored = (height, width) if orientation >= 5 else (width, height)
                contents.append(("jpg", some_jpeg(rng, *stored, mode, subsampling, orientation), JPEG_LEVELS))
            self.compare(height, width, contents)

    def test_what_cannot_be_read_is_refused_in_one_line(self):
        rng = random.Random(13)
        picture = some_png(rng, 16, 16, 2, 8, 1)
        photo = some_jpeg(rng, 16, 16, "RGB", "4:2:0", 1)
        progressive = io.BytesIO()
        Image.new("RGB", (16, 16)).save(progressive, "JPEG", progressive=True)
        gif = io.BytesIO()
        Image.new("RGB", (16, 16)).save(gif, "GIF")
        header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
        damaged_exif = b"\xff\xe1" + struct.pack(">H", 2 + 14) + b"Exif\0\0" + b"no TIFF "
        with_resolution = io.BytesIO()
        Image.new("RGB", (16, 16)).save(with_resolution, "JPEG", dpi=(72, 72))
        broken = {
            "empty.png": b"", "start.png": picture[:8], "half.png": picture[:len(picture) // 2],
            "half.jpg": photo[:len(photo) * 2 // 3], "no-end.jpg": photo[:-2], "start.jpg": photo[:20],
            "half-progressive.jpg": progressive.getvalue()[:-30], "text.jpg": b"not a picture", "a.gif": gif.getvalue(),
            "sum.png": picture.replace(b"IDAT", b"IDAU"),
            "huge.png": picture[:8] + chunk(b"IHDR", header) + picture[33:],
            "twelve-bits.jpg": photo.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c").replace(
                b"\xff\xc2\0\x11\x08", b"\xff\xc2\0\x11\x0c"),
            "no-tiff.png": png(numpy.zeros((16, 16, 3), int), 2, 8, after=((b"eXIf", b"no TIFF "),)),
            "no-tiff.jpg": with_resolution.getvalue()[:20] + damaged_exif + with_resolution.getvalue()[20:],
        }
        model = self.model_of(16, 16)
        for name, content in broken.items():
            (self.work / name).write_bytes(content)
            if name != "a.gif":  # which Pillow reads
                with self.assertRaises(Exception, msg=name):
                    reference(content)
            done = subprocess.run([self.binaries / "classify_image", "--model", model, self.work / name], capture_output=True,
                                  text=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), f"{name}: {done.stderr}")
            self.assertIn(name, done.stderr)


if __name__ == "__main__":
    interop.main()
