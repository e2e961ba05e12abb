"""Small files of each kind, good and bad, and a virus scanner that knows one word."""

from __future__ import annotations

import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

VIRUS = b"a very bad thing"


def upload(content: bytes, name: str = "report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def pdf(*objects: bytes) -> bytes:
    return b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" + b"\n".join(objects) + b"\n%%EOF\n"


def object_stream(content: bytes, dictionary: bytes = b"/Filter /FlateDecode") -> bytes:
    packed = zlib.compress(content) if b"Flate" in dictionary else content
    return b"5 0 obj\n<< /Type /ObjStm /N 1 " + dictionary + b" >>\nstream\n" + packed + b"\nendstream\nendobj"


def png(width: int = 1, height: int = 1, tail: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"") + tail


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def jpeg(width: int = 8, height: int = 8) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0"
        + struct.pack(">H", 2 + len(frame))
        + frame
        + b"\xff\xd9"
    )


def gif(size: bytes = b"\x01\0\x01\0", tail: bytes = b"\x3b") -> bytes:
    return b"GIF89a" + size + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0" + tail


def dicom(preamble: bytes = b"") -> bytes:
    return preamble.ljust(128, b"\0") + b"DICM" + b"\x02\0\0\0UL\x04\0\0\0\0\0"


@contextmanager
def clamd(folder: Path, answer: bytes | None = None) -> Iterator[str]:
    """A scanner on a socket that speaks INSTREAM: it finds VIRUS, or says what it is told to. Yields its address."""
    path = folder / "clamd.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=_serve, args=(server, answer), daemon=True)
        thread.start()
        yield str(path)
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _serve(server: socket.socket, answer: bytes | None) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            content = _read_stream(line)
            line.sendall(answer or (b"stream: Test.Bad FOUND\0" if VIRUS in content else b"stream: OK\0"))


def _read_stream(line: socket.socket) -> bytes:
    reader = line.makefile("rb")
    assert reader.read(10) == b"zINSTREAM\0"
    content = b""
    while length := struct.unpack("!I", reader.read(4))[0]:
        content += reader.read(length)
    return content
