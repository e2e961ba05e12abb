"""The web server: pages and sockets."""

import gc
import sys
from typing import Any

from daphne.utils import import_by_path
from django.core.management.base import BaseCommand, CommandParser

from realtime.server import FrameServer, endpoints

SWITCH = 0.0005  # seconds: the loop that writes to sockets does not wait long for a thread that renders a page
GARBAGE = (10_000, 20, 20)  # a collection looks at what each of thousands of sockets holds: not at every turn


class Command(BaseCommand):
    help = "Serve pages and sockets. SIGTERM ends it in order: sockets go elsewhere, running requests finish."
    requires_system_checks: list[str] = []  # `manage.py prepare` runs them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--unix-socket", default="", help="listen there instead")
        parser.add_argument("--fd", type=int, help="listen on this file descriptor instead")
        parser.add_argument("--grace", type=float, default=8.0, help="seconds for running requests after SIGTERM")
        parser.add_argument("--websocket-timeout", type=int, default=86400, help="seconds that a socket may be open")
        parser.add_argument("--application", default="hospital.asgi:application", help="another ASGI application")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.setswitchinterval(SWITCH)
        gc.set_threshold(*GARBAGE)
        application = import_by_path(options["application"])
        where = endpoints(**{name: options[name] for name in ("host", "port", "unix_socket", "fd")})
        gc.freeze()
        FrameServer(application, where, grace=options["grace"], websocket_timeout=options["websocket_timeout"]).run()
