from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_save


class RealtimeConfig(AppConfig):
    name = "realtime"

    def ready(self) -> None:
        from realtime import checks, signals
        from realtime.catalogue import catalogue

        catalogue.discover()
        import_module("realtime.alerts.letters")  # says how its letter is worded
        checks.register_all()
        post_save.connect(signals.on_save, dispatch_uid="realtime")
