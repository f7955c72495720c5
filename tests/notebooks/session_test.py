#!/usr/bin/env python3
"""Cells as a user runs them, one after another, without Jupyter, torch and the zoo.

    tests/notebooks/session_test.py [--compiler clang++|g++] [unittest's arguments]

Exit code 77: the compiler is not here.
"""

import errno
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks-cpp" / "kernel"))
from session import Session
from toolchain import CellError, Toolchain, caches, without_colours

HEADER = """#pragma once
inline int counter = 0;
inline int next_id() { static int n = 0; return ++n; }
template <typename T> struct Holder { static inline int made = 0; };
struct Base { virtual ~Base() = default; virtual int id() const { return 1; } };
"""


class SessionTest(unittest.TestCase):
    compiler = "clang++"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "state.h").write_text(HEADER)
        standard = "".join(f"#include <{name}>\n" for name in ("functional", "map", "memory", "string", "vector"))
        (cls.folder / "prelude.h").write_text('#include "notebooks-cpp/kernel/session.h"\n' + standard)
        os.environ.update(ZOO_NOTEBOOK_CXX=cls.compiler, ZOO_NOTEBOOK_CACHE=str(cls.folder / "cache"))
        cls.config = {"compiler": cls.compiler, "library": "", "includes": [str(ROOT), str(cls.folder)], "definitions": [],
                      "prelude": str(cls.folder / "prelude.h")}  # fmt: skip

    def setUp(self):
        self.text, self.bundles = {"stdout": [], "stderr": []}, []
        self.session = Session(lambda name, text: self.text[name].append(text), self.bundles.append, self.config)
        self.addCleanup(self.session.close)

    def run_cell(self, code, cell=None):
        for lines in self.text.values():
            lines.clear()
        self.session.run(code, cell)
        return "".join(self.text["stdout"]).rstrip("\n")

    def assert_cells(self, *cells):
        for code, wanted in cells:
            with self.subTest(code):
                self.assertEqual(self.run_cell(code), wanted)

    def assert_fails(self, name, code, message="."):
        with self.assertRaises(CellError) as caught:
            self.run_cell(code)
        self.assertEqual(caught.exception.name, name, caught.exception.text)
        self.assertRegex(without_colours(caught.exception.text), message)

    # ---- Variables, functions and types live on ---------------------------------------------------------------------

    def test_thirty_five_cells(self):
        """One long notebook: what can be declared, used, changed and broken, in the order in which students do it."""
        self.assert_cells(
            ("int n = 3;", ""),
            ("n", "3"),
            ("n += 4; n", "7"),
            ("const double pi = 3.5; std::string name = \"zoo\";", ""),
            ("std::cout << name << pi;", "zoo3.5"),
            ("std::vector<int> v{1, 2, 3};\nv", "[1, 2, 3]"),
            ("v.push_back(n); auto& last = v.back(); auto* front = &v.front();", ""),
            ("last = 9; *front = 0; v", "[0, 2, 3, 9]"),
            ("int square(int x) { return x * x; }\nsquare(n)", "49"),
            ("int square(int x) { return -x * x; }", ""),
            ("square(n)", "-49"),
            ("template <typename T> T twice(T x) { return x + x; }\ntwice(name)", "zoozoo"),
            ("struct Point { int x = 1, y = 2; };\nPoint p;", ""),
            ("p.y = 5; p.x + p.y", "6"),
            ("std::ostream& operator<<(std::ostream& out, const Point& p) { return out << p.x << '/' << p.y; }\np", "1/5"),
            ("p", "1/5"),
            ("auto [first, second] = std::pair{1, 2.5};", ""),
            ("second * first", "2.5"),
            ("float numbers[2][2] = {{1, 2}, {3, 4}};", ""),
            ("numbers[1][0]", "3"),
            ("auto add = [&](int k) { return n + k; };\nadd(1)", "8"),
            ("n = 10; add(1)", "11"),
            ("auto count = [k = 0]() mutable { return ++k; };\ncount()", "1"),
            ("count()", "2"),
            ("std::function<int(int)> twice_square = [](int x) { return 2 * square(x); };\ntwice_square(2)", "-8"),
            ("auto owner = std::make_unique<Point>(); std::map<std::string, std::vector<int>> m{{\"a\", {1}}};", ""),
            ("owner->x + m.at(\"a\")[0]", "2"),
            ("#include <algorithm>\n#define HALF(x) ((x) / 2)\nusing namespace std;\nHALF(n)", "5"),
            ("vector<int> w{3, 1, 2}; sort(w.begin(), w.end()); w", "[1, 2, 3]"),
            ("HALF(HALF(n))", "2"),
            ("for (int i = 0; i < 3; ++i) cout << i; if (n > 3) cout << \"!\"; else cout << \"?\";", "012!"),
            ("enum class Mode { kA, kB }; Mode mode = Mode::kB;", ""),
            ("mode == Mode::kB", "true"),
            ("std::string n = \"another type\";", ""),
            ("n.size() + add(1)", "23"),  # the lambda means the n of its time
        )

    def test_a_value_without_an_operator_is_named(self):
        self.assertRegex(self.run_cell("struct Odd {}; Odd{}"), "cannot be printed: .*Odd")

    def test_an_expression_may_have_no_value(self):
        self.assert_cells(("void f() { std::cout << 1; }", ""), ("f()", "1"))

    def test_types_that_cannot_be_named_live_in_their_cell_only(self):
        self.run_cell("auto both = std::pair{1, [](int x) { return x; }}; both.second(1)")
        self.assert_fails("CompileError", "both.first", "both has a type without a name")

    def test_functions_do_not_see_variables_and_the_message_says_so(self):
        self.run_cell("int n = 3;")
        self.assert_fails("CompileError", "int f() { return n; }", "n is a variable of the notebook")

    def test_function_pointers_and_references_to_functions(self):
        self.assert_cells(("int f(int x) { return x + 1; } int (*p)(int) = f;", ""), ("p(1)", "2"))

    # ---- Changing a cell and running it again -----------------------------------------------------------------------

    def test_a_type_that_changes_takes_its_variables_along(self):
        self.run_cell("struct A { int x = 1; };", "types")
        self.run_cell("A a; std::vector<A> as(2); int other = 5;", "variables")
        self.run_cell("struct A { int x = 1, y = 2; };", "types")
        self.assertIn("a, as: gone", "".join(self.text["stderr"]))
        self.assert_cells(("other", "5"), ("A b; b.y", "2"))
        self.assert_fails("CompileError", "a.x", "undeclared|not declared")

    def test_a_cell_that_no_longer_declares_a_function_takes_it_back(self):
        self.run_cell("int f() { return 1; } int g() { return 2; }", "one")
        self.run_cell("int g() { return 3; }", "one")
        self.assertEqual(self.run_cell("g()"), "3")
        self.assert_fails("CompileError", "f()")

    def test_a_failed_change_changes_nothing(self):
        self.run_cell("int f() { return 1; } int n = 4;", "one")
        for broken in ("int f() { return unknown; }", "std::string n = 5;"):
            with self.assertRaises(CellError):
                self.run_cell(broken, "one")
        self.assertEqual(self.run_cell("f() + n"), "5")

    # ---- One copy of what a program has one of ----------------------------------------------------------------------

    def test_inline_variables_and_statics_of_headers_are_one_for_all_cells(self):
        self.assert_cells(
            ('#include "state.h"\n++counter; next_id(); ++Holder<int>::made;', ""),
            ("counter", "1"),
            ("next_id()", "2"),
            ("++Holder<int>::made; Holder<int>::made + Holder<float>::made", "2"),
            ("++counter; &counter == &counter && counter == 2", "true"),
        )

    def test_statics_of_functions_in_cells_live_on_until_the_function_changes(self):
        self.assert_cells(
            ("int tick() { static int n = 0; return ++n; }\ninline int total = 5;\ntick()", "1"),
            ("total += tick(); total", "7"),
            ("int tick() { static int n = 10; return ++n; }", ""),
            ("tick() + total", "18"),
        )

    def test_types_and_exceptions_cross_cells(self):
        self.assert_cells(
            ('#include "state.h"\n#include <any>\nstruct D : Base { int id() const override { return 2; } };', ""),
            ("Base* b = new D; std::any any = D{};", ""),
            ("dynamic_cast<D*>(b) != nullptr && std::any_cast<D>(any).id() == 2", "true"),
            ("struct Mine : std::runtime_error { using std::runtime_error::runtime_error; };\n"
             'std::function<void()> thrower = [] { throw Mine("x"); };', ""),
            ("try { thrower(); } catch (const Mine& error) { std::cout << error.what(); }", "x"),
        )  # fmt: skip

    # ---- What goes wrong --------------------------------------------------------------------------------------------

    def test_compile_errors_point_at_cell_line_and_column(self):
        self.run_cell("int n = 1;")
        self.assert_fails("CompileError", "\nn += 1;\n  n.foo();", r"In\[2\]:3:[45]: ")
        self.assert_fails("CompileError", "int f() {\n  return unknown;\n}", r"In\[3\]:2:10: ")
        self.assertEqual(self.run_cell("n"), "1")

    def test_a_missing_semicolon_is_an_error_where_it_is_missing(self):
        self.assert_fails("CompileError", "int a = 1\nint b = 2;", r"In\[1\]:(1:9|1:10|2:1): ")

    def test_exceptions_end_the_cell_only(self):
        self.run_cell("int n = 1;")
        self.assert_fails("std::out_of_range", "n = 2; std::vector<int>{}.at(1);")
        self.assert_fails("int", "throw 42;", "42")
        self.assert_fails("char const*", 'throw "a text";', "a text")
        self.assertEqual(self.run_cell("n"), "2")

    def test_crashes_end_the_process_and_declarations_live_on(self):
        self.run_cell("int f() { return 7; }\nint n = 1;")
        self.assert_fails("Crashed", "volatile int* p = nullptr; *p = 1;", "SIGSEGV.*variables are lost")
        self.assert_fails("CompileError", "n")
        self.assertEqual(self.run_cell("f()"), "7")
        self.assert_fails("Crashed", "std::abort();", "SIGABRT")
        self.assert_fails("Crashed", "std::exit(3);", "exit code 3")

    def test_what_is_declared_and_never_defined_is_named(self):
        self.assert_fails("LinkError", "int nowhere(int);\nnowhere(3);", r"defined nowhere: nowhere\(int\)")

    def test_output_before_an_error_is_kept(self):
        self.assert_fails("int", "std::cout << \"so far\"; std::cerr << \"and here\"; throw 1;")
        self.assertEqual(("".join(self.text["stdout"]), "".join(self.text["stderr"])), ("so far", "and here"))

    def test_much_output_is_cut(self):
        self.run_cell("for (int i = 0; i < 300000; ++i) std::cout << \"line \" << i << '\\n';")
        text = "".join(self.text["stdout"])
        self.assertLess(len(text), 1_200_000)
        self.assertIn("the rest is not shown", text)

    def test_characters_of_several_bytes_arrive_whole(self):
        self.run_cell("for (int i = 0; i < 50000; ++i) std::cout << \"жёß\";")
        self.assertEqual("".join(self.text["stdout"]), "жёß" * 50000)

    def test_text_arrives_while_the_cell_runs(self):
        arrivals = []
        self.session.on_stream = lambda name, text: arrivals.append((time.monotonic(), text))
        self.run_cell("#include <thread>\nfor (int i = 0; i < 3; ++i) { std::cout << i << '\\n'; "
                      "std::this_thread::sleep_for(std::chrono::milliseconds(300)); }")  # fmt: skip
        self.assertEqual("".join(text for _, text in arrivals), "0\n1\n2\n")
        self.assertGreater(arrivals[-1][0] - arrivals[0][0], 0.4)

    # ---- Hostile cells ----------------------------------------------------------------------------------------------

    def test_what_a_cell_prints_is_never_taken_for_the_kernels_own(self):
        self.assert_cells(('std::cout << "\\x1e" "done\\x1f\\x1e"; 5', "\x1edone\x1f\x1e5"), ("6", "6"))
        self.assert_fails("std::runtime_error", r'throw std::runtime_error("a\x1f b\x1e");', "a\x1f b\x1e")

    def test_what_a_crashed_cell_has_started_does_not_hold_up_the_next(self):
        start = time.monotonic()
        self.assert_fails("Crashed", '#include <cstdlib>\nstd::system("sleep 300 &"); std::abort();', "SIGABRT")
        self.assertEqual(self.run_cell("1"), "1")
        self.assertLess(time.monotonic() - start, 60)

    def test_a_cell_may_close_its_output(self):
        self.run_cell("#include <unistd.h>\nclose(1); close(2);")
        self.assertEqual(self.run_cell("3"), "3")

    def test_a_copy_of_the_process_that_a_cell_makes_ends_with_the_cell(self):
        self.assertEqual(self.run_cell("#include <unistd.h>\n#include <sys/wait.h>\nif (fork() != 0) wait(nullptr);"), "")
        self.assert_cells(("1", "1"), ("2", "2"))

    def test_threads(self):
        self.run_cell("#include <atomic>\n#include <chrono>\n#include <thread>\nstd::atomic<bool> stop = false;\n"
                      'auto* worker = new std::thread([&] { while (!stop) std::cout << "w" << std::endl; });')  # fmt: skip
        self.assertTrue(set(self.run_cell("std::this_thread::sleep_for(std::chrono::milliseconds(50));")) <= {"w", "\n"})
        self.run_cell("stop = true; worker->join();")
        self.assertEqual(self.run_cell("1"), "1")
        self.assert_fails("Crashed", "std::thread([] { throw 3; }).join();", "SIGABRT")

    def test_statics_and_thread_locals_of_cells_are_variables_of_the_notebook(self):
        self.run_cell("static int calls = 3; thread_local int mine = 4;")
        self.assert_cells(("++calls + mine", "8"), ("calls", "4"), ('std::string calls = "текст 🎉"; calls', "текст 🎉"))

    def test_line_ends_of_windows(self):
        self.run_cell("#define SUM(a, b) \\\r\n  ((a) + (b))\r\n// a comment\r\nint n = SUM(1, 2);\r\n")
        self.assert_fails("CompileError", "n;\r\n  n.x;\r\n", r"In\[2\]:2:[45]: ")
        self.assertEqual(self.run_cell("n"), "3")

    def test_what_belongs_to_other_notebooks_and_programs_is_explained(self):
        self.assert_fails("CompileError", "%%time\nint n = 3;", "no %commands")
        self.assert_fails("CompileError", "!ls", r'std::system\("ls"\)')
        self.assert_fails("CompileError", "int main() { return 0; }", r"a notebook has no main\(\)")
        self.assert_fails("CompileError", '#include "no/such.h"', r"In\[4\]:1:10: .*no/such.h")

    def test_a_variable_that_a_crash_took_along_is_named_with_its_cell(self):
        self.run_cell("int n = 3;")
        self.assert_fails("Crashed", "std::abort();")
        self.assert_fails("CompileError", "n + 1", r"n was lost with the process: run In\[1\] again")

    # ---- The zoo changes, the disk is full --------------------------------------------------------------------------

    def test_a_header_of_the_zoo_that_changes_is_noticed(self):
        with mock.patch("toolchain.ROOT", self.folder):
            self.run_cell('#include "state.h"\nnext_id();')
            (self.folder / "state.h").write_text(HEADER + "\n")
            self.assert_fails("Outdated", "1", "state.h has changed.*--setup, then restart")

    def test_a_library_that_was_built_anew_is_noticed(self):
        library = self.folder / "libnothing.so"
        subprocess.run([self.compiler, "-shared", "-x", "c++", os.devnull, "-o", library], check=True)
        self.session.given_config = {**self.config, "library": str(library)}
        self.assertEqual(self.run_cell("1"), "1")
        library.unlink()
        self.assertEqual(self.run_cell("2"), "2")
        self.assertIn("goes on with the one that it has loaded", "".join(self.text["stderr"]))
        self.run_cell("3")
        self.assertEqual(self.text["stderr"], [])

    def test_a_full_disk_is_one_line(self):
        self.run_cell("int n = 1;")
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with mock.patch("shutil.copyfile", side_effect=full):  # for the cache: the cell runs
            self.assertEqual(self.run_cell("n + 1"), "2")
        with mock.patch("toolchain.Toolchain.call", side_effect=full):
            self.assert_fails("SystemError", "n + 2", "^SystemError: no space is left for .*cache.* free some[^\n]*$")
        self.assertEqual(self.run_cell("n"), "1")

    def test_two_notebooks_that_begin_together_share_what_they_compile(self):
        cache = self.folder / "together"
        code = (f"import sys; sys.path.insert(0, {str(ROOT / 'notebooks-cpp/kernel')!r}); from session import Session\n"
                f"session = Session(lambda name, text: print(text, end=''), None, {self.config!r})\n"
                "session.run('#include <array>\\nstd::array<int, 2>{3, 4}'); session.run('5'); session.close()")  # fmt: skip
        environment = {**os.environ, "ZOO_NOTEBOOK_CACHE": str(cache)}
        notebooks = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) for _ in range(2)]
        self.assertEqual([notebook.communicate()[0] for notebook in notebooks], [b"[3, 4]\n5\n"] * 2)
        self.assertEqual([path.name for path in cache.rglob("new-*")], [])

    # ---- Interrupts -------------------------------------------------------------------------------------------------

    def interrupt_when_it_prints(self):
        """Sends what Jupyter's stop button sends, as soon as the cell has printed something."""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job begins with it ignored
        printed = threading.Event()
        self.session.on_stream = lambda name, text: name == "stdout" and printed.set()

        def wait_and_send():
            printed.wait(60)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=wait_and_send, daemon=True).start()

    def test_a_cell_that_prints_stops_and_keeps_the_variables(self):
        self.run_cell("int n = 5;")
        self.interrupt_when_it_prints()
        self.assert_fails("Interrupted", "for (;;) { ++n; std::cout << n << std::endl; }", "as they were")
        self.session.on_stream = lambda name, text: self.text[name].append(text)
        self.assertEqual(self.run_cell("n > 5"), "true")

    def test_a_cell_that_only_computes_is_ended(self):
        self.run_cell("int f() { return 7; }\nint n = 5;")
        self.interrupt_when_it_prints()
        start = time.monotonic()
        self.assert_fails("Interrupted", "std::cout << std::endl; for (volatile int i = 0;; i = i + 1) {}", "variables are lost")
        self.assertLess(time.monotonic() - start, 30)
        self.session.on_stream = lambda name, text: self.text[name].append(text)
        self.assertEqual(self.run_cell("f()"), "7")

    def test_a_restart_forgets_everything(self):
        self.run_cell("int f() { return 7; }\nint n = 5;")
        process = self.session.host.process
        self.session.close()
        self.assertIsNotNone(process.poll())
        self.setUp()
        self.assert_fails("CompileError", "n")
        self.assert_fails("CompileError", "f()")


