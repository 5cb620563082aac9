"""E-mail by SMTP, with STARTTLS where the server wants it."""

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
        with smtplib.SMTP(config.host, config.port, timeout=_TIMEOUT_SECONDS) as server:
            if config.starttls:
                server.starttls(context=ssl.create_default_context())
            if config.username:
                server.login(config.username, password)
            server.send_message(message)

    return send
