"""Where the servers keep their files and sockets, and as whom they run."""

import contextlib
import errno
import hashlib
import os
import pwd
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

SERVER_USER = "hospitaldb"  # PostgreSQL refuses to run as root: this user is made, and used, only then
LONGEST_SOCKET_FOLDER = 85  # a socket's path has at most 107 bytes
SHORT = Path("/tmp")  # noqa: S108 (only for sockets; `make_private` refuses what somebody else put there)


def servers_folder(state: Path) -> Path:
    """The state folder, unless we are root and the servers' own user could not get through to it."""
    elsewhere = Path(f"/var/lib/hospital-{name_of(state)}")
    if os.geteuid() or (state / "postgres").exists():
        return state
    if (elsewhere / "postgres").exists():
        return elsewhere
    return state if owner_of(state) or is_passable(state) else elsewhere


def socket_folder(base: Path) -> Path:
    """Short and plain, because it becomes part of URLs; the same for a shell, a service and a job."""
    inside = base / "run"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER and re.fullmatch(r"[A-Za-z0-9_./-]+", str(inside)):
        return inside
    return SHORT / f"hospital-{name_of(base)}"


def name_of(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]


def owner_of(folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return folder.stat().st_uid
    return 0


def is_passable(path: Path) -> bool:
    """Anybody may go through every folder on the way, and into (or run) `path` itself where it exists."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents) if step.exists())


def server_account(state: Path) -> pwd.struct_passwd | None:
    """Whom the servers run as, made if need be; None means ourselves."""
    if os.geteuid():
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(owner_of(state)) if owner_of(state) else pwd.getpwnam(SERVER_USER)
    making = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    subprocess.run([*making, SERVER_USER], check=True, stdin=subprocess.DEVNULL)
    return pwd.getpwnam(SERVER_USER)


def as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """What `subprocess` needs to become that account."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def make_passable(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True)
        if os.geteuid() == 0:
            folder.chmod(0o755)  # whatever the umask: the servers' user goes through


def make_private(folder: Path, account: pwd.struct_passwd | None) -> None:
    """A folder of the servers' user alone. One in /tmp that somebody else put there is refused, links included."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != (account.pw_uid if account else os.geteuid()):
        raise PermissionError(errno.EPERM, "not ours", str(folder))
    folder.chmod(0o700)


def write_readable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)  # inside a private folder: readable to the servers' user when we are root, whatever the umask
