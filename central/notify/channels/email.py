"""E-mail by SMTP, with STARTTLS where the server wants it."""

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage

from central.config import Smtp, read_secret

_TIMEOUT_SECONDS = 20


def sender(config: Smtp) -> Callable[[str, str, str], None]:
    """send(address, subject, text); raises OSError (SMTPException among them) when it did not leave."""
    password = read_secret(config.password_file) if config.password_file else ""

    def send(address: str, subject: str, text: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = config.sender, address, subject
        message.set_content(text)
        server = smtplib.SMTP(config.host, config.port, timeout=_TIMEOUT_SECONDS)
        try:
            if config.starttls:
                server.starttls(context=ssl.create_default_context())
            if config.username:
                server.login(config.username, password)
            server.send_message(message)
        finally:
            with contextlib.suppress(OSError):  # it was taken: however the talk ends, it has left
                server.quit()
            server.close()

    return send
