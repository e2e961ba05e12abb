"""Where pytest looks for what all apps share. Loaded in any other way, `django_db_setup` would be pytest-django's own."""

pytest_plugins = ["hospital.tests.fixtures", "hospital.tests.browser", "realtime.tests.server"]
