"""A training to watch in the browser: a page on this machine alone, made anew from the run's files when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from segwright.core import ConfigError, Listener, Measured
from segwright.core.events import Event

HOST = "127.0.0.1"
PAGE = "progress.html"
PORT = 8377
_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")


@contextmanager
def served(run: Path, port: int) -> Iterator[str]:
    """Within: the page of the run in the folder `run`, at the address given; port 0 is a free one.

    Raises:
        ConfigError: the port is taken, or not to be had.
    """
    server = _listening(port, _handler(run))
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def require_free(port: int) -> None:
    """Raise ConfigError where `port` cannot be listened on: told before frames are read and a run has its folder."""
    _listening(port, BaseHTTPRequestHandler).server_close()


def _listening(port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer((HOST, port), handler)
    except OSError as error:
        raise ConfigError.of(
            f"--port {port}",
            "cannot be listened on",
            allowed="a port that is free; 0 takes any",
            found=error.strerror or str(error),
            fix=f"--port {port + 1 if 0 < port < 65535 else 0}",
        ) from None


def with_page(run: Path, listener: Listener) -> Listener:
    """`listener`, with progress.html in the run's folder after each validation round."""

    def listen(event: Event) -> None:
        listener(event)
        if isinstance(event, Measured) and event.stage == "validation":
            from segwright.pages import write_progress_page

            write_progress_page(run / PAGE, run)

    return listen


def _handler(run: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            path = self.path.partition("?")[0]
            if not self._is_for_us() or path not in ("/", "/contents"):
                self.send_error(404)
                return
            from segwright.pages import progress_html

            body = progress_html(run, contents_only=path == "/contents").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def _is_for_us(self) -> bool:
            """Whether the browser meant this machine: a page from elsewhere may have its name lead here."""
            return self.headers.get("Host", "").rpartition(":")[0] in _OWN_NAMES

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            """Say nothing: the terminal is the training's."""

    return Handler
