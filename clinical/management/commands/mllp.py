"""`manage.py mllp --port N [--host ADDRESS] [--tenant SLUG] …`"""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from clinical.hl7.mllp import Limits, Listener
from clinical.hl7.routes import Routes
from clinical.management.commands.hl7 import organisation

STANDARD = Limits()


class Command(BaseCommand):
    help = (
        "Listens for HL7 v2 messages (MLLP). Each is stored before it is answered. Without --tenant, the sender's row "
        "says for which organisation it is (manage.py hl7_sender). No encryption: put a proxy that ends TLS before it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
        parser.add_argument("--tenant", metavar="SLUG", default="")
        parser.add_argument("--tests", action="store_true", help="apply messages that are marked as a test, too")
        parser.add_argument("--max-bytes", type=int, default=STANDARD.message_bytes)
        parser.add_argument("--max-connections", type=int, default=STANDARD.connections)
        parser.add_argument("--frame-seconds", type=float, default=STANDARD.frame_seconds)
        parser.add_argument("--idle-seconds", type=float, default=STANDARD.idle_seconds)

    def handle(self, *, port: int, host: str, tenant: str, tests: bool, **options: Any) -> None:
        limits = Limits(
            message_bytes=options["max_bytes"],
            connections=options["max_connections"],
            frame_seconds=options["frame_seconds"],
            idle_seconds=options["idle_seconds"],
        )
        routes = Routes(organisation(tenant) if tenant else None)
        asyncio.run(self._serve(Listener(routes, limits, tests=tests), host, port))

    async def _serve(self, listener: Listener, host: str, port: int) -> None:
        """Until SIGTERM or Ctrl-C."""
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        server = await listener.start(host, port)
        self.stdout.write(f"listening on {host}:{server.sockets[0].getsockname()[1]}")
        self.stdout.flush()
        async with server:
            await ended.wait()
