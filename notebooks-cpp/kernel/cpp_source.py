"""A cell's C++ taken apart, without a compiler: what belongs to namespace scope (includes, functions, types), and what are
statements of the one function that runs the notebook.

Only the shape of the code is looked at, so that code which does not compile is still taken apart, and the compiler tells
what is wrong with it. In doubt a piece is a statement: most declarations are legal there, too.
"""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""
    (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|//[^\n]*|[^\n])*)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>(?:u8|[uUL])?R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"
              |(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"
              |(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
  | (?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<punct>::|->|<<=|<=>|<<|\+\+|--|&&|\|\||[-+*/%&|^=!<>]=|\.\.\.|[^\s\w])
  | (?P<space>\s+)
    """,
    re.X | re.M | re.S,
)

CLOSING = {"(": ")", "[": "]", "{": "}"}
BLOCK_HEADS = {"if", "for", "while", "do", "switch", "try", "{"}
NEVER_A_TYPE = BLOCK_HEADS | {
    "return", "throw", "goto", "break", "continue", "case", "default", "delete", "new", "sizeof", "this", "else", "catch",
    "co_await", "co_return", "co_yield", "asm", "true", "false", "nullptr", "not", "operator"}  # fmt: skip
NAMESPACE_HEADS = {
    "namespace", "template", "using", "typedef", "concept", "static_assert", "extern", "inline", "constexpr", "consteval",
    "constinit"}  # fmt: skip
TYPE_HEADS = {"struct", "class", "union", "enum"}
BUILTIN = {
    "void", "bool", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "auto", "wchar_t", "char8_t",
    "char16_t", "char32_t"}  # fmt: skip
SPECIFIERS = {"const", "volatile", "static", "thread_local", "mutable", "typename", "constexpr", "inline"} | TYPE_HEADS
# Macros that declare a type when they stand at namespace scope.
DECLARING_MACROS = {"TORCH_MODULE", "TORCH_MODULE_IMPL"}


@dataclass
class Token:
    kind: str
    text: str
    start: int

    @property
    def end(self):
        return self.start + len(self.text)


@dataclass
class Piece:
    """A part of a cell. `names`: what it declares. `words`: every identifier in it. `key`: what a later declaration must
    equal in order to replace this one."""

    kind: str  # "directive", "declaration", "variable", "statement" or "expression" (the last, without a semicolon)
    text: str
    line: int  # 1 is the cell's first
    column: int  # 0 is the line's first
    names: list = field(default_factory=list)
    words: set = field(default_factory=set)
    key: str = ""
    is_function: bool = False
    is_lambda: bool = False

    @property
    def at_namespace_scope(self):
        return self.kind in ("directive", "declaration")


def split(source):
    """The pieces of a cell, in its order."""
    tokens, pieces, start = lex(source), [], 0
    while start < len(tokens):
        end = end_of_piece(tokens, start)
        pieces.append(make_piece(source, tokens[start:end], is_last=end == len(tokens)))
        start = end
    return pieces


def lex(source):
    tokens, at = [], 0
    while at < len(source):
        found = TOKEN.match(source, at)
        kind, text = (found.lastgroup, found.group()) if found else ("punct", source[at])
        if kind == "tag":
            kind = "string"
        if kind == "directive":  # its indentation is not part of it
            at += len(text) - len(text.lstrip())
            text = text.lstrip()
        if kind not in ("space", "comment"):
            tokens.append(Token(kind, text, at))
        at += len(text)
    return tokens


# ---- Where a piece ends ---------------------------------------------------------------------------------------------


def is_punct(tokens, at, *texts):
    return at < len(tokens) and tokens[at].kind == "punct" and tokens[at].text in texts


def is_word(tokens, at, *texts):
    return at < len(tokens) and tokens[at].kind == "word" and (not texts or tokens[at].text in texts)


def after_group(tokens, at):
    """Index behind the bracket that closes the one at `at`."""
    depth = 0
    while at < len(tokens):
        if is_punct(tokens, at, *CLOSING):
            depth += 1
        elif is_punct(tokens, at, *CLOSING.values()):
            depth -= 1
            if depth <= 0:
                return at + 1
        at += 1
    return at


def after_angles(tokens, at):
    """Index behind the template arguments that begin at `at`; None if that is a comparison."""
    depth = 0
    while at < len(tokens):
        if is_punct(tokens, at, "(", "["):
            at = after_group(tokens, at)
            continue
        if is_punct(tokens, at, "<"):
            depth += 1
        elif is_punct(tokens, at, ">"):
            depth -= 1
            if depth == 0:
                return at + 1
        elif is_punct(tokens, at, ";", "{", "}", ")", "]", "&&", "||", "<<") or tokens[at].kind == "directive":
            return None
        at += 1
    return None


def end_of_piece(tokens, at):
    if tokens[at].kind == "directive":
        return at + 1
    if tokens[at].kind == "word" and tokens[at].text in BLOCK_HEADS or is_punct(tokens, at, "{"):
        return end_of_block_statement(tokens, at)
    has_body = function_body(tokens, at) is not None or opens_namespace(tokens, at)
    while at < len(tokens) and tokens[at].kind != "directive":
        if is_punct(tokens, at, ";"):
            return at + 1
        if is_punct(tokens, at, *CLOSING):
            is_brace = is_punct(tokens, at, "{")
            at = after_group(tokens, at)
            # Members in front of a constructor's body are set with braces, too.
            if has_body and is_brace and not is_punct(tokens, at, ",", "{"):
                return at + 1 if is_punct(tokens, at, ";") else at
        else:
            at += 1
    return at


def end_of_block_statement(tokens, at):
    """if, for, while, do, switch, try, or a block."""
    if is_punct(tokens, at, "{"):
        return after_group(tokens, at)
    head = tokens[at].text
    at += 1
    if head == "do":
        at = end_of_statement(tokens, at)
        return end_of_statement(tokens, at)  # while (...);
    if head == "try":
        at = after_group(tokens, at)
        while is_word(tokens, at, "catch"):
            at = after_group(tokens, after_group(tokens, at + 1))
        return at
    if is_word(tokens, at, "constexpr"):
        at += 1
    if is_punct(tokens, at, "("):
        at = after_group(tokens, at)
    at = end_of_statement(tokens, at)
    if head == "if" and is_word(tokens, at, "else"):
        at = end_of_statement(tokens, at + 1)
    return at


def end_of_statement(tokens, at):
    if at >= len(tokens):
        return at
    if is_word(tokens, at, "while"):  # also the end of `do`
        closed = after_group(tokens, at + 1)
        return closed + 1 if is_punct(tokens, closed, ";") else end_of_block_statement(tokens, at)
    return end_of_piece(tokens, at)


def opens_namespace(tokens, at):
    """namespace a::b {, extern "C" {"""
    if is_word(tokens, at, "extern"):
        return at + 2 < len(tokens) and tokens[at + 1].kind == "string" and is_punct(tokens, at + 2, "{")
    if is_word(tokens, at, "inline"):
        at += 1
    if not is_word(tokens, at, "namespace"):
        return False
    at += 1
    while is_word(tokens, at) or is_punct(tokens, at, "::"):
        at += 1
    return is_punct(tokens, at, "{")


# ---- Types and declarators ------------------------------------------------------------------------------------------


def after_attributes(tokens, at):
    while is_punct(tokens, at, "[") and is_punct(tokens, at + 1, "["):
        at = after_group(tokens, at)
    return at


def after_template_head(tokens, at):
    """Index behind template<...> and its requires-clause."""
    while is_word(tokens, at, "template"):
        at = after_angle_brackets(tokens, at + 1)
        if is_word(tokens, at, "requires"):
            at = after_requirement(tokens, at + 1)
    return at


def after_angle_brackets(tokens, at):
    """As after_angles, where it is known that they are no comparison."""
    depth = 0
    while at < len(tokens):
        if is_punct(tokens, at, *CLOSING):
            at = after_group(tokens, at)
            continue
        depth += is_punct(tokens, at, "<") - is_punct(tokens, at, ">")
        at += 1
        if depth == 0:
            return at
    return at


def after_requirement(tokens, at):
    while at < len(tokens):
        if is_word(tokens, at, "requires"):
            at += 1
            if is_punct(tokens, at, "("):
                at = after_group(tokens, at)
            at = after_group(tokens, at)
        elif is_punct(tokens, at, "(", "!"):
            at = after_group(tokens, at) if is_punct(tokens, at, "(") else at + 1
        else:
            at = after_name(tokens, at) or at + 1
        if not is_punct(tokens, at, "&&", "||"):
            return at
        at += 1
    return at


def after_name(tokens, at):
    """Index behind a::b<c>::d; None if there is no name."""
    if is_punct(tokens, at, "::"):
        at += 1
    while is_word(tokens, at) and tokens[at].text not in NEVER_A_TYPE:
        at += 1
        if is_punct(tokens, at, "<"):
            at = after_angles(tokens, at)
            if at is None:
                return None
        if not is_punct(tokens, at, "::") or not is_word(tokens, at + 1) or tokens[at + 1].text == "operator":
            return at
        at += 1
    return None


def after_type(tokens, at):
    """Index behind specifiers and a type, without * and &; None if there is none."""
    has_type = False
    while at < len(tokens):
        at = after_attributes(tokens, at)
        if is_word(tokens, at, *SPECIFIERS):
            at += 1
        elif is_word(tokens, at, *BUILTIN):
            has_type, at = True, at + 1
            if tokens[at - 1].text == "auto" and is_punct(tokens, at, "(") and not is_punct(tokens, at + 1, "*", "&"):
                return None  # auto(x) is an expression
        elif is_word(tokens, at, "decltype"):
            has_type, at = True, after_group(tokens, at + 1)
        elif not has_type and (behind := after_name(tokens, at)) is not None:
            has_type, at = True, behind
        else:
            break
    return at if has_type else None


def after_pointers(tokens, at):
    while is_punct(tokens, at, "*", "&", "&&") or is_word(tokens, at, "const"):
        at += 1
    return at


def after_declared_name(tokens, at):
    """Index behind the name that a function's declarator gives: f, A<T>::f, operator<<; None if there is none."""
    while is_word(tokens, at):
        if tokens[at].text == "operator":
            at += 1
            if is_punct(tokens, at, "(", "["):
                return after_group(tokens, at)
            while at < len(tokens) and not is_punct(tokens, at, "("):
                at += 1
            return at
        if tokens[at].text in NEVER_A_TYPE:
            return None
        at += 1
        if is_punct(tokens, at, "<") and (behind := after_angles(tokens, at)) is not None:
            at = behind
        if not is_punct(tokens, at, "::"):
            return at
        at += 1
        if is_punct(tokens, at, "~"):
            at += 1
    return None


def function_parameters(tokens, at):
    """Index of the bracket that opens the parameters, if a function's declaration begins at `at`; else None."""
    at = after_attributes(tokens, after_template_head(tokens, at))
    while is_word(tokens, at, "extern", "friend", "consteval", "explicit", "virtual"):
        at += 2 if at + 1 < len(tokens) and tokens[at + 1].kind == "string" else 1
    behind = after_type(tokens, at)
    candidates = [at] if behind is None else [after_pointers(tokens, behind), at]
    for start in candidates:
        name = after_declared_name(tokens, start)
        # Without a return type only A::A(...), A::~A() and conversions are functions.
        needs_scope = start == at
        if name is None or not is_punct(tokens, name, "("):
            continue
        if needs_scope and not any(is_punct(tokens, k, "::") or is_word(tokens, k, "operator") for k in range(start, name)):
            continue
        return name
    return None


def after_signature(tokens, at):
    """Index behind the parameters, qualifiers and trailing return type of the function whose parameters open at `at`."""
    at = after_group(tokens, at)
    while at < len(tokens):
        if is_word(tokens, at, "const", "noexcept", "override", "final", "mutable", "volatile"):
            at += 1
            if is_punct(tokens, at, "("):
                at = after_group(tokens, at)
        elif is_punct(tokens, at, "&", "&&"):
            at += 1
        elif is_punct(tokens, at, "->"):
            at = after_pointers(tokens, after_type(tokens, at + 1) or at + 1)
        elif is_word(tokens, at, "requires"):
            at = after_requirement(tokens, at + 1)
        else:
            break
    return at


def function_body(tokens, at):
    """Index of the brace (or colon) behind the signature of a function that is defined at `at`; else None."""
    opening = function_parameters(tokens, at)
    if opening is None:
        return None
    behind = after_signature(tokens, opening)
    return behind if is_punct(tokens, behind, "{", ":") else None


def is_prototype(tokens):
    """int f(const Tensor& x, int n);  In doubt it is a variable with a constructor's arguments."""
    result = after_type(tokens, 0)
    opening = None if result is None else after_declared_name(tokens, after_pointers(tokens, result))
    if opening is None or not is_punct(tokens, opening, "("):
        return False
    if not is_punct(tokens, after_signature(tokens, opening), ";"):
        return False
    if is_punct(tokens, opening + 1, ")"):
        return True
    behind = after_type(tokens, opening + 1)
    if behind is None:
        return False
    simple = all(is_word(tokens, k, *(BUILTIN | SPECIFIERS)) for k in range(opening + 1, behind))
    if simple:
        return True
    pointers = after_pointers(tokens, behind)
    if pointers == behind:
        return is_word(tokens, behind)
    return is_word(tokens, opening + 1, "const") or is_punct(tokens, pointers, ",", ")")


def declared_variables(tokens):
    """The names that a statement declares; none if it is an expression."""
    at = after_type(tokens, 0)
    if at is None:
        return []
    names = []
    while at < len(tokens):
        at = after_pointers(tokens, at)
        if not names and is_punct(tokens, at, "["):  # auto [a, b] = ...
            end = after_group(tokens, at)
            return [token.text for token in tokens[at + 1 : end - 1] if token.kind == "word"]
        if is_punct(tokens, at, "(") and is_punct(tokens, at + 1, "*", "&") and is_word(tokens, at + 2):
            names.append(tokens[at + 2].text)  # a pointer to a function
        elif is_word(tokens, at) and tokens[at].text not in NEVER_A_TYPE and ends_declarator(tokens, at + 1):
            names.append(tokens[at].text)
        else:
            return names
        while at < len(tokens) and not is_punct(tokens, at, ",", ";"):
            behind = after_angles(tokens, at) if is_punct(tokens, at, "<") else None
            at = after_group(tokens, at) if is_punct(tokens, at, *CLOSING) else behind or at + 1
        if not is_punct(tokens, at, ","):
            return names
        at += 1
    return names


def ends_declarator(tokens, at):
    return at >= len(tokens) or is_punct(tokens, at, "=", "{", "(", ";", ",", "[", ":")


# ---- What a piece is ------------------------------------------------------------------------------------------------


def make_piece(source, tokens, is_last):
    start, end = tokens[0].start, tokens[-1].end
    line_start = source.rfind("\n", 0, start) + 1
    piece = Piece("statement", source[start:end], source.count("\n", 0, start) + 1, start - line_start)
    piece.words = {token.text for token in tokens if token.kind == "word"}
    head = tokens[0]
    if head.kind == "directive":
        piece.kind, piece.key = "directive", " ".join(piece.text.split())
        piece.words = set(re.findall(r"[A-Za-z_]\w*", piece.text))
    elif is_declaration(tokens):
        piece.kind = "declaration"
        piece.is_function = head.text != "template" and function_body(tokens, 0) is not None
        piece.key, piece.names = identity(tokens)
        if head.text in DECLARING_MACROS and piece.names:
            piece.words.add(piece.names[0] + "Impl")
    elif is_punct(tokens, len(tokens) - 1, ";") or (head.text in BLOCK_HEADS and head.kind in ("word", "punct")):
        piece.names = [] if head.text in NEVER_A_TYPE else declared_variables(tokens)
        piece.kind = "variable" if piece.names else "statement"
        piece.is_lambda = bool(piece.names) and initialised_by_lambda(tokens)
    elif is_last and not is_unfinished_declaration(tokens):
        piece.kind = "expression"
    return piece


def is_unfinished_declaration(tokens):
    """int a = 3 without a semicolon. `q * k` is an expression."""
    behind = after_type(tokens, 0)
    return behind is not None and is_word(tokens, behind) and bool(declared_variables(tokens))


def is_declaration(tokens):
    at = after_attributes(tokens, 0)
    if at >= len(tokens):
        return False
    head = tokens[at].text if tokens[at].kind == "word" else ""
    if head in NAMESPACE_HEADS or head in DECLARING_MACROS or function_body(tokens, at) is not None:
        return True
    if head == "static" and is_word(tokens, at + 1, "constexpr", "inline", "consteval"):
        return True
    if head in TYPE_HEADS and is_type_alone(tokens, at):
        return True
    return is_prototype(tokens[at:])


def is_type_alone(tokens, at):
    """struct A; struct A : B { ... };  and not struct A a = ...;"""
    at = after_attributes(tokens, at + 1)
    if is_word(tokens, at, "class", "struct"):
        at += 1
    at = after_name(tokens, at) or at
    if is_word(tokens, at, "final"):
        at += 1
    if is_punct(tokens, at, ";"):
        return True
    if is_punct(tokens, at, ":"):
        while at < len(tokens) and not is_punct(tokens, at, "{", ";"):
            at += 1
    return is_punct(tokens, at, "{") and is_punct(tokens, after_group(tokens, at), ";")


def initialised_by_lambda(tokens):
    """auto f = [...](...) { ... };  and not what such a function returns."""
    at = after_type(tokens, 0)
    if not any(is_word(tokens, k, "auto") for k in range(at)):
        return False
    at = after_pointers(tokens, at)
    if not (is_word(tokens, at) and is_punct(tokens, at + 1, "=") and is_punct(tokens, at + 2, "[")):
        return False
    at = after_group(tokens, at + 2)
    while at < len(tokens) and not is_punct(tokens, at, "{", ";"):
        at = after_group(tokens, at) if is_punct(tokens, at, "(") else at + 1
    return is_punct(tokens, at, "{") and is_punct(tokens, after_group(tokens, at), ";")


def identity(tokens):
    """(key, names) of a declaration: of the declarations with one key the last one counts."""
    text = " ".join(token.text for token in tokens)
    at = after_attributes(tokens, after_template_head(tokens, 0))
    while is_word(tokens, at, "inline", "constexpr", "consteval", "constinit", "static", "extern"):
        at += 1
    head = tokens[at].text if at < len(tokens) else ""
    if head in DECLARING_MACROS:
        return f"type {tokens[at + 2].text}", [tokens[at + 2].text]
    if head in TYPE_HEADS:
        start = after_attributes(tokens, at + 1)
        if is_word(tokens, start, "class", "struct"):
            start += 1
        end = after_name(tokens, start) or start
        name = " ".join(token.text for token in tokens[start:end])
        forward = "" if any(token.text == "{" for token in tokens) else " forward"
        return f"type {name}{forward}", [tokens[start].text] if is_word(tokens, start) else []
    if head in ("using", "concept") and is_punct(tokens, at + 2, "="):
        return f"type {tokens[at + 1].text}", [tokens[at + 1].text]
    if head == "namespace" and is_punct(tokens, at + 2, "="):
        return f"namespace {tokens[at + 1].text}", [tokens[at + 1].text]
    if head in ("namespace", "using", "static_assert", "typedef") or tokens[0].text == "extern":
        return text, [token.text for token in tokens if token.kind == "word"] if head != "static_assert" else []
    opening = function_parameters(tokens, 0)
    if opening is not None and (function_body(tokens, 0) is not None or is_prototype(tokens)):
        start = start_of_name(tokens, at, opening)
        name = " ".join(token.text for token in tokens[start:opening])
        parameters = " ".join(token.text for token in tokens[opening : after_group(tokens, opening)])
        prototype = "" if function_body(tokens, 0) is not None else " prototype"
        return f"function {name} {parameters}{prototype}", [tokens[start].text]
    names = declared_variables(tokens[at:])
    return f"variable {' '.join(names)}", names


def start_of_name(tokens, at, opening):
    """Where the name begins in front of a function's parameters: f, A::f, operator+."""
    if is_word(tokens, at, "operator"):
        return at
    behind = after_type(tokens, at)
    start = at if behind is None else after_pointers(tokens, behind)
    return start if after_declared_name(tokens, start) == opening else at
