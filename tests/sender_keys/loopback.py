"""The internet on loopback: one HTTPS server that acts as every host, and a proxy to it.

The tests request the real URLs over real TLS, with an authority of their own, and patch nothing:
proxy and authority are ordinary settings.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HOSTS = [
    "sns.us-west-2.amazonaws.com",
    "smn.cn-north-4.myhuaweicloud.com",
    "console.huaweicloud.com",
    "issuer.example.com",
    "keys.example.com",
    "www.googleapis.com",
    "localhost",
]


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    pause: float = 0.0  # after each byte
    header_pause: float = 0.0  # between headers that never end
    promised: int = 0  # announced in Content-Length, but never sent


class Loopback:
    """Sends the reply in `answers` for each URL, and records the requested URLs."""

    def __init__(self, folder: Path) -> None:
        self.answers: dict[str, Reply | Callable[[], Reply]] = {}
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.authority = folder / "authority.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(write_certificates(folder, self.authority))
        self._server = _Server(("127.0.0.1", 0), _handler(self, context))
        self.proxy = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answer(self, url: str) -> Reply:
        self.asked.append(url)
        reply = self.answers.get(url, Reply(status=404))
        return reply if isinstance(reply, Reply) else reply()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: some tests hang up on purpose."""


def _handler(loopback: Loopback, context: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        host = ""

        def do_CONNECT(self) -> None:
            self.host = self.path.removesuffix(":443")
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            with context.wrap_socket(self.connection, server_side=True) as secure:
                self.rfile, self.wfile = secure.makefile("rb"), secure.makefile("wb")
                self.handle_one_request()
                self.rfile.close()
                self.wfile.close()
            self.close_connection = True

        def do_GET(self) -> None:
            loopback.headers.append(dict(self.headers))
            reply = loopback.answer(f"https://{self.host}{self.path}")
            time.sleep(reply.delay)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            while reply.header_pause:
                self.send_header("X-More", "to come")
                self.flush_headers()
                time.sleep(reply.header_pause)
            self.send_header("Content-Length", str(len(reply.body) + reply.promised))
            self.end_headers()
            step = 1 if reply.pause else max(1, len(reply.body))
            for start in range(0, len(reply.body), step):
                self.wfile.write(reply.body[start : start + step])
                self.wfile.flush()
                time.sleep(reply.pause)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


def write_certificates(folder: Path, authority: Path) -> Path:
    """Write the certificates of an authority and of the server; return the path of the latter."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority of tests")])
    builder = _builder(name, name, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    authority.write_bytes(builder.sign(authority_key, SHA256()).public_bytes(Encoding.PEM))
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "everywhere")])
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    server_builder = _builder(subject, name, key).add_extension(names, critical=False)
    server = folder / "server.pem"
    server.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + server_builder.sign(authority_key, SHA256()).public_bytes(Encoding.PEM)
    )
    return server


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    return builder.not_valid_after(now + timedelta(days=1))
