"""Our event files in TensorBoard's own reader: every scalar of metrics.jsonl, the text, and a resume.

    .venv-reference/bin/python tests/interop/tensorboard_test.py build/release/bin

Lets report_sample write the run of 2000 updates that was killed at 1037 and resumed after 1000, and compares the
events with metrics.jsonl. Exit code 1 and one line per difference where they disagree.
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def expected_scalars(run):
    """{tag: [(step, value)]} of metrics.jsonl."""
    expected = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for key, value in record.items():
            if key not in ("step", "split"):
                expected.setdefault(f"{key}/{record['split']}", []).append((record["step"], as_float32(value)))
    return expected


def differences(run):
    unlimited = {event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0}
    events = event_accumulator.EventAccumulator(str(run), size_guidance=unlimited).Reload()
    expected = expected_scalars(run)
    if set(events.Tags()["scalars"]) != set(expected):
        yield f"scalar tags are {sorted(events.Tags()['scalars'])}, expected {sorted(expected)}"
        return
    for tag, points in expected.items():
        got = [(event.step, event.value) for event in events.Scalars(tag)]
        if got != points:
            yield f"{tag}: {len(got)} points, {len(points)} expected, or their values differ"
        if any(event.wall_time != 1.7e9 + event.step for event in events.Scalars(tag)):
            yield f"{tag}: wall times differ"
    if len(expected["loss/train"]) != 2000 or len(expected["loss/val"]) != 9:
        yield "metrics.jsonl: a resume must leave one line for each update and each evaluation"
    texts = events.Tensors("configuration")
    if [tensor_util.make_ndarray(text.tensor_proto).tolist() for text in texts] != [[b'    layers = 4\n    name = "a & b"']]:
        yield f"text: {texts}"
    if events.SummaryMetadata("configuration").plugin_data.plugin_name != "text":
        yield "text: not shown by the text plugin"


def main():
    programs = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        subprocess.run([programs / "report_sample", run], check=True, stdout=subprocess.DEVNULL)
        found = list(differences(run))
    for line in found:
        print(line)
    print(f"tensorboard_test: {'FAILED' if found else 'event files read back as written'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
