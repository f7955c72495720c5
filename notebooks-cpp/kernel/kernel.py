"""The Jupyter kernel: one C++ session behind the standard protocol.

JupyterLab, VS Code and nbclient start it by the kernelspec in share/jupyter, which JUPYTER_PATH names (scripts/notebook.sh).
"""

import sys
import threading
import traceback

from completion import Completion
from cpp_source import CLOSING, lex
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel
from lesson import LANGUAGE
from session import Session
from toolchain import CellError


class ZooKernel(Kernel):
    implementation, implementation_version = "zoo-cpp", "1"
    banner = "C++20, a cell at a time, with the Transformer Zoo"
    language_info = LANGUAGE

    def __init__(self, **options):
        super().__init__(**options)
        self.silent = False
        self.session_cpp = Session(self.show_text, self.show_bundle)
        self.completion = Completion(self.session_cpp)
        # While the user reads: what the first cell would wait for.
        threading.Thread(target=self.prepare_quietly, daemon=True).start()

    def prepare_quietly(self):
        try:
            self.session_cpp.prepare()
            self.completion.warm()
        except (CellError, OSError):
            pass  # the first cell says it

    def show_text(self, name, text):
        if not self.silent:
            self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})

    def show_bundle(self, bundle):
        if not self.silent:
            self.send_response(self.iopub_socket, "display_data", {"data": bundle, "metadata": {}})

    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, *, cell_meta=None,
                   cell_id=None):  # fmt: skip
        self.silent = silent
        try:
            self.session_cpp.run(code, cell_id, f"In[{self.execution_count}]")
        except CellError as error:
            return self.failed(error)
        except KeyboardInterrupt:
            return self.failed(CellError("Interrupted", "stopped by you, before the cell ran"))
        except Exception as error:  # a mistake of ours: the notebook goes on, and says what to report
            return self.failed(CellError("KernelError", repr(error), traceback.format_exc()))
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}

    def failed(self, error):
        content = {"ename": error.name, "evalue": error.message, "traceback": error.text.split("\n")}
        if not self.silent:
            self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    def do_complete(self, code, cursor_pos):
        matches, start, end = self.completion.complete(code, cursor_pos)
        return {"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": {}}

    def do_inspect(self, code, cursor_pos, detail_level=0, omit_sections=()):
        data = self.completion.hover(code, cursor_pos)
        return {"status": "ok", "found": bool(data), "data": data, "metadata": {}}

    def do_is_complete(self, code):
        brackets = [token.text for token in lex(code) if token.kind == "punct"]
        balance = sum(text in CLOSING for text in brackets) - sum(text in CLOSING.values() for text in brackets)
        return {"status": "incomplete", "indent": "  "} if balance > 0 else {"status": "complete"}

    def do_shutdown(self, restart):
        self.completion.close()
        self.session_cpp.close()
        return {"status": "ok", "restart": restart}


if __name__ == "__main__":
    if sys.argv[1:] == ["--prepare"]:  # scripts/notebook.sh: everything that can be compiled before the first cell
        session = Session(lambda name, text: None, lambda bundle: None)
        try:
            session.prepare()
        except (CellError, OSError) as error:
            print(f"notebook: {session.system_error(error) if isinstance(error, OSError) else error}", file=sys.stderr)
            sys.exit(1)
        finally:
            session.close()
    else:
        IPKernelApp.launch_instance(kernel_class=ZooKernel)
