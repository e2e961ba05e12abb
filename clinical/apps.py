from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ClinicalConfig(AppConfig):
    name = "clinical"

    def ready(self) -> None:
        from clinical import privacy
        from clinical.merging import watch_tables

        privacy.install()
        post_migrate.connect(privacy.make_permission, sender=self, dispatch_uid="clinical.make_permission")
        post_migrate.connect(watch_tables, sender=self, dispatch_uid="clinical.watch_tables")
