"""A notebook's session: cells in, output out. It knows nothing of Jupyter.

A cell becomes a library with one function. In front of that function stand the declarations of this and earlier cells that
it needs; inside, references to the variables of earlier cells, then the cell's own statements.
"""

import errno
import pathlib
import re
import shutil
import tempfile
import threading
from dataclasses import dataclass, field

from cpp_source import split
from host import Host
from toolchain import CellError, Toolchain, read_config, state_of, without_colours

GENERATED = '#line 1 "(notebook)"\n'


@dataclass
class Variable:
    name: str
    slot: str  # its name in the host, which no other variable has
    type: str  # as the compiler writes it; empty if it has no name
    size: int
    label: str  # of the cell that declared it
    closure: object = None  # for a lambda: its Piece
    scope: dict = field(default_factory=dict)  # for a lambda: the variables that it may mean


class Session:
    def __init__(self, on_stream, on_display, config=None):
        self.on_stream, self.on_display, self.given_config = on_stream, on_display, config
        self.folder = self.toolchain = self.host = self.library = None
        self.number = 0  # of cells that were run
        self.declarations = []
        self.variables = {}
        self.lost = {}  # variables that a crash took along, and the cells that declared them
        self.preparing = threading.Lock()

    def prepare(self):
        """What the first cell needs: compiler, precompiled headers, the host with the zoo's library."""
        with self.preparing:
            if self.folder is None:
                self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zoo-notebook-"))
            if self.toolchain is None:
                self.toolchain = Toolchain(self.given_config or read_config())
                self.toolchain.forget_old()
            if self.host is None:
                self.toolchain.seen.clear()
            self.toolchain.precompiled()
            if self.host is None:
                self.start_host()

    def start_host(self):
        self.host = Host(self.toolchain.host(), lambda name, text: self.on_stream(name, text), self.on_display, self.on_variable)
        library = self.toolchain.config["library"]
        self.library = state_of(library) if library else None
        try:
            if library:
                self.host.load(library)
        except CellError as error:
            self.end_host()
            raise CellError("LoadError", f"the zoo's library cannot be loaded ({error.message}): run scripts/notebook.sh") from None

    def end_host(self):
        if self.host is not None:
            self.host.end()
        self.lost |= {name: variable.label for name, variable in self.variables.items()}
        self.host, self.variables = None, {}

    def close(self):
        self.end_host()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, code, cell=None, label=None):
        """Runs a cell. `cell` names it: when it runs again, what it declared before is gone. CellError if it fails."""
        try:
            self.run_pieces(split(code.replace("\r\n", "\n")), cell, label)
        except OSError as error:
            raise CellError("SystemError", self.system_error(error)) from None

    def system_error(self, error):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            places = {str(self.folder or tempfile.gettempdir()), *map(str, self.toolchain.places[:1] if self.toolchain else ())}
            return f"no space is left for {' or '.join(sorted(places))}: free some, then run the cell again"
        return f"{error.filename or 'the kernel'}: {error.strerror}: put that right, then run the cell again"

    def run_pieces(self, pieces, cell, label):
        self.prepare()
        self.check_the_zoo()
        self.number += 1
        label = label or f"In[{self.number}]"
        for piece in pieces:
            piece.cell, piece.label, piece.version = cell or f"cell {self.number}", label, 0
        if not pieces:
            return
        declarations, changed = self.with_declarations(pieces)
        kept = {name: variable for name, variable in self.variables.items() if not words_of(variable.type) & changed}
        source = self.source(pieces, declarations, kept)
        try:
            name, includes = f"cell{self.number}", includes_of(declarations)
            library, warnings = self.toolchain.compile_cell(source, self.folder, name, includes)
        except CellError as error:
            raise self.explained(error, pieces, kept) from None
        if warnings:
            self.on_stream("stderr", warnings)
        dropped = [name for name in self.variables if name not in kept]
        if dropped:
            self.on_stream("stderr", f"note: {', '.join(dropped)}: gone, because the type was declared anew\n")
        self.declarations, self.variables, self.label = declarations, kept, label
        self.lambdas = {piece.names[0]: piece for piece in pieces if piece.is_lambda}
        self.scope = dict(kept)
        try:
            self.host.run(library, f"nb_cell_{self.number}")
        except CellError as error:
            if error.name in ("Crashed", "Interrupted") and self.host.process.poll() is not None:
                self.end_host()
            if error.name == "LinkError" and re.search(r"\b(zoo|nb)::", error.message):
                error.text += "\nIs the zoo's library older than its headers? Run scripts/notebook.sh --setup, then restart."
            raise
        except BaseException:
            self.end_host()
            raise

    def check_the_zoo(self):
        """Cells compiled against other headers than the loaded library's would crash, or compute nonsense."""
        header = self.toolchain.changed_header()
        if header:
            raise CellError("Outdated", f"{pathlib.Path(header).name} has changed since this notebook began: "
                                        "run scripts/notebook.sh --setup, then restart the kernel")  # fmt: skip
        library = self.toolchain.config["library"]
        if library and self.library != state_of(library):
            self.library = state_of(library)
            self.on_stream("stderr", "note: the zoo's library was built anew or removed; this notebook goes on with the one "
                                     "that it has loaded, until you restart the kernel\n")  # fmt: skip

    def on_variable(self, slot, size, text):
        """The host has kept a variable of the running cell; `text` holds [T = type] or [with T = type]."""
        name = slot.split("#")[0]
        found = re.search(r"\[(?:with )?T = (.*)\]$", text, re.S)
        type_name = found[1].replace("(anonymous namespace)::", "").replace("{anonymous}::", "") if found else ""
        if re.search(r"lambda|unnamed|anonymous|nb_cell_|<unnamed", type_name):
            type_name = ""
        variable = Variable(name, slot, type_name, int(size), self.label)
        self.lost.pop(name, None)
        if name in self.lambdas:
            variable.closure, variable.scope = self.lambdas[name], self.scope
        self.variables[name] = self.scope[name] = variable

    # ---- Declarations -----------------------------------------------------------------------------------------------

    def with_declarations(self, pieces):
        """(the declarations that hold with this cell's, the names whose meaning changes)"""
        new = [piece for piece in pieces if piece.at_namespace_scope]
        keys = {piece.key for piece in new}
        old = {piece.key: piece for piece in self.declarations}
        gone = [piece for piece in self.declarations if piece.cell == pieces[0].cell and piece.key not in keys]
        changed = {name for piece in gone if piece.kind == "declaration" for name in piece.names}
        result = [piece for piece in self.declarations if piece not in gone]
        for piece in new:
            before = old.get(piece.key)
            if before is None or before in gone:
                result.append(piece)
                continue
            piece.version = before.version + (before.text != piece.text)
            if piece.kind == "declaration" and before.text != piece.text:
                changed |= set(piece.names)
            result[result.index(before)] = piece
        changed &= {name for piece in [*result, *gone] if piece.key.startswith("type ") for name in piece.names}
        while more := {name for piece in result if piece.key.startswith("type ") and piece.words & changed
                       for name in piece.names} - changed:  # fmt: skip
            changed |= more
        return result, changed

    def needed(self, declarations, words, cell):
        """The declarations of this cell, and those that it means, or that these mean. Grows `words` by theirs."""
        chosen, grown = set(), True
        while grown:
            grown = False
            for n, piece in enumerate(declarations):
                if n not in chosen and (piece.cell == cell or not can_be_left_out(piece) or words & set(piece.names)):
                    chosen.add(n)
                    words |= piece.words
                    grown = True
        return [declarations[n] for n in sorted(chosen)]

    # ---- The source of a cell ---------------------------------------------------------------------------------------

    def source(self, pieces, declarations, variables):
        body = [piece for piece in pieces if not piece.at_namespace_scope]
        words = set().union(*(piece.words for piece in body))
        for piece in declarations:  # a macro may name variables
            if piece.text.startswith("#") and words & set(piece.text.split("(")[0].split()):
                words |= piece.words
        used = [variable for name, variable in variables.items() if name in words]
        for variable in used:
            words |= words_needed_by(variable)
        declarations = self.needed(declarations, words, pieces[0].cell)
        out = [placed(piece) for piece in declarations]
        out.append(f'{GENERATED}extern "C" void nb_cell_{self.number}() {{ try {{\n')
        out += [reference(variable) for variable in used]
        out.append("{\n")
        out += [shown(piece) if piece.kind == "expression" else placed(piece) for piece in body]
        names = dict.fromkeys(name for piece in body for name in piece.names)
        out.append(GENERATED + "".join(f'nb::keep("{name}#{self.number}", {name});\n' for name in names))
        out.append("nb_cell_done();\n} } catch (...) { nb_cell_failed(); } }\n")
        return "".join(out)

    def explained(self, error, pieces, variables):
        """A compile error, with a note where a notebook differs from one long function."""
        plain = without_colours(error.text)
        notes = []
        for name in sorted(set(re.findall(r"undeclared identifier '(\w+)'|'(\w+)' was not declared", plain))):
            name = name[0] or name[1]
            if name in variables and not variables[name].type and not variables[name].closure:
                notes.append(f"{name} has a type without a name, so it lives in its own cell only")
            elif name in variables:
                notes.append(f"{name} is a variable of the notebook; functions see only what is passed to them")
            elif name in self.lost:
                notes.append(f"{name} was lost with the process: run {self.lost[name]} again")
        if any(piece.text.startswith(("%", "!")) for piece in pieces):
            notes.append('this notebook is C++, it has no %commands and no !commands; std::system("ls") runs a program')
        if any("main" in piece.names and piece.is_function for piece in pieces):
            notes.append("a notebook has no main(): its cells are what would stand in it")
        text = error.text + "".join(f"\nnote: {note}" for note in notes)
        return CellError(error.name, error.message, text)


