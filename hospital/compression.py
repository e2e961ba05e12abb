"""Pages and static files go compressed over the wire, with no proxy in front.

A compressed page can tell, by its length, whether it repeats what an attacker put into the address (BREACH). What
would be worth guessing is different in each answer (the CSRF token is masked anew), random bytes blur the length, and
the session's cookie does not go with requests that other sites make. Static files hold no secret: they are packed
tighter, once, and remembered. In production WhiteNoise has packed them before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeGuard, cast

import brotli
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

TEXT = ("text/", "application/json", "application/javascript", "image/svg+xml")
TAKES_BROTLI = re.compile(r"\bbr\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|\Z))")


class Compress(GZipMiddleware):
    """Text only: fonts, pictures and documents are packed already."""

    max_random_bytes = 100

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith(TEXT):
            return response
        if is_plain_file(response, request) and TAKES_BROTLI.search(request.headers.get("Accept-Encoding", "")):
            return with_brotli(response)
        return super().process_response(request, cast(HttpResponse, response))


def is_plain_file(response: HttpResponseBase, request: HttpRequest) -> TypeGuard[StreamingHttpResponse]:
    """A static file as a whole."""
    whole = request.method == "GET" and response.status_code == 200 and isinstance(response, StreamingHttpResponse)
    return whole and request.path_info.startswith(settings.STATIC_URL) and not response.has_header("Content-Encoding")


def with_brotli(response: StreamingHttpResponse) -> StreamingHttpResponse:
    packed = pack(b"".join(cast(Iterator[bytes], response.streaming_content)))
    response.streaming_content = [packed]
    response.headers["Content-Encoding"], response.headers["Content-Length"] = "br", str(len(packed))
    patch_vary_headers(response, ("Accept-Encoding",))
    return response


@lru_cache(maxsize=64)
def pack(content: bytes) -> bytes:
    return brotli.compress(content, quality=9)
