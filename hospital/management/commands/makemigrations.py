from django.core.management.commands.makemigrations import Command as MakeMigrations

from hospital.db.autodetect import FencingAutodetector


class Command(MakeMigrations):
    autodetector = FencingAutodetector
