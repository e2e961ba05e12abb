"""Where pytest looks for what all apps share: it takes plugins from this place only."""

pytest_plugins = ["hospital.tests.fixtures", "hospital.tests.browser", "realtime.tests.server"]
