#!/usr/bin/env python3
"""Files that no student hands in on purpose, mostly: each is named and marked, and the grading goes on. Every one of them is
harmless where nothing contains it: one fork, signal 0, a file in its own folder.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks-cpp/exercises/grader"))
from grading import Grader, GraderMissing  # noqa: E402
from skeleton import EXERCISES  # noqa: E402

NAME = "01_masked_softmax"
HEAD = f"""#include "notebooks-cpp/exercises/{NAME}/masked_softmax.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/syscall.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
"""
LINES = HEAD.count("\n")
MASKED = "torch::Tensor masked_softmax(const torch::Tensor& a, const torch::Tensor&) { return a; }\n"

# What the body of softmax does, and what its first check is told.
BODIES = {
    "fork();": "tried to start a process",
    "execl(\"/bin/true\", \"true\", nullptr);": "tried to start a process",
    "std::ofstream(\"file\") << 1;": "tried to write or change a file",
    "std::remove(\"file\");": "tried to write or change a file",
    "socket(AF_INET, SOCK_STREAM, 0);": "tried to open a connection",
    "kill(getppid(), 0);": "tried to signal another process",
    "siginfo_t info{}; info.si_code = SI_QUEUE; syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info);": "tried to signal another process",
    "int ends[2]; if (pipe(ends) == 0) fcntl(ends[0], F_SETOWN, getppid());": "tried to signal another process",
    "syscall(SYS_shmget, IPC_PRIVATE, 4096, 0600);": "tried to write or change a file",
    "rlimit lifted{RLIM_INFINITY, RLIM_INFINITY}; setrlimit(RLIMIT_AS, &lifted);": "tried to change the limits",
    "std::exit(0);": "it ended the program (exit code 0)",
    "std::abort();": "it was aborted",
    "*static_cast<volatile int*>(nullptr) = 1;": "segmentation fault",
    "for (;;) std::puts(\"the same line again and again\");": "printed more than 64 KB",
    "std::vector<std::vector<char>> all; for (;;) all.emplace_back(1 << 24, 'a');": "more memory",
    "torch::ones({1 << 20, 1 << 20});": "more memory",
    "for (volatile int n = 0;; n = n + 1) {}": "no answer within 5 s of processor time",
    "iovec none{}; process_vm_readv(getppid(), &none, 1, &none, 1, 0);": "tried to start a process",
    "throw std::runtime_error(open((\"/proc/\" + std::to_string(getppid()) + \"/mem\").c_str(), 0) < 0 ? \"shut\" : \"open\");": "shut",
    "throw 5;": "no std::exception",
    "throw std::runtime_error(\"my own words\");": "my own words",
    "for (int n = 3; n < 100; ++n) close(n);": "",
    "if (write(4, \"\\x08\\0\\0\\0\\0\\0\\0\\0nonsense\", 16) != 16) throw 1;": "",
}  # fmt: skip


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.grader = Grader()
        except GraderMissing as error:
            print(f"hostile_test: {error}")
            sys.exit(77)
        runner = pathlib.Path(cls.grader.config["grader"]).parent / "exercise_runner"
        cls.contained = subprocess.run([runner, "--contained"]).returncode == 0

    def expect_told(self, told, message):
        """Without a filter of system calls, what a file tried is not known."""
        if self.contained or "tried to" not in told:
            self.assertIn(told, message)

    def grade(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "masked_softmax.cpp"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            return self.grader.grade(NAME, path)

    def test_each_is_named_and_earns_nothing(self):
        for body, told in BODIES.items():
            with self.subTest(body):
                result = self.grade(f"{HEAD}{MASKED}torch::Tensor softmax(const torch::Tensor& a) {{ {body} return a; }}\n")
                self.assertEqual(result["marks"], 0, result)
                self.assertEqual(len(result["checks"]), 7)
                self.expect_told(told, result["checks"][0]["message"])

    def test_what_harms_nobody_is_let_be(self):
        text = (EXERCISES / "teacher" / NAME / "solution.cpp").read_text(encoding="utf-8")
        harmless = "std::thread([] { std::puts(\"from a thread\"); }).join(); rlimit now; getrlimit(RLIMIT_AS, &now);"
        first = "torch::Tensor softmax(const torch::Tensor& scores) {\n"
        result = self.grade(HEAD + text.replace(first, first + harmless))
        self.assertEqual((result["state"], result["marks"]), ("full", 10), result)
        self.assertIn("from a thread", result["printed"])

    def test_files_that_cannot_be_graded_say_why(self):
        softmax = "torch::Tensor softmax(const torch::Tensor& a) { return a; }\n"
        cases = {
            "": "does not define",
            HEAD + softmax: "does not define masked_softmax(torch::Tensor const&, torch::Tensor const&)",
            HEAD + MASKED + "double softmax(const torch::Tensor&) { return 0; }\n": f"line {LINES + 2} does not compile",
            HEAD + MASKED + softmax.replace("return a;", "return a"): f"line {LINES + 2} does not compile: expected ';'",
            HEAD + MASKED + softmax.replace("return a", "return torch::softmax(a, -1)"): "your file calls torch's softmax",
            HEAD + MASKED + softmax.replace("return a", "return at::special_softmax(a, -1)"): "your file calls torch's softmax",
            HEAD + MASKED + softmax + "extern \"C\" void exercise_functions() {}\n": "belongs to the grader",
            HEAD + MASKED + softmax.replace("return a", "return torch::log_softmax(a, -1).exp()"): "your file calls torch's log_softmax",
            HEAD + MASKED + softmax.replace("return a", "return at::_softmax(a, -1, false)"): "your file calls torch's softmax",
            HEAD + MASKED + "#include <ATen/record_function.h>\n" + softmax.replace("return", "at::clearCallbacks(); return"): "torch tells",
            f'#include "notebooks-cpp/exercises/teacher/{NAME}/solution.cpp"\n': "includes the solution",
            f'#include "notebooks-cpp/exercises/grader/../teacher/{NAME}/solution.cpp"\n': "includes the solution",
            f'{HEAD}{MASKED}{softmax}#include "notebooks-cpp/exercises/{NAME}/checks.cpp"\n': "includes the zoo's checks.cpp",
            "#include <no_such_header.h>\n": "line 1 does not compile",
            "\0\1\2 not C++": "does not compile",
            f"{HEAD}{MASKED}{softmax}".encode("utf-16"): "is in UTF-16",
        }  # fmt: skip
        for text, told in cases.items():
            with self.subTest(told):
                result = self.grade(text)
                self.assertEqual((result["state"], result["marks"]), ("does not compile", 0))
                self.assertIn(told, result["message"])
                self.assertNotIn("\n", result["message"])

    def test_forbidden_operators_are_seen_when_they_run(self):
        bodies = {
            'return c10::Dispatcher::singleton().findSchemaOrThrow("aten::softmax", "int")'
            '.typed<at::Tensor(const at::Tensor&, int64_t, std::optional<at::ScalarType>)>().call(a, -1, std::nullopt);': "dispatcher",
            'return torch::jit::compile("def f(x):\\n  return torch.softmax(x, -1)\\n")->run_method("f", a).toTensor();': "TorchScript",
        }  # fmt: skip
        for body, way in bodies.items():
            with self.subTest(way):
                text = "#include <ATen/core/dispatch/Dispatcher.h>\n#include <torch/jit.h>\n" + HEAD + MASKED
                result = self.grade(f"{text}torch::Tensor softmax(const torch::Tensor& a) {{ {body} }}\n")
                self.assertEqual((result["marks"], result["message"].partition(":")[0]), (0, "your file calls torch's softmax"), result)

    def test_globals_run_inside_the_limits(self):
        rest = MASKED + "torch::Tensor softmax(const torch::Tensor& a) { return a; }\n"
        cases = {"const int child = fork();": "tried to start a process", "const int ended = (std::exit(3), 0);": "could not be loaded",
                 "const int thrown = throw 1;": ""}  # fmt: skip
        for code, told in cases.items():
            with self.subTest(code):
                result = self.grade(HEAD + code + "\n" + rest)
                self.assertEqual(result["marks"], 0)
                if result["checks"]:
                    self.expect_told(told, result["checks"][0]["message"])

    def test_a_missing_file_and_a_folder(self):
        self.assertIn("is missing", self.grader.grade(NAME, pathlib.Path("/no/such/file.cpp"))["message"])
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.grader.grade(NAME, pathlib.Path(folder))["state"], "does not compile")


if __name__ == "__main__":
    unittest.main()
