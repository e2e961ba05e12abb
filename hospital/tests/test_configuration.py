"""What the documents say about the environment is what the settings read."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

READ = re.compile(r"\b(?:env(?:\.\w+)?|database)\(\s*\"([A-Z_0-9]+)\"")
SECRET = "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQ"


def read_by_settings() -> set[str]:
    return set(READ.findall((settings.BASE_DIR / "hospital" / "settings.py").read_text()))


def test_every_variable_is_explained():
    explained = set(re.findall(r"`([A-Z][A-Z_0-9]+)`", (settings.BASE_DIR / "docs" / "configuration.md").read_text()))
    assert read_by_settings() - explained == set()


def test_the_example_names_only_variables_that_exist():
    example = (settings.BASE_DIR / ".env.example").read_text()
    assert set(re.findall(r"^#?([A-Z_0-9]+)=", example, re.MULTILINE)) - read_by_settings() == set()


def test_production_does_not_start_without_a_secret_key():
    assert "DJANGO_SECRET_KEY" in said_in_production({})


@pytest.mark.parametrize("unsafe", [{"DJANGO_SECRET_KEY": "short"}, {"DJANGO_ALLOWED_HOSTS": ""}])
def test_production_does_not_pass_its_checks_with_an_unsafe_setting(unsafe):
    safe = {"DJANGO_SECRET_KEY": SECRET, "DJANGO_ALLOWED_HOSTS": "hospital.example"}
    assert "no issues" in said_in_production(safe)
    assert "no issues" not in said_in_production(safe | unsafe)


def test_debug_pages_cannot_be_turned_on_in_production():
    code = "from django.conf import settings; print(settings.DEBUG)"
    assert (
        said_in_production({"DJANGO_SECRET_KEY": SECRET, "DJANGO_DEBUG": "true"}, "shell", "--no-imports", "-c", code)
        == "False\n"
    )


def test_behind_the_proxy_attempts_to_log_in_are_counted_by_the_address_that_it_tells():
    code = """
from django.test import RequestFactory
from allauth.core.internal.httpkit import get_client_ip
print(get_client_ip(RequestFactory().get("/", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})))
"""
    said = said_in_production({"DJANGO_SECRET_KEY": SECRET}, "shell", "--no-imports", "-c", code)
    assert said == "203.0.113.7\n"


def test_an_environment_that_is_neither_is_refused_in_words():
    said = said_in_production({"DJANGO_ENV": "prod"})
    assert "It must be “development” or “production”." in said


def said_in_production(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *(command or ("check", "--deploy"))],
        cwd=settings.BASE_DIR,
        env={"DJANGO_ENV": "production", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout
