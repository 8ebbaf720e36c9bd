"""Calls of Linux that Python has no names for. Each raises OSError, saying what was asked of the kernel."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterable
from typing import Final

# Of clone(2) and unshare(2).
NEW_MOUNTS: Final = 0x0002_0000
NEW_HOSTNAME: Final = 0x0400_0000
NEW_IPC: Final = 0x0800_0000
NEW_USERS: Final = 0x1000_0000
NEW_PIDS: Final = 0x2000_0000

# Of mount(2).
READ_ONLY: Final = 1
NO_SETUID: Final = 2
NO_DEVICES: Final = 4
NO_EXEC: Final = 8
REMOUNT: Final = 32
BIND: Final = 4096
RECURSIVE: Final = 16384
PRIVATE: Final = 1 << 18
# What a mount of another user namespace may have, and a remount has to keep.
_LOCKED: Final = READ_ONLY | NO_SETUID | NO_DEVICES | NO_EXEC
_DETACH: Final = 2  # umount2(2)

# Of prctl(2).
_SET_PDEATHSIG: Final = 1
_DROP_FROM_BOUNDING_SET: Final = 24
_SET_CHILD_SUBREAPER: Final = 36
_SET_NO_NEW_PRIVILEGES: Final = 38

_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
_CAPABILITY_VERSION: Final = 0x2008_0522  # capget(2): version 3, two words for each set

# Of capabilities(7), by their numbers.
CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
_WORD: Final = 32

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object, said: str) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{said}: {os.strerror(number)}")


def unshare(namespaces: int) -> None:
    """Give this process namespaces of its own; of processes, its next child is the first one in it."""
    _call("unshare", namespaces, said="namespaces of its own")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Mount ``source`` at ``target``, as a file system of ``kind``."""
    _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if data is None else os.fsencode(data),
        said=f"mounting {kind or source} at {target}",
    )


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Let what is at ``source``, with all that is mounted below it, be seen at ``target``, too."""
    mount(source, target, None, BIND | RECURSIVE)
    if read_only:
        make_read_only(target)


def overlay(lower: str, upper: str, work: str, target: str) -> None:
    """Mount ``lower`` below ``upper`` at ``target``."""
    if set(lower + upper + work) & set(",:\\"):
        # These mean something in the options: by names within a folder. gVisor takes whole paths alone.
        above = os.path.commonpath([upper, work])
        before = os.open(".", os.O_PATH | os.O_CLOEXEC)
        os.chdir(above)
        try:
            names = [os.path.relpath(path, above) for path in (lower, upper, work)]
            _overlay("/" if lower == "/" else names[0], names[1], names[2], target)
        finally:
            os.fchdir(before)
            os.close(before)
    else:
        _overlay(lower, upper, work, target)


def _overlay(lower: str, upper: str, work: str, target: str) -> None:
    mount("overlay", target, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")


def make_read_only(target: str) -> None:
    """Let nobody write at a mount any more; what else it forbids stays forbidden."""
    before = os.statvfs(target).f_flag & _LOCKED
    mount("none", target, None, REMOUNT | BIND | READ_ONLY | before)


def pivot_root(folder: str) -> None:
    """Make ``folder``, which is a mount, the root, with nothing of the root before left in sight.

    Where there is no such call, it is only changed, which what runs there could leave again.
    """
    os.chdir(folder)
    number = _PIVOT_ROOT.get(platform.machine())
    # the old root comes to lie above the new one (pivot_root(2), "pivot_root(".", ".")")
    if number is not None and _libc.syscall(ctypes.c_long(number), b".", b".") == 0:
        _call("umount2", b".", _DETACH, said="unmounting the root before")
        os.chdir("/")
        return
    os.chroot(".")
    os.chdir("/")


def sethostname(name: str) -> None:
    """Name the host that this process sees."""
    raw = name.encode()
    _call("sethostname", raw, ctypes.c_size_t(len(raw)), said="naming the host")


def end_with_parent(number: int) -> None:
    """Have this process sent the signal when the thread that started it ends."""
    _prctl(_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of what descendants leave behind."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """No program that is executed from here on gains rights by its file."""
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)


def keep_capabilities(names: Iterable[str]) -> None:
    """Give up all capabilities but these, of those that the process has, also for what it executes."""
    numbers = {CAPABILITIES.index(name) for name in names}
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; the low words, then the high ones
    _call("capget", header, sets, said="reading the capabilities")
    for number in range(len(CAPABILITIES)):
        if number not in numbers:
            _libc.prctl(_DROP_FROM_BOUNDING_SET, number, 0, 0, 0)  # one that the kernel does not know
    for word in range(2):
        mask = sum(1 << number % _WORD for number in numbers if number // _WORD == word)
        for at in range(3):
            sets[3 * word + at] &= mask
    _call("capset", header, sets, said="giving up capabilities")


def _prctl(option: int, value: int) -> None:
    _call("prctl", option, value, 0, 0, 0, said=f"prctl {option}")
