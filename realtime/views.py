from django.http import HttpResponse

from hospital.http import Request
from hospital.permits import MEMBER, permit


@permit(MEMBER)
def socket(request: Request) -> HttpResponse:
    """Plain HTTP at the socket's address: hospital.asgi sends WebSocket handshakes to realtime.routing."""
    words = "This address speaks WebSocket.\n"
    return HttpResponse(words, status=426, content_type="text/plain", headers={"Upgrade": "websocket"})
