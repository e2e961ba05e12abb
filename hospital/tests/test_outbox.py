"""An e-mail that was promised in a transaction is sent: once, or if something dies in between, once more; never never."""

from __future__ import annotations

import socketserver
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from hospital import outbox
from hospital.models import AuditEntry, Invitation, Letter, Role
from hospital.models.letter import MOST_ATTEMPTS
from realtime.tests.server import ROOT, environment_of_run, free_port


class Post(socketserver.ThreadingTCPServer):
    """A server of mail: takes what it is given; `refuses` while it is out of order."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int) -> None:
        self.letters: list[str] = []
        self.refuses = False
        super().__init__(("127.0.0.1", port), Talk)


class Talk(socketserver.StreamRequestHandler):
    server: Post

    def handle(self) -> None:
        self.say("220 ready")
        for raw in self.rfile:
            word = raw.decode().upper().split(":")[0].split()[0]
            if word == "DATA":
                self.take()
            elif word == "QUIT":
                return self.say("221 bye")
            else:
                self.say("451 out of order" if word == "MAIL" and self.server.refuses else "250 ok")
        return None

    def take(self) -> None:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        self.server.letters.append("\n".join(lines))
        self.say("250 taken")

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture
def post() -> Iterator[Post]:
    with Post(free_port()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=server.server_address[1],
        ):
            yield server
        server.shutdown()


def invited(hospital, name: str = "nadia") -> Letter:
    with hospital.acting():
        email = f"{name}@{hospital.mark}.example"
        invitation, _ = Invitation.issue(email=email, name="Nadia", role=Role.objects.get(key="pharmacy"), by=None)
        return Letter.post("invitation", about=invitation.pk, to=email, site="https://hospital.example")


def now(hospital, letter: Letter) -> Letter:
    with hospital.acting():
        return Letter.objects.get(pk=letter.pk)


def of(post: Post, hospital) -> list[str]:
    return [letter for letter in post.letters if hospital.mark in letter]


def test_a_letter_is_sent_once_with_its_own_id(alpha, post, capsys):
    letter = invited(alpha)
    call_command("send_mail_outbox")
    call_command("send_mail_outbox")
    [sent] = of(post, alpha)
    assert f"Message-ID: <{letter.pk}@hospital.example>" in sent
    assert "https://hospital.example/accounts/invitation/" in sent.replace("=\n", "")
    assert (now(alpha, letter).state, now(alpha, letter).attempts) == ("sent", 1)


def test_what_is_rolled_back_sends_no_letter(alpha, post):
    with pytest.raises(ZeroDivisionError), alpha.acting():
        Letter.post("invitation", about=uuid.uuid4(), to=f"x@{alpha.mark}.example")
        _ = 1 / 0
    outbox.send_all()
    assert of(post, alpha) == []


def test_while_the_server_of_mail_is_out_of_order_the_letter_waits_longer_each_time(alpha, post):
    letter, start = invited(alpha), timezone.now()
    post.refuses = True
    outbox.send_all(start)
    outbox.send_all(start + timedelta(seconds=50))
    assert now(alpha, letter).attempts == 1 and "451" in now(alpha, letter).error
    outbox.send_all(start + timedelta(seconds=61))
    outbox.send_all(start + timedelta(seconds=150))
    assert now(alpha, letter).attempts == 2
    post.refuses = False
    outbox.send_all(start + timedelta(seconds=190))
    assert (now(alpha, letter).state, len(of(post, alpha))) == ("sent", 1)


def test_a_server_that_is_not_there_at_all_is_an_attempt_too(alpha):
    letter = invited(alpha)
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=free_port()
    ):
        outbox.send_all()
    assert (now(alpha, letter).state, now(alpha, letter).attempts) == ("waiting", 1)


def test_after_so_many_attempts_it_has_failed_visibly_and_can_be_tried_again_by_hand(alpha, post):
    letter, at = invited(alpha), timezone.now()
    post.refuses = True
    for _ in range(MOST_ATTEMPTS + 2):
        outbox.send_all(at)
        at += timedelta(days=1)
    assert (now(alpha, letter).state, now(alpha, letter).attempts) == ("failed", MOST_ATTEMPTS)
    client, url = alpha.client("admin"), f"{alpha.url}/admin/hospital/letter/"
    assert b"Failed" in client.get(f"{url}?state__exact=failed").content
    post.refuses = False
    client.post(url, {"action": "try_again", "_selected_action": [str(letter.pk)]})
    outbox.send_all()
    assert now(alpha, letter).state == "sent"


def test_one_hospital_neither_sees_nor_sends_again_what_is_anothers(alpha, beta):
    letter = invited(alpha)
    page = beta.client("admin").get(f"{beta.url}/admin/hospital/letter/").content.decode()
    assert letter.to not in page
    assert beta.client("admin").get(f"{beta.url}/admin/hospital/letter/{letter.pk}/change/").status_code == 302


def test_a_sender_that_died_in_its_attempt_leaves_the_letter_to_the_next(alpha, post):
    letter, start = invited(alpha), timezone.now()
    assert outbox.claimed(alpha.tenant, start).pk == letter.pk  # and nothing after that
    outbox.send_all(start + timedelta(seconds=30))
    assert of(post, alpha) == []
    outbox.send_all(start + timedelta(seconds=61))
    assert len(of(post, alpha)) == 1


def test_many_senders_at_once_in_processes_of_their_own_send_each_letter_once(alpha, post):
    letters = [invited(alpha, f"nadia{number}") for number in range(8)]
    environment = environment_of_run() | {"EMAIL_URL": f"smtp://127.0.0.1:{post.server_address[1]}"}
    running = [
        subprocess.Popen(
            [sys.executable, "manage.py", "send_mail_outbox"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=240)[0].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outputs
    assert len(of(post, alpha)) == 8 and {now(alpha, letter).attempts for letter in letters} == {1}


def test_a_letter_that_is_no_longer_needed_is_not_sent(alpha, post):
    letter = invited(alpha)
    with alpha.acting():
        Invitation.objects.get(pk=letter.about).withdraw()
    outbox.send_all()
    assert (now(alpha, letter).state, of(post, alpha)) == ("needless", [])


def about_nothing(hospital, kind: str) -> Letter:
    with hospital.acting():
        return Letter.post(kind, about=uuid.uuid4(), to=f"nobody@{hospital.mark}.example")


@pytest.mark.parametrize("kind", ["alert", "invitation", "of no known kind"])
def test_a_letter_that_cannot_be_written_fails_by_itself_and_the_others_are_sent(alpha, beta, post, kind):
    bad, letters, at = about_nothing(alpha, kind), [(alpha, invited(alpha)), (beta, invited(beta))], timezone.now()
    outbox.send_all()
    assert [now(house, letter).state for house, letter in letters] == ["sent", "sent"]
    assert now(alpha, bad).state == "waiting" and now(alpha, bad).error
    for day in range(1, MOST_ATTEMPTS):
        outbox.send_all(at + timedelta(days=day))
    assert (now(alpha, bad).state, now(alpha, bad).attempts) == ("failed", MOST_ATTEMPTS)


def test_what_the_database_refuses_is_noted_without_the_values_of_the_row(alpha, post):
    @outbox.writes("refused")
    def words(letter: Letter) -> outbox.Words:
        Letter.objects.create(pk=letter.pk, kind="copy", about=letter.pk, to="secret@example.com")
        raise AssertionError

    try:
        letter, other = about_nothing(alpha, "refused"), invited(alpha)
        outbox.send_all()
    finally:
        del outbox.WRITERS["refused"]
    assert (
        now(alpha, letter).error.startswith("IntegrityError: duplicate key")
        and "DETAIL" not in now(alpha, letter).error
    )
    assert now(alpha, other).state == "sent"


def test_a_hospital_whose_letter_is_taken_away_while_it_is_sent_stops_no_other(alpha, beta, post):
    @outbox.writes("vanishing")
    def words(letter: Letter) -> outbox.Words:
        Letter.objects.filter(pk=letter.pk).delete()
        return outbox.Words("Subject", "Body")

    try:
        vanishing = [(house, about_nothing(house, "vanishing")) for house in (alpha, beta)]
        outbox.send_all()
    finally:
        del outbox.WRITERS["vanishing"]
    for house, letter in vanishing:
        with house.acting():
            assert not Letter.objects.filter(pk=letter.pk).exists()


def test_no_text_of_a_letter_is_stored(alpha, post):
    letter = invited(alpha)
    outbox.send_all()
    secret = of(post, alpha)[0].replace("=\n", "").partition("/invitation/")[2].split("/")[1]
    with alpha.acting():
        stored = str([*Letter.objects.values(), *Invitation.objects.values(), *AuditEntry.objects.values()])
    assert len(secret) > 40 and secret not in stored and str(letter.pk) in stored
