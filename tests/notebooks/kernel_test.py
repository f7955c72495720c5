#!/usr/bin/env python3
"""The kernel behind Jupyter's protocol, with the zoo's library.

    tests/notebooks/kernel_test.py                     start, display, interrupt, crash, restart, completion
    tests/notebooks/kernel_test.py NOTEBOOK.ipynb...   runs notebooks with nbclient: no cell fails, every claim holds

Exit code 77: scripts/notebook.sh --setup has not been run.
"""

import os
import pathlib
import re
import shutil
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNEL = ROOT / "notebooks-cpp" / "kernel"
PYTHON = ROOT / ".venv-notebook" / "bin" / "python"
os.environ["JUPYTER_PATH"] = str(KERNEL / "share" / "jupyter")

if not PYTHON.exists() or not (ROOT / "build/release/notebooks-cpp/kernel/libzoo.so").exists():
    print("kernel_test: run scripts/notebook.sh --setup first")
    sys.exit(77)
if pathlib.Path(sys.prefix) != PYTHON.parents[1]:
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

import nbformat
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

SLOW = 120  # seconds: this may be the time when the headers are precompiled


class KernelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager, cls.client = start_new_kernel(kernel_name="zoo-cpp", startup_timeout=SLOW)
        cls.addClassCleanup(cls.manager.shutdown_kernel, now=True)
        cls.addClassCleanup(cls.client.stop_channels)

    def run_cell(self, code, on_text=None):
        """(text, error's name or "", bundles)"""
        text, error, bundles = "", "", []
        request = self.client.execute(code)
        while True:
            message = self.client.get_iopub_msg(timeout=SLOW)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != request:
                continue
            if kind == "stream":
                text += content["text"]
                if on_text is not None:
                    on_text, call = None, on_text
                    call()
            elif kind == "error":
                error = content["ename"]
            elif kind == "display_data":
                bundles.append(content["data"])
            elif kind == "status" and content["execution_state"] == "idle":
                return text, error, bundles

    def test_the_zoo_is_there_and_pictures_are_shown(self):
        text, error, bundles = self.run_cell('#include "models/gpt/gpt.h"\nzoo::GptOptions options;\nnb::show(torch::eye(3));')
        self.assertEqual((text, error), ("", ""))
        self.assertIn("<svg", bundles[0]["image/svg+xml"])
        self.assertIn("heat map", bundles[0]["text/plain"])
        self.assertEqual(self.run_cell("torch::eye(2).sizes()")[:2], ("[2, 2]\n", ""))

    def test_a_claim_that_does_not_hold_ends_the_cell(self):
        self.assertEqual(self.run_cell('nb::claim("one is two", 1, nb::near(2, 0));')[1], "nb::ClaimFailed")

    def test_progress_rewrites_its_line(self):
        text = self.run_cell('for (int i = 1; i <= 3; ++i) nb::progress("work", i, 3);')[0]
        self.assertRegex(text, r"\rwork  3 / 3\n$")

    def test_the_stop_button_keeps_the_variables(self):
        self.run_cell("int n = 5;")
        code = "for (;;) std::cout << ++n << std::endl;"
        self.assertEqual(self.run_cell(code, on_text=self.manager.interrupt_kernel)[1], "Interrupted")
        self.assertEqual(self.run_cell("n > 5")[0], "true\n")

    def test_a_crash_ends_the_cell_and_not_the_kernel(self):
        self.assertEqual(self.run_cell("std::abort();")[1], "Crashed")
        self.assertEqual(self.run_cell("1 + 1")[0], "2\n")

    def test_a_restart_forgets_the_variables(self):
        self.run_cell("int forgotten = 5;")
        self.manager.restart_kernel()
        self.client.wait_for_ready(timeout=SLOW)
        self.assertEqual(self.run_cell("forgotten")[1], "CompileError")

    def test_names_are_completed(self):
        self.run_cell("int a_long_name = 5;")
        reply = self.client.complete("a_lo", 4, reply=True, timeout=SLOW)["content"]
        self.assertEqual((reply["matches"], reply["cursor_start"], reply["cursor_end"]), (["a_long_name"], 0, 4))

    def test_members_are_completed_and_explained_by_clangd(self):
        if not shutil.which("clangd"):
            self.skipTest("clangd is not here")
        self.run_cell("std::vector<int> numbers;")
        code, end = "numbers.push_b", time.monotonic() + SLOW
        matches = []
        while not matches and time.monotonic() < end:  # clangd reads the headers first
            matches = self.client.complete(code, len(code), reply=True, timeout=SLOW)["content"]["matches"]
        self.assertEqual(matches, ["push_back"])
        code = 'std::string face = "🎉🎉"; ' + code
        reply = self.client.complete(code, len(code), reply=True, timeout=SLOW)["content"]
        self.assertEqual((reply["matches"], reply["cursor_start"]), (["push_back"], len(code) - len("push_b")))
        found = self.client.inspect("numbers.size()", 10, reply=True, timeout=SLOW)["content"]
        self.assertIn("size", found["data"]["text/plain"])


def run_notebook(path):
    """One line on the notebook; raises what nbclient raises if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    start = time.monotonic()
    NotebookClient(notebook, timeout=600, kernel_name="zoo-cpp", startup_timeout=SLOW).execute(cwd=str(ROOT))
    text = "".join(output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream")
    claims = re.findall(r"(?m)^\[(holds|FAILS)\]", text)
    assert claims and set(claims) == {"holds"}, f"{path}: claims {claims}"
    print(f"{pathlib.Path(path).name}: {len(notebook.cells)} cells, {len(claims)} claims hold, {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    notebooks = [argument for argument in sys.argv[1:] if argument.endswith(".ipynb")]
    for notebook in notebooks:
        run_notebook(notebook)
    if not notebooks:
        unittest.main()
