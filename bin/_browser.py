"""Find a browser for the tests, or install one, and print where it is. Nothing is printed for Playwright's own."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")


def main() -> None:
    named = os.environ.get("HOSPITAL_BROWSER")
    if named and not works(named):
        sys.exit(f"HOSPITAL_BROWSER is {named}, and that is no browser that starts.")
    if browser := named or installed_browser() or debian_browser():
        sys.stdout.write(f"{browser}\n")
    elif not playwright_browser():
        sys.exit("The tests need a browser. Install Chromium or Chrome, or set HOSPITAL_BROWSER to one.")


def installed_browser() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path and works(path)), None)


def works(path: str) -> bool:
    """Ubuntu's chromium is a stub that only says how to get another one, so ask it for its version."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def debian_browser() -> str | None:
    if os.geteuid() or not shutil.which("apt-get"):
        return None
    sys.stderr.write("Installing Chromium\n")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-yqq", "--no-install-recommends", "chromium")
    return installed_browser()


def playwright_browser() -> bool:
    sys.stderr.write("Installing Playwright's Chromium\n")
    libraries = [] if os.geteuid() else ["--with-deps"]
    return run(sys.executable, "-m", "playwright", "install", *libraries, "chromium")


def run(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0


if __name__ == "__main__":
    main()
