"""scripts/make_parallel_text.py on a made-up folder of packages: what is read, cleaned, dropped and held out.

    .venv-reference/bin/python tests/interop/parallel_text_test.py build/release/bin
"""
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/make_parallel_text.py"


def catalogue(pairs: dict[str, str], order: str) -> bytes:
    """The bytes of a .mo file (GNU gettext's manual, "The Format of GNU MO Files")."""
    texts = [text.encode() for text in (*pairs, *pairs.values())]
    tables, data, start = b"", b"", 28 + 16 * len(pairs)
    for text in texts:
        tables += struct.pack(order + "2I", len(text), start + len(data))
        data += text + b"\0"
    head = struct.pack(order + "7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + tables + data


class ParallelTextTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)
        (self.work / "out").mkdir()

    def write(self, name: str, content: bytes | str) -> None:
        path = self.work / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def write_help(self, language: str, body: str) -> None:
        self.write(f"usr/share/libreoffice/help/{language}/text/a/page.html", body)

    def make(self) -> dict[str, list[tuple[str, str]]]:
        done = subprocess.run([sys.executable, SCRIPT, self.work / "root", "fr", self.work / "out"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        def lines(name):
            return (self.work / "out" / name).read_text().splitlines()
        return {part: list(zip(lines(f"{part}.en"), lines(f"{part}.fr"), strict=True)) for part in ("train", "valid", "test")}

    def all_pairs(self) -> set[tuple[str, str]]:
        return {pair for part in self.make().values() for pair in part}

    def test_help_is_joined_by_id_and_split_into_sentences(self):
        self.write_help("en-US", '<p id="par_id1" class="x">Open <b>a</b> file. Then close&nbsp;it.</p><p id="par_id2">Not there.</p>')
        self.write_help("fr", '<h1 id="hd_id9">Autre chose</h1><p id="par_id1">Ouvrez un fichier. Puis fermez-le vite.</p>')
        self.assertEqual(self.all_pairs(), {("Open a file.", "Ouvrez un fichier."), ("Then close it.", "Puis fermez-le vite.")})

    def test_catalogues_of_either_byte_order_lose_contexts_and_marks(self):
        self.write("l/fr/LC_MESSAGES/a.mo", catalogue({"": "Content-Type: x", "menu\4~Save all": "Tout ~enregistrer",
                                                       "female^Good day": "Bonne journée"}, "<"))
        self.write("l/fr/LC_MESSAGES/b.mo", catalogue({"One cat\0Many cats": "Un chat\0Des chats"}, ">"))
        self.assertEqual(self.all_pairs(), {("Save all", "Tout enregistrer"), ("Good day", "Bonne journée"), ("One cat", "Un chat")})

    def test_what_is_no_language_is_dropped(self):
        bad = {"Word": "Mot", "See $file now": "Voir $file ici", "The same text": "The same text", "Short one": "Une phrase bien trop longue pour elle",
               "go to https://x.org": "allez à https://x.org", "a " * 31: "b " * 31, "12 34": "12 35"}
        self.write("l/fr/LC_MESSAGES/a.mo", catalogue(bad | {"Good one": "Un bon"}, "<"))
        self.assertEqual(self.all_pairs(), {("Good one", "Un bon")})

    def test_held_out_sentences_occur_nowhere_else(self):
        pairs = {f"The cat number {i} sleeps": f"Le chat {i} dort" for i in range(2500)}
        pairs |= {f"The dog number {i} eats": f"Le chien {i // 2} mange" for i in range(3000)}  # targets shared
        pairs |= {f"THE CAT, number {i} sleeps": f"Un chat {i} dort" for i in range(300)}  # sources all but shared
        self.write("l/fr/LC_MESSAGES/a.mo", catalogue(pairs, "<"))
        parts = self.make()
        self.assertEqual((len(parts["valid"]), len(parts["test"])), (1000, 1000))
        self.assertEqual(sum(map(len, parts.values())), len(pairs))
        for side in (0, 1):
            keys = [{"".join(filter(str.isalnum, pair[side].casefold())) for pair in part} for part in parts.values()]
            self.assertEqual(len(set.union(*keys)), sum(map(len, keys)))
        self.assertEqual(parts, self.make(), "the same again")

    def test_an_empty_folder_is_one_line(self):
        done = subprocess.run([sys.executable, SCRIPT, self.work, "fr", self.work / "out"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)


if __name__ == "__main__":
    sys.argv[1:2] = []  # the folder of the programs, which this needs none of
    unittest.main()
