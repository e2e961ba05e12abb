"""nginx in front of the servers, with the site of deploy/nginx.conf."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from realtime.tests.server import ROOT, free_port, wait_until

PROGRAM = os.environ.get("HOSPITAL_NGINX") or shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
MAIN = """\
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Front:
    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.folder, self.ports, self.port = folder, ports, free_port()
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        if PROGRAM is None:
            raise RuntimeError("nginx is missing: bin/faults and bin/test install it; or set HOSPITAL_NGINX.")
        user = "" if os.geteuid() else "user root;"
        (self.folder / "nginx.conf").write_text(MAIN.format(folder=self.folder, user=user))
        site = (ROOT / "deploy/nginx.conf").read_text()
        (self.folder / "site.conf").write_text(without_tls(site, self.port, self.ports, self.folder))
        command = [PROGRAM, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]
        self.process = subprocess.Popen(command)
        wait_until(self.listens, 20, "nginx did not start")

    def listens(self) -> bool:
        assert self.process is not None and self.process.poll() is None, "nginx ended"
        return (self.folder / "nginx.pid").exists()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


def without_tls(site: str, port: int, ports: list[int], folder: Path) -> str:
    """The real file, on a port of this machine: what it says about passing requests on stays as it is."""
    site = re.sub(r"server \{\s*listen 80;.*?\n\}\n", "", site, flags=re.DOTALL)
    site = re.sub(r"(?m)^\s*(ssl_\w+|listen \[::\]).*\n", "", site)
    site = site.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};").replace("<hospital.example>", "_")
    site = site.replace("/var/log/nginx/hospital.log", f"{folder}/access.log")
    site = site.replace("Host $host", "Host $http_host").replace("X-Forwarded-Proto https", "X-Forwarded-Proto http")
    for number, own in enumerate(ports):
        site = site.replace(f"127.0.0.1:{8000 + number}", f"127.0.0.1:{own}")
    return site
