"""Django's requests on threads that live on.

Its own ASGI handler makes a thread, and in it every database connection object, anew for each request, and changes
threads for each signal. Here a request is one piece of work for one thread: a quarter of the cost of a small page.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, cast

import django
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.urls import set_script_prefix

# Far more than connections to the database: whoever finds none of those free is refused after a while, and must not queue here.
THREADS = 128
PATIENCE = 60.0  # seconds for one piece of a long answer
Message = dict[str, Any]


class Handler(ASGIHandler):
    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")

    async def __call__(self, scope: Message, receive: Callable, send: Callable[[Message], Coroutine]) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        loop = asyncio.get_running_loop()

        def say(message: Message) -> None:
            asyncio.run_coroutine_threadsafe(send(message), loop).result(PATIENCE)

        here = contextvars.copy_context()
        work = functools.partial(here.run, self.answer, scope, body, say)
        for message in await loop.run_in_executor(self.threads, work):
            await send(message)

    def answer(self, scope: Message, body: IO[bytes], say: Callable[[Message], None]) -> list[Message]:
        """The whole request. What is short is returned, and what is read bit by bit is said as it is read."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        with body:
            request, refusal = self.create_request(scope, body)
            response = self.get_response(request) if request is not None else cast(HttpResponse, refusal)
            try:
                messages = self.messages_of(response)
                if not response.streaming:
                    return list(messages)
                for message in messages:
                    say(message)
                return []
            finally:
                response.close()

    def messages_of(self, response: HttpResponseBase) -> Iterator[Message]:
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
        cookies = [cookie.output(header="").strip().encode("ascii") for cookie in response.cookies.values()]
        headers += [(b"Set-Cookie", cookie) for cookie in cookies]
        yield {"type": "http.response.start", "status": response.status_code, "headers": headers}
        if isinstance(response, HttpResponse):
            yield {"type": "http.response.body", "body": response.content}
            return
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        for part in response:
            yield {"type": "http.response.body", "body": part, "more_body": True}
        yield {"type": "http.response.body"}


def http_application() -> Handler:
    django.setup(set_prefix=False)
    return Handler()
