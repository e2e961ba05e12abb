import argparse
import http.client
import ipaddress
import os
import signal
import socket
import subprocess
import sys
from types import FrameType
from typing import NoReturn

from hospital import settings
from hospital.embedded import ServerError
from hospital.supervisor.children import Crew, Failure, Pulse, end_leftovers, from_us
from hospital.supervisor.claim import AlreadyRunning, claimed
from hospital.supervisor.servers import kept

STATE = settings.EMBEDDED.home.state  # spelt in one way only
START_SECONDS = 60
DEAF_SECONDS = 50
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    options = parsed(arguments)
    for number in ENDING:
        signal.signal(number, leave)
    try:
        with claimed(STATE, address_of(options.host, options.port)):
            run(options)
    except (AlreadyRunning, Failure, ServerError) as error:
        say(str(error))
        return 1
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/run", description="Start the hospital.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (see DJANGO_ALLOWED_HOSTS)")
    parser.add_argument("--no-demo", action="store_true", help="start empty")
    return parser.parse_args(arguments)


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """The first signal begins the orderly end; later ones must not interrupt it."""
    for later in ENDING:
        signal.signal(later, signal.SIG_IGN)
    raise SystemExit(0)


def run(options: argparse.Namespace) -> None:
    host, port = options.host, options.port
    end_leftovers(STATE)
    refuse_taken_port(host, port)
    if not settings.PRODUCTION:
        os.environ.setdefault("SITE_URL", address_of(host, port))  # where the links in letters lead
    say(f"Starting the servers{elsewhere()}")
    with settings.EMBEDDED.in_use():
        say("Preparing the database")
        logins = prepared(["--no-demo"] if options.no_demo else [])
        with (
            kept(settings.EMBEDDED) as keeper,
            Crew(STATE, settings.BASE_DIR).working(programs(host, port), pulses()) as crew,
        ):
            if not crew.watch(until=lambda: answers(host, port), seconds=START_SECONDS):
                raise Failure(f"The web does not answer on {address_of(host, port)}healthz; its messages are above.")
            say(f"ready {address_of(host, port)}\n{logins}".rstrip())
            crew.watch(until=keeper.has_given_up)
            raise Failure(keeper.reason)


def elsewhere() -> str:
    base, state = settings.EMBEDDED.home.base, settings.EMBEDDED.home.state
    return "" if base == state else f", whose data is in {base}: their user cannot enter {state}"


def prepared(arguments: list[str]) -> str:
    """Migrations, the demo; tells who can log in."""
    command = [sys.executable, "manage.py", "prepare", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **from_us(STATE))
    if done.returncode:
        raise Failure("The database could not be prepared; the reason is above.")
    return done.stdout


def programs(host: str, port: int) -> dict[str, list[str]]:
    celery = ["celery", "--quiet", "-A", "hospital.celery:app"]
    return {
        "web": ["manage", "serve", "--host", host, "--port", str(port)],
        "worker": [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"],
        "beat": [*celery, "beat"],
    }


def pulses() -> dict[str, Pulse]:
    """The beat asks for it every ten seconds, and the worker does it."""
    return {name: Pulse(settings.WORKER_PULSE, DEAF_SECONDS) for name in ("worker", "beat")}


def refuse_taken_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port), family=family_of(host)).close()
    except OSError as error:
        advice = "Choose another one: bin/run --port N"
        raise Failure(f"Port {port} on {host} is not free ({error.strerror}). {advice}") from error


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def address_of(host: str, port: int) -> str:
    named = local(host)
    return f"http://[{named}]:{port}/" if ":" in named else f"http://{named}:{port}/"


def local(host: str) -> str:
    """Where a listener on `host` can be reached from this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return {4: "127.0.0.1", 6: "::1"}[address.version] if address.is_unspecified else host


def answers(host: str, port: int) -> bool:
    """The web serves a request that comes as it would from the proxy."""
    connection = http.client.HTTPConnection(local(host), port, timeout=2)
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    try:
        connection.request(
            "GET", "/healthz", headers={"Host": (names or ["localhost"])[0], "X-Forwarded-Proto": "https"}
        )
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
