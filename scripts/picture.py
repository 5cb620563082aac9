"""docs/page.png: the demo's page as a phone shows it, during a simulated mains cut.

python -m scripts.picture
"""

import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from stage import parts
from stage.browser import Browser
from stage.parts import ROOT
from stage.process import answers, free_port, wait_for

WIDTH = 390


def main() -> int:
    """Start the demo, wait for the cut, take the picture."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        with parts.python("demo", directory, ["agent", "demo", "--port", str(port)], answers(url)):
            print("Waiting for the first mains cut (45 s) ...", file=sys.stderr)
            wait_for(lambda: "Mains power is off" in urlopen(url).read().decode(), 120, "no mains cut")
            time.sleep(12)
            with Browser(directory / "chromium") as browser:
                browser.open(url, WIDTH, 900)
                (ROOT / "docs/page.png").write_bytes(browser.picture())
    print("docs/page.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
