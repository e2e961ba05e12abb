"""daphne, with what the hub and a rolling restart need: finished frames straight to the socket, limits, an orderly end.

The only place that touches the inside of daphne, autobahn and Twisted; their versions are pinned, and
realtime/tests/test_server.py reads the frames back.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted import internet
from twisted.internet import tcp

from hospital.middleware import ROOM_FOR_FIELDS
from realtime.limits import BYTES
from realtime.outlet import EXTENSION

reactor: Any = internet.reactor  # daphne has installed it
BACKLOG = 4096  # a thousand pages that come back at once overflow daphne's 50
HANDSHAKE = 20  # seconds
RESTART, NOT_OURS = 1012, 1008
LINGER = 1.0  # after the last request: the proxy may just be sending another on a connection that it kept
LOOK_EVERY = 0.05
PROTOCOL = "sec-websocket-protocol"
LARGEST = settings.UPLOAD_LIMIT + ROOM_FOR_FIELDS
WORDS = b"This is larger than what may be sent at once. Nothing was kept. Send smaller files, or fewer."
TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
    % (
        len(WORDS),
        WORDS,
    )
)
TEXT, MASKED, SHORT = 0x81, 0x80, 126


class FrameProtocol(WebSocketProtocol):
    send: Callable[[bytes], int] | None = None  # into the kernel, without a turn of the reactor; not through TLS
    hear: Callable[[str | None], None] | None = None  # told what the client says, without a turn of the event loop

    def put(self, frame: bytes) -> int:
        """Write a finished frame; how many bytes are still queued in this process."""
        if self.state != self.STATE_OPEN:
            return 0
        transport, send = self.transport, self.send
        if send is None or transport.dataBuffer or transport._tempDataBuffer or self.send_queue:
            transport.write(frame)
            return self.queued()
        try:
            sent = send(frame)
        except BlockingIOError:
            sent = 0
        except OSError:  # cut off: the reactor reads it too, and cleans up
            return 0
        if sent == len(frame):
            return 0
        transport.write(frame[sent:])
        return len(frame) - sent

    def queued(self) -> int:
        transport = self.transport
        return transport._tempDataLen + len(transport.dataBuffer) - transport.offset if self.send else 0

    def close(self, code: int) -> None:
        """Not a frame follows it. A client that does not answer is cut off after a second."""
        self.sendCloseFrame(code=code)

    def abort(self) -> None:
        self.transport.abortConnection()

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=code or 1000)

    def onConnect(self, request: Any) -> Any:
        """daphne answers 500 to what it cannot read as ASCII. We have no use for it."""
        unread = [name for name, value in request.headers.items() if not (name + value * (name == PROTOCOL)).isascii()]
        for name in unread:
            del request.headers[name]
        return super().onConnect(request)

    def onOpen(self) -> None:
        super().onOpen()
        self.send = self.transport.socket.send if isinstance(self.transport, tcp.Connection) else None
        self.forget_handshake()
        if self.server.is_leaving:
            self.close(RESTART)

    def forget_handshake(self) -> None:
        """What came with it would be kept as long as the socket is open: the headers, and the HTTP side of the connection."""
        self.transport.unregisterProducer()
        self.request.headers.clear()
        self.http_headers.clear()
        self.clean_headers.clear()
        self.http_request_data = b""

    def dataReceived(self, data: bytes) -> None:
        """What pages send most, a short text in one piece, need not go through the whole state machine."""
        if self.state == self.STATE_OPEN and self.current_frame is None and not (self.data or self.inside_message):
            text = short_text(data)
            if text is not None:
                self.onMessage(text, False)
                return
        super().dataReceived(data)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.state != self.STATE_OPEN:
            return
        if self.hear is None or self.muted:
            super().onMessage(payload, isBinary)
        else:
            self.hear(None if isBinary else payload.decode())

    def listen(self, hear: Callable[[str | None], None]) -> None:
        self.hear = hear

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self.hear = None
        super().onClose(wasClean, code, reason)

    def onMessageFrameBegin(self, length: int) -> None:
        if not (self.current_frame.fin or self.failedByMe):
            self._fail_connection(NOT_OURS, "fragments")
        super().onMessageFrameBegin(length)

    def onPing(self, payload: bytes) -> None:
        """One who asks and does not read gets no answers to be kept for him."""
        if not self.queued():
            super().onPing(payload)

    def _invalid_payload(self, reason: str) -> bool:
        self._fail_connection(NOT_OURS, reason)
        return False


def short_text(data: bytes) -> bytes | None:
    """The text of exactly one short masked frame (RFC 6455, section 5.2), or None if it is anything else."""
    if len(data) < 6 or data[0] != TEXT or not data[1] & MASKED:
        return None
    size = data[1] & ~MASKED
    if size >= SHORT or len(data) != 6 + size:
        return None
    mask = int.from_bytes((data[2:6] * (size // 4 + 1))[:size], "big")
    text = (int.from_bytes(data[6:], "big") ^ mask).to_bytes(size, "big")
    return text if text.isascii() else None


class LimitedRequest(WebRequest):
    """daphne keeps a body on the disk, and then all of it in memory, before anybody is asked. What is too large ends here."""

    taken, is_refused = 0, False

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if length is not None and length > LARGEST:
            self.refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Also what says no length beforehand, or another one than it has."""
        self.taken += len(data)
        if self.taken > LARGEST and not self.is_refused:
            self.refuse()
        if not self.is_refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        return None if self.is_refused else super().process()

    def refuse(self) -> None:
        self.is_refused = True
        self.channel.transport.write(TOO_LARGE)
        self.channel.loseConnection()