def includes_of(declarations):
    """The #include lines in front of which no macro is defined that might change them."""
    includes = []
    for piece in declarations:
        if piece.kind == "directive":
            if not piece.text.startswith("#include"):
                break
            includes.append(piece.text)
    return includes


def can_be_left_out(piece):
    """What can only be meant by its name. Operators, specialisations, using-directives act without being named."""
    if piece.key.startswith("function operator") or "operator" in piece.names:
        return False
    return piece.kind == "declaration" and piece.key.split(" ")[0] in ("type", "function", "variable") and bool(piece.names)


def words_of(text):
    return set(re.findall(r"[A-Za-z_]\w*", text))


def words_needed_by(variable):
    if variable.closure is None:
        return words_of(variable.type)
    inner = [variable.scope[name] for name in variable.closure.words if name in variable.scope and name != variable.name]
    return variable.closure.words.union(*(words_needed_by(other) for other in inner))


def placed(piece):
    """The piece where it stands in its cell, for the compiler's messages."""
    before = ""
    if piece.kind == "declaration" and may_have_statics(piece):
        # Inline, so that all cells share its statics; a new version has statics of its own.
        tag = f'[[gnu::abi_tag("v{piece.version}")]] ' if piece.version else ""
        before = tag + ("inline" if piece.is_function and not is_inline(piece) else "")
    before = f"{GENERATED}{before}\n" if before else ""
    return f'{before}#line {piece.line} "{piece.label}"\n{" " * piece.column}{piece.text}\n'


