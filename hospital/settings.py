"""Every setting, and every environment variable, named once. See docs/configuration.md."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from hospital.embedded import Embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

ENVIRONMENT = env("DJANGO_ENV", default="development")
if ENVIRONMENT not in ("development", "production"):
    raise ImproperlyConfigured(f"DJANGO_ENV is “{ENVIRONMENT}”. It must be “development” or “production”.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DJANGO_DEBUG", default=False) and not PRODUCTION
SECRET_KEY = (
    env("DJANGO_SECRET_KEY")
    if PRODUCTION
    else env("DJANGO_SECRET_KEY", default="development-only-key-not-for-production-use-0123456789")
)
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_TRUSTED_ORIGINS", default=[])

# --- servers: embedded ones unless the environment names others -----------------------
STATE_DIR = Path(env("HOSPITAL_STATE", default=str(BASE_DIR / ".state")))
EMBEDDED = Embedded(STATE_DIR, postgres=not env("DATABASE_URL", default=""), valkey=not env("REDIS_URL", default=""))


def database(url_variable: str, role: str) -> dict:
    """One database, two roles: the owner migrates, the application does everything else."""
    entry: dict = env.db(url_variable) if env(url_variable, default="") else EMBEDDED.database(role)
    entry["HOST"] = unquote(entry.get("HOST", ""))  # a socket's folder is written %2Frun%2Fpostgresql in a URL
    return {
        **entry,
        "ENGINE": "hospital.db",
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # three ways to the server instead of one, for each choice in a form
        "CONN_HEALTH_CHECKS": True,  # the pool hands out no connection that died with a restarted server
        "OPTIONS": {**entry.get("OPTIONS", {}), "connect_timeout": 5},
    }


DATABASES = {
    "default": database("DATABASE_URL", "hospital_app"),
    "owner": database("DATABASE_OWNER_URL", "hospital_owner"),
}
# A pooled connection is handed back at the end of each request: persistent ones leak under ASGI.
DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": env.int("DATABASE_POOL_SIZE", default=20),
    "timeout": 5,
}
# What a page waits for, at most; then it answers 503. See hospital/db/patience.py.
DATABASE_LOCK_TIMEOUT = env.float("DATABASE_LOCK_TIMEOUT", default=3)
DATABASE_STATEMENT_TIMEOUT = env.float("DATABASE_STATEMENT_TIMEOUT", default=5)
DATABASE_ROUTERS = ["hospital.db.router.OwnerMigrates"]

REDIS_URL = env("REDIS_URL", default="") or EMBEDDED.redis_url
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py 8 defaults socket_timeout to 5 s, which breaks a subscription that is idle.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 1}],
            "prefix": env("REDIS_PREFIX", default="hospital"),
        },
    }
}
CACHES = {
    "default": {
        "BACKEND": "hospital.cache.Cache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": env("REDIS_PREFIX", default="hospital"),
        "OPTIONS": {"socket_connect_timeout": 0.25, "socket_timeout": 0.25},
    }
}

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="") or (env("REDIS_URL", default="") or EMBEDDED.broker_url)
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "global_keyprefix": env("REDIS_PREFIX", default="hospital") + ":",
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False  # letters on the console stand there as they are
CELERY_BEAT_SCHEDULE_FILENAME = str(STATE_DIR / "celerybeat-schedule")
WORKER_PULSE = STATE_DIR / "worker.pulse"
CELERY_BEAT_SCHEDULE = {
    "pulse": {"task": "hospital.tasks.pulse", "schedule": timedelta(seconds=10), "options": {"expires": 10}},
    "sweep-orphans": {"task": "clinical.tasks.sweep_orphans", "schedule": timedelta(hours=6)},
    "escalate": {
        "task": "realtime.tasks.escalate",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "send-mail-outbox": {
        "task": "hospital.tasks.send_mail_outbox",
        "schedule": timedelta(seconds=20),
        "options": {"expires": 20},
    },
    "scan-documents": {"task": "clinical.tasks.scan_waiting_documents", "schedule": timedelta(minutes=1)},
    "find-duplicates": {"task": "clinical.tasks.find_duplicates", "schedule": crontab(hour=2, minute=40)},
    # Every hour, because midnight is at another time in each hospital. What was noticed once is not told again.
    "watch-unsigned": {"task": "clinical.tasks.watch_unsigned", "schedule": crontab(minute="*/10")},
    "watch-biopsies": {"task": "clinical.tasks.watch_biopsies", "schedule": crontab(minute="*/10")},
    "watch-authorisations": {"task": "billing.tasks.watch_authorisations", "schedule": crontab(minute="*/10")},
    "watch-claims": {"task": "billing.tasks.watch_claims", "schedule": crontab(minute="*/10")},
    "write-claim-batches": {
        "task": "billing.tasks.write_claim_batches",
        "schedule": timedelta(seconds=10),
        "options": {"expires": 10},
    },
    "watch-expiry": {"task": "clinical.tasks.watch_expiry", "schedule": crontab(minute=5)},
    "mark-no-shows": {
        "task": "scheduling.tasks.mark_no_shows",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "end-holds": {"task": "scheduling.tasks.end_holds", "schedule": timedelta(seconds=15), "options": {"expires": 15}},
    "lapse-offers": {
        "task": "scheduling.tasks.lapse_offers",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "remind-patients": {
        "task": "scheduling.tasks.remind_patients",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    },
    "continue-imports": {
        "task": "scheduling.tasks.continue_imports",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "forget-form-keys": {"task": "hospital.tasks.forget_form_keys", "schedule": timedelta(hours=1)},
    "forget-orphan-grants": {"task": "hospital.tasks.forget_orphan_grants", "schedule": crontab(hour=2, minute=10)},
    "forget-events": {"task": "realtime.tasks.forget_events", "schedule": crontab(hour=2, minute=20)},
    "forget-letters": {"task": "hospital.tasks.forget_letters", "schedule": crontab(hour=2, minute=40)},
    "clearsessions": {"task": "hospital.tasks.clear_sessions", "schedule": timedelta(minutes=5)},
    "forget-auth-changes": {"task": "hospital.tasks.forget_auth_changes", "schedule": timedelta(hours=1)},
}

# --- applications ---------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "hospital.apps.HospitalAdminConfig",
    "channels",
    "django_htmx",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "storages",
    "hospital",
    "realtime",
    "clinical",
    "scheduling",
    "billing",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "hospital.compression.Compress",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "hospital.middleware.Address",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "hospital.sessions.Authentication",
    "hospital.sessions.Activity",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "hospital.middleware.Tenancy",
    "realtime.middleware.Cursor",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hospital.context_processors.frame",
            ],
        },
    }
]
ROOT_URLCONF = "hospital.urls"
ASGI_APPLICATION = "hospital.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people and sessions --------------------------------------------------------------
AUTH_USER_MODEL = "hospital.Person"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "hospital.accounts.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_TOTP_ISSUER = "Hospital"
MFA_TOTP_TOLERANCE = 1  # half a minute before and after: hospital/factors.py
SESSION_ENGINE = "hospital.sessions"
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=15 * 60)
SESSION_COOKIE_AGE = env.int("SESSION_LIFE_SECONDS", default=12 * 3600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "hospital.views.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="hospital@localhost")
EMAIL_TIMEOUT = 20  # shorter than the outbox's first pause, so that no letter is sent by two at once
SITE_URL = env(
    "SITE_URL", default=f"https://{ALLOWED_HOSTS[0]}" if PRODUCTION and ALLOWED_HOSTS else "http://127.0.0.1:8000"
)

# --- transport and browser ------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("DJANGO_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # else everybody behind the proxy counts as one, who guesses passwords
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# --- language, time, files ------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGES = [("en-gb", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = STATE_DIR / "static"
WHITENOISE_USE_FINDERS = not PRODUCTION
EVENTS_KEPT = timedelta(days=env.int("EVENTS_KEPT_DAYS", default=30))
LETTERS_KEPT = timedelta(days=env.int("LETTERS_KEPT_DAYS", default=90))
UPLOAD_LIMIT = env.int("UPLOAD_LIMIT", default=20 * 1024 * 1024)
UPLOAD_DAY_PERSON = env.int("UPLOAD_DAY_PERSON", default=2 * 1024**3)  # bytes of files from one person in 24 hours
UPLOAD_DAY_FILES = env.int("UPLOAD_DAY_FILES", default=1000)
UPLOAD_DAY_TENANT = env.int("UPLOAD_DAY_TENANT", default=50 * 1024**3)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

S3_BUCKET = env("S3_BUCKET", default="")
private_files = (
    {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env("S3_ENDPOINT_URL", default=None),
            "access_key": env("S3_ACCESS_KEY", default=None),
            "secret_key": env("S3_SECRET_KEY", default=None),
            "region_name": env("S3_REGION", default=None),
            "signature_version": "s3v4",
            "querystring_expire": 60,
            "default_acl": None,
            "file_overwrite": False,
            "max_memory_size": 1024 * 1024,  # larger objects lie in a temporary file while they are read
        },
    }
    if S3_BUCKET
    else {
        "BACKEND": "hospital.storage.PrivateFolder",
        "OPTIONS": {"location": env("FILES_DIR", default=str(STATE_DIR / "files"))},
    }
)
STORAGES = {
    "default": private_files,
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
CLAMD_SOCKET = env("CLAMD_SOCKET", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"outages": {"()": "hospital.logs.OutagesInOneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["outages"]}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
}
