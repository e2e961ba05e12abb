from importlib import import_module

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from scheduling import receivers

        import_module("scheduling.letters")  # says how its letters are worded
        receivers.listen()
