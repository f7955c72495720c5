#!/usr/bin/env python3
"""Writes tokenizers/auto/tokenizer_classes_data.inc: which tokenizer class AutoTokenizer of the pinned `transformers` takes for a
model_type of config.json, and what each class name of a tokenizer_config.json stands for; and language_codes_data.inc: the codes of
the languages that mBART and NLLB know.

    .venv-reference/bin/python scripts/make_tokenizer_class_table.py
"""
import os
import pathlib

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import transformers
from transformers.convert_slow_tokenizer import SLOW_TO_FAST_CONVERTERS
from transformers.models.auto import tokenization_auto as auto
from transformers.models.mbart import tokenization_mbart
from transformers.models.mbart50 import tokenization_mbart50
from transformers.models.nllb import tokenization_nllb

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "tokenizers/auto"
MADE_BY = [f"// Made by scripts/make_tokenizer_class_table.py from transformers {transformers.__version__}: do not edit.",
           "// clang-format off"]


def resolved(name: str) -> str | None:
    found = auto.tokenizer_class_from_name(name)
    return getattr(found, "__name__", None)


def rows(name: str, comment: str, pairs: list) -> list[str]:
    lines = [f"// {comment}", f"constexpr NamePair {name}[] = {{"]
    lines += [f'    {{"{first}", "{second}"}},' for first, second in sorted(pairs)]
    return lines + ["};"]


def main() -> None:
    by_type = [(model_type, name) for model_type, name in auto.TOKENIZER_MAPPING_NAMES.items() if name]
    names = {name for _, name in by_type} | {"PreTrainedTokenizer", "PreTrainedTokenizerFast", "BloomTokenizer"}
    known = [*dir(transformers), *transformers._class_to_module, *SLOW_TO_FAST_CONVERTERS]
    names |= {name for name in known if name.endswith("Tokenizer") and name != "AutoTokenizer"}
    stands_for = [(name, target) for name in names if (target := resolved(name))]
    wrong = sorted(auto.MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS)
    lines = list(MADE_BY)
    lines += rows("kClassOfModelType", "config.json's model_type, the class registered for it.", by_type)
    lines += rows("kStandsFor", "A class by name, the class that it is. \"Fast\" at the end of a name is left out.", stands_for)
    lines += ["// Model types whose tokenizer_config.json is known to name a wrong class: the registered one counts.",
              "constexpr std::string_view kNamesWrongClass[] = {", *(f'    "{name}",' for name in wrong), "};", ""]
    (FOLDER / "tokenizer_classes_data.inc").write_text("\n".join(lines))
    (FOLDER / "language_codes_data.inc").write_text("\n".join(languages()) + "\n")


def languages() -> list[str]:
    lines = list(MADE_BY)
    for name, module in (("kMBartLanguages", tokenization_mbart), ("kMBart50Languages", tokenization_mbart50),
                         ("kNllbLanguages", tokenization_nllb)):
        codes = [f'"{code}",' for code in module.FAIRSEQ_LANGUAGE_CODES]
        lines.append(f"constexpr std::string_view {name}[] = {{")
        lines += ["    " + " ".join(codes[i : i + 8]) for i in range(0, len(codes), 8)]
        lines.append("};")
    return lines


if __name__ == "__main__":
    main()
