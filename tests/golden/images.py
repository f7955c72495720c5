#!/usr/bin/env python3
"""Makes images.json beside this file: what transformers' load_image reads from small files, how Pillow resizes, and what
the image processors of transformers make of a picture. Bytes stand in hexadecimal digits.

    .venv-reference/bin/python tests/golden/images.py
"""
import io
import json
import pathlib

import numpy
from PIL import Image
from png_files import CHANNELS, KINDS, png
from transformers import CLIPImageProcessorPil, DeiTImageProcessorPil, ViTImageProcessorPil
from transformers.image_utils import load_image

SIZES = [((7, 5), (3, 4)), ((7, 5), (16, 11)), ((13, 1), (5, 3)), ((1, 1), (4, 4)), ((9, 9), (9, 4)), ((9, 9), (4, 9)),
         ((40, 3), (3, 40)), ((6, 6), (6, 6)), ((5, 9), (7, 5)), ((6, 10), (5, 8)), ((6, 10), (5, 7))]
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5,
           "magic-2013": 6, "magic-2021": 7}


def picture(width: int, height: int) -> Image.Image:
    """Sharp edges and all values, by a formula that the C++ test repeats."""
    y, x, c = numpy.mgrid[0:height, 0:width, 0:3]
    return Image.fromarray(((x * 37 + y * 101 + c * 59 + x * y * 13) % 256).astype(numpy.uint8))


def resized() -> list:
    return [{"from": list(old), "to": list(new), "filter": name,
             "rgb": picture(*old).resize(new, number).tobytes().hex()}
            for old, new in SIZES for name, number in FILTERS.items()]


def file_of(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_kinds() -> dict:
    """All kinds of pixels, plain and interlaced; one index past the palette."""
    draw = numpy.random.default_rng(3)
    made = {}
    for kind, bits in KINDS:
        samples = draw.integers(0, 2**bits, (9, 5, CHANNELS[kind]))
        palette = draw.integers(0, 256, 3 * 2**bits, dtype=numpy.uint8).tobytes() if kind == 3 else None
        before = ((b"PLTE", palette),) if palette else ()
        made[f"png {kind} {bits}"] = png(samples, kind, bits, before=before)
        made[f"png {kind} {bits} interlaced"] = png(samples, kind, bits, True, before)
    samples = numpy.array([[0, 1, 2], [3, 200, 1]])[..., None]
    made["png past the palette"] = png(samples, 3, 8, before=((b"PLTE", bytes(range(10, 19))),))
    return made


def standing() -> dict:
    """A picture of 3 x 2 with every orientation, in every place where it may stand."""
    image = picture(3, 2)
    made = {}
    for number in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = number
        xmp = f'<x:xmpmeta><rdf:Description tiff:Orientation="{number}"/></x:xmpmeta>'.encode()
        made[f"png exif {number}"] = file_of(image, "PNG", exif=exif)
        made[f"jpeg exif {number}"] = file_of(image, "JPEG", quality=95, subsampling=0, exif=exif)
        samples = numpy.array(image).astype(int)
        text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
        made[f"png xmp {number}"] = png(samples, 2, 8, after=((b"iTXt", text),))
        made[f"jpeg xmp {number}"] = file_of(image, "JPEG", quality=95, subsampling=0, xmp=xmp)
    return made


def jpegs() -> dict:
    smooth = Image.fromarray(numpy.linspace(0, 255, 33 * 18 * 3).reshape(18, 33, 3).astype(numpy.uint8))
    made = {"jpeg": file_of(smooth, "JPEG", quality=90), "jpeg grey": file_of(smooth.convert("L"), "JPEG", quality=90),
            "jpeg progressive": file_of(smooth, "JPEG", quality=90, progressive=True),
            "jpeg cmyk": file_of(smooth.convert("CMYK"), "JPEG", quality=90)}
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for width, height in ((16, 5), (1, 7), (7, 1)):
            made[f"jpeg {subsampling} {width} {height}"] = file_of(picture(width, height), "JPEG", subsampling=subsampling)
    return made


def files() -> list:
    rgb = picture(11, 6)
    transparent = rgb.convert("RGBA")
    transparent.putalpha(rgb.convert("L"))
    palette = rgb.quantize(16)
    grey16 = Image.fromarray(numpy.arange(66, dtype=numpy.uint16).reshape(6, 11) * 5)
    made = {
        "rgb": file_of(rgb, "PNG"), "grey": file_of(rgb.convert("L"), "PNG"), "bits": file_of(rgb.convert("1"), "PNG"),
        "alpha": file_of(transparent, "PNG"), "grey alpha": file_of(transparent.convert("LA"), "PNG"),
        "palette": file_of(palette, "PNG"), "palette alpha": file_of(palette, "PNG", transparency=3),
        "grey 16": file_of(grey16, "PNG"),
    } | jpegs() | png_kinds() | standing()
    cases = []
    for name, content in made.items():
        image = load_image(Image.open(io.BytesIO(content)))
        cases.append({"name": name, "file": content.hex(), "width": image.width, "height": image.height,
                      "rgb": image.tobytes().hex()})
    return cases


def processed() -> list:
    small, square = {"height": 6, "width": 6}, {"height": 5, "width": 7}
    processors = [
        ViTImageProcessorPil(size=square), ViTImageProcessorPil(size=square, resample=3, do_normalize=False),
        ViTImageProcessorPil(do_resize=False, do_rescale=False, image_mean=[100.0, 110.0, 120.0]),
        ViTImageProcessorPil(do_resize=False, do_center_crop=True, crop_size=small),
        DeiTImageProcessorPil(size={"height": 8, "width": 8}, crop_size=small),
        CLIPImageProcessorPil(size={"shortest_edge": 7}, crop_size=small),
        CLIPImageProcessorPil(size={"shortest_edge": 4}, crop_size={"height": 7, "width": 6}),
    ]
    cases = []
    for width, height in [(11, 6), (5, 9), (8, 8)]:
        for processor in processors:
            values = processor(picture(width, height), return_tensors="np")["pixel_values"][0]
            cases.append({"size": [width, height], "config": json.loads(processor.to_json_string()),
                          "shape": list(values.shape), "values": [float(f"{v:.8g}") for v in values.flatten()]})
    return cases


def main() -> None:
    output = pathlib.Path(__file__).with_suffix(".json")
    golden = {"resized": resized(), "files": files(), "processed": processed()}
    output.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
