"""HTTP goes to Django, sockets to the one live consumer."""

import os

from hospital.handler import http_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hospital.settings")
http = http_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  (models must be loaded first)

from hospital.db.patience import hurry  # noqa: E402
from realtime.routing import sockets  # noqa: E402

hurry()
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
