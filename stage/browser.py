"""A headless Chromium by its DevTools protocol: open a page, ask it questions, take its picture."""

import base64
import json
import tempfile
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from websockets.sync.client import connect

from stage.process import Part, answers, free_port, program

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip


class Browser:
    """One tab."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        profile = tempfile.mkdtemp(dir=directory)
        command = [
            program("chromium", "chromium"),
            *_FLAGS,
            f"--user-data-dir={profile}",
            f"--remote-debugging-port={port}",
            "about:blank",
        ]
        self._part = Part("chromium", command, directory, answers(f"http://127.0.0.1:{port}/json/version"))
        self._port = port
        self._number = 0
        self.requests: list[str] = []

    def __enter__(self) -> Self:
        self._part.start()
        with urlopen(f"http://127.0.0.1:{self._port}/json/list") as answer:
            pages = [tab for tab in json.load(answer) if tab["type"] == "page"]
        self._socket = connect(pages[0]["webSocketDebuggerUrl"], max_size=2**26, max_queue=None, ping_interval=None)
        self.call("Page.enable")
        self.call("Network.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._part.stop()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command and its result; notes the requests that the page makes."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("id") == self._number:
                assert "error" not in message, message
                found: dict[str, Any] = message["result"]
                return found

    def open(self, url: str, width: int, height: int = 800) -> None:
        """Load a page at this width, scripts off, and wait until it is complete."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=True)
        self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.call("Page.navigate", url=url)
        while self.evaluate("document.readyState + location.href") != "complete" + url:
            pass

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])
