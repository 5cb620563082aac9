"""Ways to reach a person, one file each: `sms.py`, `email.py`. A channel sends one message or says why not."""

from collections.abc import Callable

from central.config import Notify
from central.notify.channels import email, sms

Send = Callable[[str, str, str], None]


def open_channels(config: Notify) -> dict[str, Send]:
    """Channel name -> send(address, subject, text); raises ConfigError for an unreadable secret."""
    found: dict[str, Send] = {}
    if config.sms is not None:
        found["sms"] = sms.sender(config.sms)
    if config.smtp is not None:
        found["email"] = email.sender(config.smtp)
    return found
