#!/usr/bin/env python3
"""The C++ of Markdown pages as one source that compiles: snippets.py PAGE.md... > snippets.cpp"""

import pathlib
import re
import sys

includes, functions = ["#include <cstdio>", "#include <iostream>"], []
for page in map(pathlib.Path, sys.argv[1:]):
    for block in re.findall(r"^```cpp\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        lines = block.split("\n")
        includes += [line for line in lines if line.startswith("#include")]
        body = "\n".join(line for line in lines if not line.startswith("#include"))
        functions.append(f"// {page.name}\n[[maybe_unused]] static void snippet_{len(functions)}() {{\n{body}\n}}\n")
print("\n".join(dict.fromkeys(includes)) + "\n\n" + "\n".join(functions) + "\nint main() { return 0; }")
