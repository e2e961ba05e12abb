"""What a camera writes into a picture besides the picture: where it was taken, by which phone, a small copy. It stays outside.

Nothing is encoded anew: segments and chunks that carry such things are left out, and of them only the orientation is
written again. What stands behind the end of a JPEG is left out too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

from django.core.files import File
from django.core.files.uploadedfile import TemporaryUploadedFile
from PIL import Image, UnidentifiedImageError

from clinical import filetypes

PIECE = 64 * 1024
ORIENTATION, GPS, XMP = 0x0112, 0x8825, 0x02BC
KEPT_SEGMENTS = {0xE0, 0xE2, 0xEE}  # JFIF, colour profile, Adobe's colours
DROPPED_CHUNKS = {b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME"}
DROPPED_PARTS = {b"EXIF", b"XMP "}
EXIF_AND_XMP = 0b00001100  # the flags of a WebP picture that announce them


def without_traces(file: File, kind: filetypes.FileType) -> File:
    """The same picture without what says where and by whom; any other file as it is. Refused where it cannot be taken out."""
    clean = CLEANERS.get(kind)
    if clean is None:
        return file
    file.seek(0)
    turned = orientation(file)
    file.seek(0)
    target = TemporaryUploadedFile(file.name or "", kind.mime, 0, None)
    for piece in clean(file, turned):
        target.write(piece)
    target.seek(0)
    return File(target.file, name=file.name)  # without its path, by which the storage would move it away


def orientation(file: IO[bytes]) -> int:
    """1 is upright, and what every picture without the note is."""
    found = exif_of(file).get(ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def exif_of(file: IO[bytes]) -> Image.Exif:
    try:
        with Image.open(file) as picture:
            return picture.getexif()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Image.Exif()


def noted(turned: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = turned
    return exif.tobytes()


def jpeg(file: IO[bytes], turned: int) -> Iterator[bytes]:
    yield file.read(2)
    if turned != 1:
        body = noted(turned)
        yield b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    while (head := file.read(4)) and head[:2] != b"\xff\xd9":
        if head[:2] == b"\xff\xff":  # filling before a marker
            file.seek(1 - len(head), 1)
            continue
        yield from segment(file, head)
    yield b"\xff\xd9"


def segment(file: IO[bytes], head: bytes) -> Iterator[bytes]:
    if len(head) < 4 or head[0] != 0xFF:
        raise filetypes.refusal("The JPEG picture", "is damaged")
    marker, length = head[1], struct.unpack(">H", head[2:])[0]
    body = file.read(length - 2)
    if is_picture(marker, body):
        yield head + body
    if marker == 0xDA:
        yield from scanned(file)


def is_picture(marker: int, body: bytes) -> bool:
    """Not a comment, and not a note of a program, except of those that say how the colours are meant."""
    if marker in KEPT_SEGMENTS:
        return not body.startswith(b"MPF\0")
    return marker not in range(0xE0, 0xF0) and marker != 0xFE


def scanned(file: IO[bytes]) -> Iterator[bytes]:
    """The packed picture up to the next marker, before which the file is left."""
    while piece := file.read(PIECE):
        if piece.endswith(b"\xff"):
            piece += file.read(1)
        at = next_marker(piece)
        if at >= 0:
            file.seek(at - len(piece), 1)
            yield piece[:at]
            return
        yield piece


def next_marker(piece: bytes) -> int:
    at = piece.find(b"\xff")
    while 0 <= at < len(piece) - 1:
        if piece[at + 1] not in (0, 0xFF) and piece[at + 1] not in range(0xD0, 0xD8):
            return at
        at = piece.find(b"\xff", at + 1)
    return -1


def png(file: IO[bytes], turned: int) -> Iterator[bytes]:
    yield file.read(8)
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I", head[:4])[0], head[4:]
        if name in DROPPED_CHUNKS:
            file.seek(length + 4, 1)
        else:
            yield head
            yield from pieces(file, length + 4)
        if name == b"IEND":
            return


def webp(file: IO[bytes], turned: int) -> Iterator[bytes]:
    kept: list[bytes] = []
    file.seek(12)
    while len(head := file.read(8)) == 8:
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        body = b"".join(pieces(file, length + length % 2))
        if name == b"VP8X" and body:
            body = bytes([body[0] & ~EXIF_AND_XMP]) + body[1:]
        if name not in DROPPED_PARTS:
            kept.append(head + body)
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, kept))) + b"WEBP"
    yield from kept


def tiff(file: IO[bytes], turned: int) -> Iterator[bytes]:
    notes = exif_of(file)
    if GPS in notes or b"GPSLatitude" in bytes(notes.get(XMP, b"")):
        raise filetypes.refusal("The TIFF picture", "says where it was taken. Save it as JPEG or PNG, and send that")
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def pieces(file: IO[bytes], length: int) -> Iterator[bytes]:
    while length and (piece := file.read(min(PIECE, length))):
        length -= len(piece)
        yield piece


CLEANERS = {filetypes.JPEG: jpeg, filetypes.PNG: png, filetypes.WEBP: webp, filetypes.TIFF: tiff}