class FrameServer(Server):
    def __init__(self, application: Any, endpoints: list[str], *, grace: float, websocket_timeout: int) -> None:
        super().__init__(
            application,
            endpoints,
            verbosity=0,
            websocket_timeout=websocket_timeout,
            websocket_connect_timeout=HANDSHAKE,
            websocket_handshake_timeout=HANDSHAKE,
            websocket_max_message_size=BYTES,
            websocket_max_frame_size=BYTES,
            ready_callable=self.prepare,
        )
        self.grace = grace
        self.ports: list[Any] = []
        self.is_leaving = False

    def prepare(self) -> None:
        self.ws_factory.protocol = FrameProtocol
        build = self.http_factory.buildProtocol
        self.http_factory.buildProtocol = lambda address: limited(build(address))
        self.ws_factory.setProtocolOptions(failByDrop=False)  # a client that breaks a rule learns which
        reactor.callWhenRunning(signal.signal, signal.SIGTERM, self.on_signal)

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self.ports.append(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            offered = {
                "write": protocol.put,
                "queued": protocol.queued,
                "close": protocol.close,
                "abort": protocol.abort,
                "listen": protocol.listen,
            }
            scope["extensions"] = {EXTENSION: offered}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if self.is_leaving and message["type"] == "http.response.start" and protocol.channel is not None:
            protocol.channel.persistent = False
            protocol.setHeader(b"connection", b"close")
        await super().handle_reply(protocol, message)

    def on_signal(self, number: int, frame: Any) -> None:
        reactor.callFromThread(self.leave)

    def leave(self) -> None:
        """Take nobody in any more, send the pages elsewhere, let running requests finish. The second time, at once."""
        if self.is_leaving:
            self.stop()
            return
        self.is_leaving = True
        for port in self.ports:
            port.stopListening()
        for protocol in list(self.connections):
            if isinstance(protocol, FrameProtocol) and protocol.state == protocol.STATE_OPEN:
                protocol.close(RESTART)
        self.last_busy = time.monotonic()
        self.leave_by = self.last_busy + self.grace
        self.stop_when_done()

    def stop_when_done(self) -> None:
        now = time.monotonic()
        if any(is_request(protocol) and "disconnected" not in of for protocol, of in self.connections.items()):
            self.last_busy = now
        lingers = any(isinstance(reader, tcp.Connection) for reader in reactor.getReaders())
        if not lingers or now > min(self.leave_by, self.last_busy + LINGER):
            self.stop()
        else:
            reactor.callLater(LOOK_EVERY, self.stop_when_done)


def limited(channel: Any) -> Any:
    channel.requestFactory = LimitedRequest
    return channel


def is_request(protocol: Any) -> bool:
    return not isinstance(protocol, WebSocketProtocol)


def endpoints(*, host: str, port: int, unix_socket: str, fd: int | None) -> list[str]:
    """Where to listen, as Twisted spells it."""
    if fd is not None:
        return build_endpoint_description_strings(file_descriptor=fd)
    if unix_socket:
        where = build_endpoint_description_strings(unix_socket=unix_socket)
    else:
        where = build_endpoint_description_strings(host=host, port=port)
    return [f"{one}:backlog={BACKLOG}" for one in where]
