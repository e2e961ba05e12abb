"""bin/faults [--seeds N] [--seed S] [--only FA-3] [--small] [--json FILE] [--events N] [--minutes N]: break, mend, compare."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

SHORT = "/tmp"


def main() -> int:
    options = parsed(sys.argv[1:])
    signal.signal(signal.SIGTERM, leave)
    with tempfile.TemporaryDirectory(prefix="faults-", dir=SHORT) as folder:
        os.chmod(folder, 0o755)
        make_environment(Path(folder))
        return run(options, Path(folder))


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """In order, so that no server is left behind."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(1)


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many runs of each fault")
    parser.add_argument("--seed", type=int, default=1, help="the first one; a failing run is repeated with its seed")
    parser.add_argument(
        "--only", action="append", default=[], metavar="FA-3", help="only this fault; may be given more than once"
    )
    parser.add_argument("--small", action="store_true", help="as in the test suite: few people, generous limits")
    parser.add_argument(
        "--json", metavar="FILE", help="append each verdict as a line; what is there already is not done again"
    )
    parser.add_argument("--events", type=int, metavar="N", help="how many the fault “events” writes")
    parser.add_argument("--minutes", type=float, default=0, metavar="N", help="how long people come and go in FA-18")
    parser.add_argument("--listen", action="store_true", help="read “FA-3 17” from standard input, one run a line")
    return parser.parse_args(arguments)


def make_environment(folder: Path) -> None:
    """Before Django reads its settings: servers of our own, whatever the environment names."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[name] = ""
    os.environ |= {
        "HOSPITAL_STATE": str(folder / "state"),
        "REDIS_URL": f"unix://{folder}/valkey.sock",
        "CELERY_BROKER_URL": f"redis+socket://{folder}/valkey.sock",
        "CLAMD_SOCKET": f"{folder}/clamd.sock",
        "DJANGO_SETTINGS_MODULE": "hospital.settings",
        "DJANGO_ENV": "development",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
    import django

    django.setup()


def run(options: argparse.Namespace, folder: Path) -> int:
    from realtime.tests.faults.report import Report
    from realtime.tests.faults.run import FULL, SMALL
    from realtime.tests.faults.series import Series

    size = SMALL if options.small else FULL
    size = replace(size, events=options.events or size.events, minutes=options.minutes)
    report = Report(options.json, small=options.small)
    with Series(folder, size) as series:
        if options.listen:
            return series.listen()
        try:
            series.several(report, options.only, range(options.seed, options.seed + options.seeds))
        finally:
            report.sum_up()
    return 1 if report.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
