"""PNG files that no library writes: every kind of pixel, interlaced or not, any other chunk, indices past the palette."""
import struct
import zlib

import numpy

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: (colour type, bits) of all kinds that there are
KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)]
#: left, top, step to the right, step down of the seven passes of Adam7
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def packed_rows(samples: numpy.ndarray, bits: int) -> bytes:
    """Rows of samples [height, width, channels], each behind filter 0."""
    rows = b""
    for row in samples.reshape(len(samples), -1):
        if bits == 16:
            rows += b"\0" + row.astype(">u2").tobytes()
        else:
            digits = row[:, None] >> numpy.arange(bits - 1, -1, -1) & 1
            rows += b"\0" + numpy.packbits(digits.astype(numpy.uint8)).tobytes()
    return rows


def png(samples: numpy.ndarray, kind: int, bits: int, interlaced: bool = False, before: tuple = (), after: tuple = ()) -> bytes:
    """samples: [height, width, channels]; before, after: further chunks (kind, content) around the pixels."""
    height, width, _ = samples.shape
    if interlaced:
        parts = [samples[top::down, left::right] for left, top, right, down in PASSES]
        pixels = b"".join(packed_rows(part, bits) for part in parts if part.size)
    else:
        pixels = packed_rows(samples, bits)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, int(interlaced))
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(pixels)), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*entry) for entry in chunks)
