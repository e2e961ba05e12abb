"""Where files are kept when there is no object store: a folder that no web server serves."""

from django.core.files.storage import FileSystemStorage


class PrivateFolder(FileSystemStorage):
    """Files have no address of their own: they are read through a view that checks and audits."""

    def __init__(self, location: str) -> None:
        super().__init__(
            location=location, base_url=None, file_permissions_mode=0o600, directory_permissions_mode=0o700
        )

    def url(self, name: str | None) -> str:
        raise ValueError("A private file has no address. Open it through its document.")
