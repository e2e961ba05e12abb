"""What tests file lies in a folder of this worker: others that run beside it do not see it, and nothing is left."""

from __future__ import annotations

from django.conf import settings
from django.core.files.storage import default_storage


def test_the_storage_is_the_folder_of_this_run():
    assert default_storage.location == settings.STORAGES["default"]["OPTIONS"]["location"]
    assert not default_storage.location.startswith(str(settings.STATE_DIR))
