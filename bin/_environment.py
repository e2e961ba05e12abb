"""Make .venv what a requirements file says; do nothing when it already is. Needs only the standard library."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = PROJECT / "deploy" / "constraints.txt"
RUNTIME = PROJECT / "requirements.txt"


def main(requirements: Path) -> None:
    if is_installed(requirements):
        return
    with_lock_on_the_project()
    if not is_installed(requirements):
        make_venv()
        install(requirements)


def is_installed(requirements: Path) -> bool:
    stamp = stamp_of(requirements)
    return stamp.exists() and stamp.read_text() == fingerprint(requirements) and python_works()


def stamp_of(requirements: Path) -> Path:
    return VENV / f".installed-{requirements.name}"


def fingerprint(requirements: Path) -> str:
    files = {RUNTIME, CONSTRAINTS, requirements}
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()


def python_works() -> bool:
    works = "import sys; sys.exit(sys.version_info < (3, 11))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", works], check=False).returncode == 0


def with_lock_on_the_project() -> None:
    """Held until this process ends: two first starts at once install once."""
    fcntl.flock(os.open(PROJECT, os.O_RDONLY), fcntl.LOCK_EX)


def make_venv() -> None:
    if VENV.exists() and not os.access(VENV, os.W_OK):
        sys.exit(f"{VENV} belongs to another user. Run as that user, or use a copy of the project of your own.")
    if python_works():
        return
    say(f"Making .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    if not venv_made() and not (venv_package_installed() and venv_made()):
        sys.exit(f"Python cannot make virtual environments. Debian and Ubuntu: apt-get install {venv_package()}")


def venv_made() -> bool:
    made = subprocess.run([sys.executable, "-m", "venv", VENV], stdout=subprocess.DEVNULL, check=False).returncode == 0
    if not made:
        shutil.rmtree(VENV, ignore_errors=True)
    return made


def venv_package() -> str:
    return f"python3.{sys.version_info.minor}-venv"


def venv_package_installed() -> bool:
    """Debian keeps venv in a package of its own."""
    if os.geteuid() or not shutil.which("apt-get"):
        return False
    commands = (["apt-get", "update", "-qq"], ["apt-get", "install", "-yqq", venv_package()])
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return all(subprocess.run(command, env=environment, check=False).returncode == 0 for command in commands)


def install(requirements: Path) -> None:
    say(f"Installing {requirements.name}")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    installed = subprocess.run([*pip, "-r", str(requirements), "-c", str(CONSTRAINTS)], check=False)
    if installed.returncode:
        sys.exit(f"{requirements.name} could not be installed; pip says why above.")
    for done in {RUNTIME, requirements}:
        stamp_of(done).write_text(fingerprint(done))


def say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(PROJECT / sys.argv[1])
