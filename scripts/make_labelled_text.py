#!/usr/bin/env python3
"""Makes train.tsv, valid.tsv and test.tsv of Shakespeare's works: passages with their genre, or with the work they are of.

    scripts/get_data.sh shakespeare
    python3 scripts/make_labelled_text.py data/shakespeare/input.txt data/shakespeare-genres
    python3 scripts/make_labelled_text.py data/shakespeare/input.txt data/shakespeare-works --label work

A line is label<TAB>passage, a passage about forty words of one scene (of the poems: of ten stanzas). Whole scenes go to
one of the files, every tenth to valid.tsv and every tenth to test.tsv: no passage stands beside one that is trained on.
Speakers' names and stage directions are taken out; whom the speeches themselves name stays, and helps. The genres are
those of the First Folio (1623); Pericles, which it lacks, counts as a comedy.
"""
import argparse
import collections
import pathlib
import re

GENRES = {
    "comedy": ["ALL'S WELL", "AS YOU LIKE IT", "COMEDY OF ERRORS", "LOVE'S LABOUR", "MEASURE FOR MEASURE",
               "MERCHANT OF VENICE", "MERRY WIVES", "MIDSUMMER", "MUCH ADO", "PERICLES", "TAMING", "TEMPEST",
               "TWELFTH NIGHT", "TWO GENTLEMEN", "WINTER'S TALE"],
    "history": ["KING HENRY", "HENRY THE EIGHTH", "KING JOHN", "RICHARD THE SECOND", "RICHARD III"],
    "tragedy": ["ANTONY", "CORIOLANUS", "CYMBELINE", "HAMLET", "JULIUS CAESAR", "KING LEAR", "MACBETH", "OTHELLO",
                "ROMEO", "TIMON", "TITUS", "TROILUS"],
    "poem": ["COMPLAINT", "PASSIONATE PILGRIM", "PHOENIX", "LUCRECE", "SONNETS"],
}
WORDS = 40  # of a passage
STANZAS = 10  # of a poem that stay together


def works(text: str):
    """(title, text of the work). A title stands before "by William Shakespeare", without a line break before it."""
    parts = re.split(r"\n\s*by William Shakespeare\s*\n", text)
    for before, body in zip(parts, parts[1:]):
        line = before.rstrip().rsplit("\n", 1)[-1]
        title = re.search(r"(?:THE END)?((?:[A-Z][A-Z',;]*|IV|VI|III)(?: [A-Z',;]+)*)$", line).group(1)
        last = body.rstrip().rsplit("\n", 1)
        # The next work's title is glued to the end of this one.
        body = last[0] + "\n" + re.sub(r"(?:THE END)?[A-Z][A-Z',; ]+$", "", last[1]) if len(last) > 1 else body
        yield title, body


def genre_of(title: str) -> str:
    found = [genre for genre, names in GENRES.items() if any(name in title for name in names)]
    if len(found) != 1:
        raise SystemExit(f"make_labelled_text: the work {title!r} is of no one known genre: {found}")
    return found[0]


def paragraphs(text: str) -> list:
    return [p.split("\n") for p in re.split(r"\n[ \t]*\n+", text.strip("\n")) if p.strip()]


def is_heading(line: str) -> bool:
    return re.match(r"\s*(ACT|SCENE|SCENA|PROLOGUE|EPILOGUE|INDUCTION|[IVXLC]+\.?\s*$)", line, re.IGNORECASE) is not None


def speakers(text: str) -> set:
    """Short first lines of paragraphs that are in capitals, or end in a full stop or colon and come back."""
    first = collections.Counter(p[0].strip() for p in paragraphs(text))
    return {line for line, count in first.items()
            if len(line) <= 40 and len(line.split()) <= 5 and
            (line == line.upper() or (count >= 3 and re.search(r"[.:]$", line)))}


def scenes(title: str, text: str):
    """Lists of words, one a scene; of poems one for each ten stanzas."""
    text = re.sub(r"\[[^\]]*[\]})]", " ", text)  # stage directions; one ends in another bracket
    poem = genre_of(title) == "poem"
    names = set() if poem else speakers(text)
    scene, stanzas, begun = [], 0, poem
    for paragraph in paragraphs(text):
        if is_heading(paragraph[0]):
            if not poem or stanzas >= STANZAS:
                yield scene
                scene, stanzas = [], 0
            begun = begun or re.match(r"\s*(ACT|SCENE)\b(?!:)", paragraph[0], re.IGNORECASE) is not None
            continue
        if not begun:  # the persons of the play
            continue
        lines = paragraph[1:] if paragraph[0].strip() in names else paragraph
        scene += " ".join(lines).split()
        stanzas += 1
        if poem and stanzas == STANZAS:
            yield scene
            scene, stanzas = [], 0
    yield scene


def passages(words: list):
    """Pieces of WORDS words; a rest shorter than half of them is left out."""
    for begin in range(0, len(words), WORDS):
        piece = words[begin:begin + WORDS]
        if len(piece) >= WORDS // 2:
            yield " ".join(piece)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--label", choices=("genre", "work"), default="genre")
    arguments = parser.parse_args()
    lines = {"train": [], "valid": [], "test": []}
    number = 0
    for title, body in works(arguments.text.read_text(encoding="ascii")):
        label = genre_of(title) if arguments.label == "genre" else title.lower()
        for scene in scenes(title, body):
            if len(scene) < WORDS // 2:
                continue
            part = {8: "valid", 9: "test"}.get(number % 10, "train")
            number += 1
            lines[part] += [f"{label}\t{passage}\n" for passage in passages(scene)]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for part, texts in lines.items():
        (arguments.out / f"{part}.tsv").write_text("".join(texts), encoding="ascii")


if __name__ == "__main__":
    main()
