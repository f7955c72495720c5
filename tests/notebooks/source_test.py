#!/usr/bin/env python3
"""How cells are taken apart and put together again (notebooks-cpp/kernel), without a compiler.

    tests/notebooks/source_test.py
"""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "notebooks-cpp" / "kernel"))
from cpp_source import lex, split
from lesson import LessonError, parse_lesson, to_notebook
from tangle import tangle
from weave import add_outputs, check, weave


def kinds(source):
    return [piece.kind for piece in split(source)]


def only(source):
    pieces = split(source)
    assert len(pieces) == 1, [piece.text for piece in pieces]
    return pieces[0]


class LexTest(unittest.TestCase):
    def test_raw_strings_hide_quotes_braces_and_semicolons(self):
        tokens = lex('auto s = R"x(a " ; { )" )x";')
        self.assertEqual([token.text for token in tokens], ["auto", "s", "=", 'R"x(a " ; { )" )x"', ";"])

    def test_strings_characters_and_comments_hide_code(self):
        self.assertEqual(kinds('auto s = "; { \\" ";  // ; {\nchar c = \';\'; /* } ; */ char d = \'\\\'\';'), ["variable"] * 3)

    def test_digit_separators_are_no_characters(self):
        self.assertEqual(kinds("int n = 1'000'000; char c = 'x';"), ["variable", "variable"])

    def test_exponents_and_hexadecimal_numbers(self):
        self.assertEqual([token.text for token in lex("1e-3 0x1F+2 .5f")], ["1e-3", "0x1F", "+", "2", ".5f"])

    def test_directives_with_continuation_lines_are_one_token(self):
        self.assertEqual([token.kind for token in lex("#define F(x) \\\n  ((x) + 1)\nint a;")][:2], ["directive", "word"])

    def test_text_that_is_no_token_does_not_stop_it(self):
        self.assertEqual(lex('"open')[0].text, '"')


