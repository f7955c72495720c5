"""What the tests of scripts share: another user, and calls of which exit code and words are checked."""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOBODY = 65534
# Not this user's own tools: another user may not have them.
PATH = "/usr/local/bin:/usr/bin:/bin"


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def may_be_nobody():
    """Whether this process can run another as a user without rights, who can read the repository."""
    if os.name != "posix" or os.geteuid() != 0:
        return False
    try:
        code = subprocess.run(["/bin/sh", "-c", f"test -r '{ROOT}/scripts/build.sh'"], preexec_fn=become_nobody).returncode
    except (OSError, subprocess.SubprocessError):
        return False
    return code == 0


def open_folder():
    """A temporary folder that all may enter."""
    folder = tempfile.TemporaryDirectory()
    os.chmod(folder.name, 0o755)
    return folder


def run(arguments, cwd, before=None, **environment):
    return subprocess.run([str(word) for word in arguments], cwd=cwd, preexec_fn=before, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
                          env={"PATH": PATH, "HOME": str(cwd), "OMP_NUM_THREADS": "1", **environment})