class SetupTest(unittest.TestCase):
    """What is missing is said in one line, with what to do."""

    def message_of(self, config=None, **environment):
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ.update(environment)
        session = Session(lambda *_: None, lambda *_: None, config)
        self.addCleanup(session.close)
        with self.assertRaises(CellError) as caught:
            session.run("1")
        self.assertNotIn("\n", caught.exception.message)
        return caught.exception.message

    def test_what_nobody_used_for_long_is_forgotten_together(self):
        with tempfile.TemporaryDirectory() as folder:
            cache = pathlib.Path(folder)
            (cache / "prelude-a").mkdir()
            for name, days in {"headers-a.pch": 30, "headers-a.json": 1, "headers-b.pch": 30, "headers-b.json": 30, "cell-c.so": 30,
                               "prelude-a/prelude.pch": 30, "prelude-a/prelude.json": 1, "host-d": 1}.items():  # fmt: skip
                (cache / name).touch()
                os.utime(cache / name, (time.time() - days * 86400,) * 2)
            Toolchain.forget_old(mock.Mock(cache=cache))
            left = {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}
            self.assertEqual(left, {"headers-a.pch", "headers-a.json", "prelude-a/prelude.pch", "prelude-a/prelude.json", "host-d"})

    def test_a_zoo_that_is_not_built(self):
        self.assertRegex(self.message_of(ZOO_NOTEBOOK_CONFIG="/nowhere/kernel.json"), "not built.*run scripts/notebook.sh")

    def test_a_library_that_is_gone(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "kernel.json"
            path.write_text('{"compiler": "g++", "library": "/nowhere/libzoo.so", "includes": [], "definitions": []}')
            self.assertRegex(self.message_of(ZOO_NOTEBOOK_CONFIG=str(path)), "libzoo.so is missing.*run scripts/notebook.sh")
            for damaged in ("{", "[]", '{"compiler": "g++"}'):
                path.write_text(damaged)
                self.assertRegex(self.message_of(ZOO_NOTEBOOK_CONFIG=str(path)), "damaged.*run scripts/notebook.sh")

    def test_a_kernel_that_is_not_installed(self):
        with tempfile.TemporaryDirectory() as folder:
            spec = pathlib.Path("notebooks-cpp/kernel/share/jupyter/kernels/zoo-cpp")
            (folder / spec).mkdir(parents=True)
            shutil.copy(ROOT / spec / "start", folder / spec)
            done = subprocess.run(["sh", folder / spec / "start"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "zoo-cpp: the kernel is not installed: run scripts/notebook.sh\n")

    def test_a_zoo_of_somebody_else(self):
        """What is compiled is kept in the user's own folder; only if that cannot be written, either, is it an error."""
        with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, ZOO_NOTEBOOK_CACHE="/dev/null/cache",
                                                                     XDG_CACHE_HOME=home):  # fmt: skip
            self.assertEqual(caches()[0], pathlib.Path(home) / "transformer-zoo/notebook")
        self.assertRegex(self.message_of({"compiler": "c++", "library": "", "includes": [], "definitions": []},
                                         ZOO_NOTEBOOK_CACHE="/dev/null/cache", XDG_CACHE_HOME="/dev/null"),
                         "neither /dev/null/cache nor .* can be written .*ZOO_NOTEBOOK_CACHE")  # fmt: skip

    def test_a_compiler_that_is_not_here_or_too_old(self):
        config = {"compiler": "c++", "library": "", "includes": [], "definitions": []}
        self.assertRegex(self.message_of(config, ZOO_NOTEBOOK_CXX="c++-1"), "c\\+\\+-1 is here: run scripts/notebook.sh")
        self.assertRegex(self.message_of(config, ZOO_NOTEBOOK_CXX="false"), "false does not know C\\+\\+20: name clang")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compiler"]:
        SessionTest.compiler = sys.argv[2]
        del sys.argv[1:3]
    if not shutil.which(SessionTest.compiler):
        print(f"session_test: {SessionTest.compiler} is not here")
        sys.exit(77)
    unittest.main()