class SplitTest(unittest.TestCase):
    def assert_kind(self, kind, *sources):
        for source in sources:
            with self.subTest(source):
                self.assertEqual(kinds(source), [kind])

    def test_declarations(self):
        self.assert_kind(
            "declaration",
            "namespace F = torch::nn::functional;",
            "namespace a::b { int f(); }",
            "using namespace std;",
            "using Tensor = torch::Tensor;",
            "struct A;",
            "struct A : B<int> { int x = 1; A() : x{2} {} };",
            "enum class Mode : int { kA, kB };",
            "TORCH_MODULE(Net);",
            "template <class T> requires std::integral<T> T twice(T x) { return x + x; }",
            "template <class T> struct Box { T v; };",
            "template <typename T> concept C = requires(T t) { t.f(); };",
            "template <> struct std::hash<A> { size_t operator()(const A&) const { return 0; } };",
            "std::vector<std::pair<int, float>> make(int n = 3, std::vector<int> v = {1, 2}) noexcept { return {}; }",
            "auto f(int x) -> std::vector<int> { return {x}; }",
            "std::ostream& operator<<(std::ostream& out, const A& a) { return out << a.x; }",
            "bool operator==(const A& a, const A& b) { return true; }",
            "A::A(int x) : x{x}, y(x) { z(); }",
            "A::~A() { close(); }",
            "torch::Tensor NetImpl::forward(torch::Tensor x) const { return x; }",
            "constexpr int kWidth = 8;",
            "static constexpr double kHalf = 0.5;",
            "inline int counter = 0;",
            'extern "C" { int f(); }',
            "int f(const A& a, int n);",
            "void g();",
            "[[nodiscard]] int h() { return 1; }",
            "static_assert(sizeof(int) == 4);",
        )

    def test_variables(self):
        for source, names in {
            "auto a = torch::rand({2, 3});": ["a"],
            "const auto& r = a;": ["r"],
            "auto [values, indices] = torch::topk(a, 2);": ["values", "indices"],
            "torch::Tensor q = a, k = a.clone(), v;": ["q", "k", "v"],
            "std::vector<std::vector<int>> v{{1, 2}, {3}};": ["v"],
            'std::map<std::string, torch::Tensor> m{{"x", a}};': ["m"],
            "Net net(3);": ["net"],
            "Net net(options);": ["net"],
            "std::vector<int> v(n * m);": ["v"],
            "torch::optim::Adam adam(net->parameters(), torch::optim::AdamOptions(1e-2));": ["adam"],
            "auto f = [&](int k) { int z = 3; return k * z; };": ["f"],
            "float numbers[3] = {1, 2, 3};": ["numbers"],
            "unsigned long long n = 3;": ["n"],
            "auto *p = &n, *q = &n;": ["p", "q"],
            "static int counter = 0;": ["counter"],
            "struct A a = make();": ["a"],
            "zoo::GPTOptions options = {.layers = 2};": ["options"],
            "int (*f)(int) = nullptr;": ["f"],
        }.items():
            with self.subTest(source):
                self.assertEqual((only(source).kind, only(source).names), ("variable", names))

    def test_statements(self):
        self.assert_kind(
            "statement",
            "for (int i = 0; i < 3; ++i) std::cout << i;",
            "for (auto& [k, t] : m) { f(k); }",
            "if (n > 3) { n = 2; } else if (n == 1) n = 4; else { n = 5; }",
            "if constexpr (kA) f(); else g();",
            "while (n < 3) ++n;",
            "do { n--; } while (n > 0);",
            "try { f(); } catch (const A& a) { g(); } catch (...) {}",
            "{ torch::NoGradGuard guard; auto y = a; }",
            "switch (n) { case 1: break; default: break; }",
            "a = a * 2;",
            "a[0] = 1;",
            "n < 3 && n > 2;",
            "net->forward(a);",
            "torch::manual_seed(seed);",
            "run();",
            "zoo::run();",
            'nb::plot({{.label = "a", .x = x}}, {.x = "n"});',
            "std::sort(v.begin(), v.end(), [](int a, int b) { return a < b; });",
            "[&] { f(); }();",
            "return;",
            "delete p;",
        )

    def test_expressions_have_no_semicolon_and_are_last(self):
        self.assert_kind("expression", "a.sizes()", "q * k", "q < k", "a", "a + 1", "f(x)", "std::vector<int>{1, 2}", "a & b")
        self.assertEqual(kinds("f();\na"), ["statement", "expression"])
        self.assertEqual(kinds("int n = 3"), ["statement"])  # the compiler says that the semicolon is missing

    def test_lambdas_are_told_from_what_they_return(self):
        self.assertTrue(only("auto f = [&](int k) -> int { return k; };").is_lambda)
        self.assertFalse(only("auto n = [&] { return 1; }();").is_lambda)
        self.assertFalse(only("std::function<int()> f = [] { return 1; };").is_lambda)

    def test_a_function_may_follow_a_statement(self):
        self.assertEqual(kinds("f(); int g(int x) { return x; } g(2)"), ["statement", "declaration", "expression"])

    def test_directives_end_what_has_no_semicolon(self):
        self.assertEqual(kinds("int a\n#include <map>\nint b;"), ["statement", "directive", "variable"])

    def test_pieces_know_line_and_column(self):
        piece = split("int a = 1;\n  f();  g(\n1);")[2]
        self.assertEqual((piece.line, piece.column, piece.text), (2, 8, "g(\n1);"))

    def test_keys_tell_what_replaces_what(self):
        self.assertEqual(only("int f(int x) { return 1; }").key, only("int f(int x) { return 2; }").key)
        self.assertNotEqual(only("int f(int x) { return 1; }").key, only("int f(float x) { return 1; }").key)
        self.assertEqual(only("struct A { int x; };").key, only("struct A { int y; };").key)
        self.assertNotEqual(only("struct A;").key, only("struct A { int y; };").key)
        self.assertEqual(only("constexpr int kA = 1;").key, only("constexpr int kA = 2;").key)
        for source, name in {
            "template <class T> T f(T x) { return x; }": "f",
            "static const std::vector<int>& g() { return numbers; }": "g",
            "torch::Tensor NetImpl::forward(torch::Tensor x) { return x; }": "NetImpl",
            "A::A(int x) : x(x) {}": "A",
        }.items():
            self.assertEqual(only(source).names, [name])
        self.assertEqual(only("bool operator==(const A& a, const A& b) { return true; }").names, ["operator"])


