import sys

from django.core.exceptions import ImproperlyConfigured

try:
    from hospital.supervisor.start import main
except ImproperlyConfigured as error:
    sys.exit(f"{error}. See docs/configuration.md.")

sys.exit(main(sys.argv[1:]))
