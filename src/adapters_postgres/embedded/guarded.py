"""Becomes another program that cannot outlive its parent. Run by its path, never imported by the house itself.

It stands between ``fork`` and the real program because both of its steps belong in the child and neither is safe as
``preexec_fn`` in a process with threads. It imports the standard library alone: ``python -I -S`` starts in 20 ms.

The order matters: the kernel forgets the death signal when the user changes, so privileges go first (prctl(2)). A
parent that died before the signal was asked for is noticed by its number afterwards. Where there is no prctl (macOS)
the program runs unguarded.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def drop_privileges(user: int, group: int) -> None:
    """Becomes ``user``, of ``group`` alone, for good."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def die_with(parent: int, signal_number: int) -> None:
    """Asks the kernel for ``signal_number`` when ``parent``'s forking thread ends; exits if it ended already."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(f"process {parent} ended before it could be watched")


def main(parent: str, signal_number: str, user: str, group: str, *command: str) -> None:
    """``user`` -1 means: stay who you are. Returns only by exit."""
    try:
        if int(user) != -1:
            drop_privileges(int(user), int(group))
        die_with(int(parent), int(signal_number))
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"FATAL:  cannot run {command[0]}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