def may_have_statics(piece):
    if piece.is_function:
        return "::" not in piece.key.split("(")[0] and not piece.text.startswith(("template", "friend", "extern", "[["))
    return piece.key.startswith("variable ") and piece.text.startswith("inline ")


def is_inline(piece):
    return bool({"inline", "constexpr", "consteval", "static"} & set(piece.text.split("(")[0].split()))


def shown(piece):
    return f"{GENERATED}static_cast<void>((\n{placed(piece)}{GENERATED}, nb::Shown{{}}));\n"


def reference(variable, depth=0):
    """Declares the name of a variable of an earlier cell. A lambda has a type without a name: it is written down again,
    among the variables that it meant, to ask for its type; what it captured is where it was."""
    name, address = variable.name, f'nb_find("{variable.slot}")'
    if variable.closure is None:
        if not variable.type:
            return ""
        type_name = variable.type
        if re.search(r"[\[(]", type_name):  # arrays, pointers to functions: the name stands inside the type
            type_name = f"std::type_identity_t<{type_name}>"
        return f"[[maybe_unused]] {type_name}& {name} = *static_cast<{type_name}*>({address});\n"
    piece = variable.closure
    inner = [variable.scope[other] for other in sorted(piece.words) if other in variable.scope and other != name]
    start = piece.text.index("[", piece.text.index("="))
    make = f"nb_make_{name}_{depth}"
    lines = piece.text[: start].count("\n") + piece.line
    return (f"auto {make} = [&] {{\n" + "".join(reference(other, depth + 1) for other in inner)
            + f'return\n#line {lines} "{piece.label}"\n{piece.text[start:]}\n{GENERATED}}};\n'
            + f"static_assert(sizeof(decltype({make}())) == {variable.size});\n"
            + f"[[maybe_unused]] auto& {name} = *static_cast<decltype({make}())*>({address});\n")  # fmt: skip
