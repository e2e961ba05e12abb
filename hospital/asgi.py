"""HTTP goes to Django, sockets to the one live consumer."""

import os

from channels.routing import ProtocolTypeRouter

from hospital.db.patience import hurry
from hospital.handler import http_application


def composed() -> ProtocolTypeRouter:
    """The sockets' side imports models, so HTTP's, which loads them, is made first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hospital.settings")
    http = http_application()
    from realtime.routing import sockets

    hurry()
    return ProtocolTypeRouter({"http": http, "websocket": sockets})


application = composed()
