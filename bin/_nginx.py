"""Find nginx for the tests, or install it, and print where it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
QUIET = Path("/usr/sbin/policy-rc.d")  # says whether a package may start what it brings


def main() -> None:
    if program := os.environ.get("HOSPITAL_NGINX") or installed() or debian():
        sys.stdout.write(f"{program}\n")
    else:
        sys.exit("The tests need nginx, as it stands in front of the servers. Install it, or set HOSPITAL_NGINX to it.")


def installed() -> str | None:
    return shutil.which("nginx", path=PLACES)


def debian() -> str | None:
    if os.geteuid() or not shutil.which("apt-get"):
        return None
    sys.stderr.write("Installing nginx\n")
    ours = not QUIET.exists()
    if ours:
        QUIET.write_text("#!/bin/sh\nexit 101\n")
        QUIET.chmod(0o755)
    try:
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-yqq", "--no-install-recommends", "nginx-light")
    finally:
        if ours:
            QUIET.unlink()
    return installed()


def run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, env=environment, stdout=sys.stderr, check=False)


if __name__ == "__main__":
    main()
