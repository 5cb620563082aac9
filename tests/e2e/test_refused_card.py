"""A card that refuses the agent's key: said as such, left in peace, and asked at once when the file is read again."""

import signal
import time
from pathlib import Path

from tests.devices.snmpd import AUTH_KEY, PRIV_KEY, UPS_ON_MAINS, USER, snmpd
from tests.e2e.gateway import Gateway, measured, shown

START_SECONDS = 30.0
HELD_SECONDS = 5.0


def test_a_mended_key_is_tried_as_soon_as_the_file_is_read_again(tmp_path: Path) -> None:
    card, port = snmpd(tmp_path / "card", extra=UPS_ON_MAINS)
    auth, priv = tmp_path / "auth", tmp_path / "priv"
    auth.write_text("another-key")
    priv.write_text(PRIV_KEY)
    collect = (
        f'[[collect.ups]]\nname = "rack"\nhost = "127.0.0.1"\nport = {port}\nsnmp = "3"\nuser = "{USER}"\n'
        f'auth = "SHA"\nauth_key_file = "{auth}"\npriv = "AES128"\npriv_key_file = "{priv}"\ninterval_seconds = 1\n'
    )
    with card, Gateway(tmp_path / "gateway", collect) as gateway:
        gateway.until(measured("centre_ups_up", 0), "rack", START_SECONDS)
        said = gateway.agent.log.read_text()
        assert "refuses the auth key (WrongDigest); asked again each 5 minutes, at once after a reload" in said
        auth.write_text(AUTH_KEY)
        time.sleep(HELD_SECONDS)
        assert gateway.look().value("centre_ups_up", ups="rack") == 0  # by itself only in five minutes
        assert gateway.agent.process is not None
        gateway.agent.process.send_signal(signal.SIGHUP)
        gateway.until(shown("online"), "rack", START_SECONDS)