class LessonTest(unittest.TestCase):
    LESSON = "// About.\n\n// %% [markdown]\n// # Title\n//\n// Text.\n\n// %%\n\n#include <map>\nint a = 1;\na\n"

    def test_cells_begin_at_their_markers(self):
        text, code = parse_lesson(self.LESSON, "l.cpp")
        self.assertEqual((text.kind, text.source), ("markdown", "# Title\n\nText."))
        self.assertEqual((code.kind, code.source, code.line), ("code", "#include <map>\nint a = 1;\na", 10))

    def test_errors_name_the_line(self):
        for lesson, line in {"int a;\n// %%\n": 1, "// %% [raw]\n": 1, "// %% [markdown]\n//text\n": 2}.items():
            with self.assertRaisesRegex(LessonError, f"^l.cpp:{line}: .*found"):
                parse_lesson(lesson, "l.cpp")
        with self.assertRaisesRegex(LessonError, "^l.cpp: .*expected"):
            parse_lesson("int a;\n", "l.cpp")

    def test_the_program_says_where_its_lines_come_from(self):
        program = tangle(parse_lesson(self.LESSON, "l.cpp"), "n/l.cpp").split("\n")
        for code, line in {"#include <map>": 10, "int a = 1;": 11, "a": 12}.items():
            self.assertEqual(program[program.index(code) - 1], f'#line {line} "n/l.cpp"')
        self.assertLess(program.index("#include <map>"), program.index("int main() {"))

    def test_outputs_go_to_their_cells(self):
        cells = parse_lesson(self.LESSON + "// %%\nf();\n", "l.cpp")
        bundle = json.dumps({"image/svg+xml": "<svg>\n</svg>", "text/plain": "[map]"})
        add_outputs(cells, "\x1ecell\x1f1\x1eone\x1ecell\x1f2\x1etwo\n"
                    f"\x1edisplay\x1f{bundle}\x1ethree\x1ecell\x1f0\x1eall claims hold")  # fmt: skip
        self.assertEqual([output["text"] for output in cells[1].outputs], [["one"]])
        self.assertEqual([output["output_type"] for output in cells[2].outputs], ["stream", "display_data", "stream"])
        self.assertEqual(cells[2].outputs[1]["data"]["image/svg+xml"], ["<svg>\n", "</svg>"])

    def test_equal_cells_give_equal_notebooks(self):
        first, second = (to_notebook(parse_lesson(self.LESSON, "l.cpp")) for _ in range(2))
        self.assertEqual(first, second)
        self.assertEqual(json.loads(first)["cells"][1]["source"], ["#include <map>\n", "int a = 1;\n", "a"])


class WeaveTest(unittest.TestCase):
    LESSON = "// %% [markdown]\n// Text.\n\n// %%\nf();\n"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.lesson = pathlib.Path(folder.name) / "01_l.cpp"
        self.lesson.write_text(self.LESSON)
        self.notebook = self.lesson.with_suffix(".ipynb")

    def program(self, script):
        path = self.lesson.with_name("program")
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def woven(self):
        weave(self.lesson, self.program("printf '\\036cell\\0371\\036one\\n'\n"))

    def test_the_notebook_of_a_program_passes_the_check(self):
        self.woven()
        check(self.lesson)
        self.assertEqual(json.loads(self.notebook.read_text())["cells"][1]["outputs"][0]["text"], ["one\n"])

    def test_the_check_sees_other_prose_other_code_and_other_cells(self):
        for changed in (self.LESSON.replace("Text", "Test"), self.LESSON.replace("f()", "g()"), self.LESSON + "// %%\nh();\n"):
            self.lesson.write_text(self.LESSON)
            self.woven()
            self.lesson.write_text(changed)
            with self.assertRaisesRegex(LessonError, r"^01_l.cpp:\d+: cell \d .*scripts/notebook.sh --weave 01_l"):
                check(self.lesson)

    def test_a_missing_notebook_and_one_without_outputs_fail(self):
        with self.assertRaisesRegex(LessonError, "missing: run scripts/notebook.sh --weave"):
            check(self.lesson)
        self.notebook.write_text(to_notebook(parse_lesson(self.LESSON, "l.cpp")))
        with self.assertRaisesRegex(LessonError, "no outputs"):
            check(self.lesson)

    def test_a_program_that_fails_leaves_the_notebook_as_it_was(self):
        self.woven()
        before = self.notebook.read_bytes()
        for script, message in {"echo '[FAILS] a = b'; exit 1": r"\[FAILS\] a = b", "echo 'no file' >&2; exit 1": "no file"}.items():
            with self.assertRaisesRegex(LessonError, "exit code 1.*" + message):
                weave(self.lesson, self.program(script + "\n"))
        self.assertEqual(self.notebook.read_bytes(), before)

    def test_a_large_notebook_is_refused(self):
        large = self.program("printf '\\036cell\\0371\\036'; head -c 1600000 /dev/zero | tr '\\0' x\n")
        with self.assertRaisesRegex(LessonError, "at most 1500000"):
            weave(self.lesson, large)


if __name__ == "__main__":
    unittest.main()
