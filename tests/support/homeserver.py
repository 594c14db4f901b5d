"""A real, unmodified Synapse in a folder of its own: SQLite, loopback only, open registration, no traffic to anywhere."""

import http.client
import json
import os
import sys

from .proc import LOOPBACK, Child, free_port, wait_until

_NO_LIMIT = {"per_second": 10000, "burst_count": 10000}

_LOG_CONFIG = """\
version: 1
formatters:
  plain: {{format: '%(asctime)s %(levelname)s %(name)s %(message)s'}}
handlers:
  console: {{class: logging.StreamHandler, formatter: plain, stream: ext://sys.stderr}}
root: {{level: {level}, handlers: [console]}}
disable_existing_loggers: false
"""


class Homeserver:
    """start() returns once Synapse answers /health; stop() ends it. The folder is the caller's to make and to remove."""

    def __init__(self, folder, port=None, server_name="localhost", log_level="WARNING", max_upload="100M", more=None):
        self.folder = str(folder)
        self.port = port or free_port()
        self.server_name = server_name
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._log_level = log_level
        self._max_upload = max_upload
        self._more = more or {}
        self.child = None

    def _config(self):
        def path(name):
            return os.path.join(self.folder, name)

        config = {
            "server_name": self.server_name,
            "report_stats": False,
            "pid_file": path("homeserver.pid"),
            "listeners": [{
                "port": self.port, "type": "http", "tls": False, "x_forwarded": False,
                "bind_addresses": [LOOPBACK],
                "resources": [{"names": ["client", "media", "federation"], "compress": False}],
            }],
            "database": {"name": "sqlite3", "args": {"database": path("homeserver.db")}},
            "log_config": path("log.yaml"),
            "media_store_path": path("media"),
            "signing_key_path": path("signing.key"),
            "registration_shared_secret": "for tests on loopback only",
            "macaroon_secret_key": "for tests on loopback only",
            "form_secret": "for tests on loopback only",
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "bcrypt_rounds": 4,
            "max_upload_size": self._max_upload,
            "presence": {"enabled": False},
            "url_preview_enabled": False,
            "federation_domain_whitelist": [],
            "rc_message": _NO_LIMIT,
            "rc_registration": _NO_LIMIT,
            "rc_registration_token_validity": _NO_LIMIT,
            "rc_login": {"address": _NO_LIMIT, "account": _NO_LIMIT, "failed_attempts": _NO_LIMIT},
            "rc_admin_redaction": _NO_LIMIT,
            "rc_joins": {"local": _NO_LIMIT, "remote": _NO_LIMIT},
            "rc_joins_per_room": _NO_LIMIT,
            "rc_invites": {"per_room": _NO_LIMIT, "per_user": _NO_LIMIT, "per_issuer": _NO_LIMIT},
            "rc_room_creation": _NO_LIMIT,
            "rc_presence": {"per_user": _NO_LIMIT},
            "rc_media_create": _NO_LIMIT,
            "rc_third_party_invite": _NO_LIMIT,
        }
        config.update(self._more)
        return config

    def start(self, timeout=120):
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, "log.yaml"), "w", encoding="utf-8") as f:
            f.write(_LOG_CONFIG.format(level=self._log_level))
        config_path = os.path.join(self.folder, "homeserver.yaml")
        with open(config_path, "w", encoding="utf-8") as f:
            json.dump(self._config(), f, indent=1)  # JSON is YAML
        # Synapse makes a missing signing key itself, but only when asked to generate keys.
        argv = [sys.executable, "-m", "synapse.app.homeserver", "-c", config_path]
        if not os.path.exists(os.path.join(self.folder, "signing.key")):
            keys = Child("synapse (keys)", argv + ["--generate-keys"], os.path.join(self.folder, "keys.log"))
            if keys.wait(timeout) != 0:
                raise RuntimeError("Synapse could not make its signing key:\n" + keys.log_tail())
        self.child = Child("synapse", argv, os.path.join(self.folder, "homeserver.log"))
        wait_until(self._healthy, timeout, "Synapse's /health", self.child.check_alive, every=0.1)
        return self

    def _healthy(self):
        conn = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            conn.request("GET", "/health")
            return conn.getresponse().status == 200
        except OSError:
            return False
        finally:
            conn.close()

    def stop(self, timeout=30):
        if self.child is not None:
            child, self.child = self.child, None
            child.stop(timeout)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()
