"""Headless Chromium through its DevTools pipe: what a page draws, asks for and complains about."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
COMMON = (
    "--headless=new",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
)
WITH_WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing")
WITHOUT_WEBGL = ("--disable-gpu", "--disable-3d-apis")


class Page:
    """One open page. ``requests`` and ``complaints`` grow while it lives."""

    def __init__(self, to_browser, from_browser, *, deadline_s):
        self._to, self._from, self._deadline_s = to_browser, from_browser, deadline_s
        self._number, self._buffer, self._session = 0, b"", None
        self.requests, self.complaints, self.loaded = [], [], False

    def open(self, url, *, width, height):
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        self._call("Page.navigate", url=url)
        while not self.loaded:
            self._read()

    def evaluate(self, expression):
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def settle(self):
        """Wait until two frames have been drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def press(self, key):
        code = key.upper() if len(key) == 1 else key
        text = {"text": key} if len(key) == 1 else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code)

    def drag(self, start, end):
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            button = {"button": "left", "buttons": 1, "clickCount": 1}
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))
        return path

    def _call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        number = self._number
        while True:
            answer = self._read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _read(self):
        end = time.monotonic() + self._deadline_s
        while b"\0" not in self._buffer:
            if not select.select([self._from], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser did not answer")
            part = os.read(self._from, 1 << 20)
            if not part:
                raise ConnectionError("the browser has ended")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(line)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, parameters):
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"][:40])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append((parameters["type"], json.dumps(parameters["args"])[:500]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(("exception", json.dumps(parameters)[:1500]))
        # The software renderer tells how fast it is when a test reads its pixels; the page has no part in that.
        elif method == "Log.entryAdded" and "GL Driver Message (OpenGL, Performance" not in parameters["entry"]["text"]:
            self.complaints.append((parameters["entry"]["level"], parameters["entry"]["text"][:500]))
        elif method == "Page.loadEventFired":
            self.loaded = True


@contextmanager
def open_page(url, *, profile, flags=WITH_WEBGL, width=1300, height=900, deadline_s=300):
    """Open a page in a browser of its own, which ends with the block."""
    to_browser_read, to_browser = os.pipe()
    from_browser, from_browser_write = os.pipe()

    def places_of_the_pipe():
        # Chromium reads from descriptor 3 and writes to 4; the copies first, so that neither overwrites the other.
        reading, writing = os.dup(to_browser_read), os.dup(from_browser_write)
        os.dup2(reading, 3)
        os.dup2(writing, 4)

    process = subprocess.Popen(
        [CHROMIUM, *COMMON, *flags, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=places_of_the_pipe,  # noqa: PLW1509  the descriptors must be 3 and 4 in the child
        start_new_session=True,
    )
    os.close(to_browser_read)
    os.close(from_browser_write)
    try:
        page = Page(to_browser, from_browser, deadline_s=deadline_s)
        page.open(url, width=width, height=height)
        yield page
    finally:
        os.close(to_browser)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
        os.close(from_browser)
