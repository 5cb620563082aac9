"""SMS by any HTTP gateway: a URL template, optionally a body template. 2xx is taken as accepted."""

import re
import urllib.request
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from central.config import Sms, read_secret
from telemetry.errors import ConfigError

_UNASKABLE = re.compile(r"[^\x21-\x7e]")


def sender(config: Sms) -> Callable[[str, str, str], None]:
    """send(number, subject, text); raises OSError (HTTPError among them) when the gateway did not take it."""
    if urlsplit(config.url).scheme not in ("http", "https") or _UNASKABLE.search(config.url):
        raise ConfigError("[notify.sms]", "$.url", "not an http URL", "https://gateway/send?to={number}&text={text}")
    secret = read_secret(config.secret_file) if config.secret_file else ""

    def send(number: str, _subject: str, text: str) -> None:
        def filled(template: str) -> str:
            found = template.replace("{secret}", quote(secret, safe="")).replace("{number}", quote(number, safe=""))
            return found.replace("{text}", quote(text, safe=""))

        headers = {key: value.replace("{secret}", secret) for key, value in config.headers.items()}
        body = filled(config.body).encode() if config.body else None
        if body is not None:
            headers["Content-Type"] = config.content_type
        request = urllib.request.Request(filled(config.url), body, headers)
        with urllib.request.urlopen(request, timeout=config.timeout_seconds) as answer:
            answer.read(4096)

    return send
