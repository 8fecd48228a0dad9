"""A cluster's endpoints for tests: one real HTTP or HTTPS server on loopback that answers as it is told.

It records what it was shown. It knows no API: a path answers 200 unless the test says otherwise.
"""

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Member:
    """`answers` maps a path to a status; `tokens_seen` is every Authorization header by path.

    While `open` is not set, requests arrive and nothing is answered.
    """

    url: str
    ca: str | None = None
    answers: dict[str, int] = field(default_factory=dict)
    default: int = 200
    accepts: str | None = None
    tokens_seen: list[tuple[str, str | None]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def status(self, path: str, authorization: str | None) -> int:
        """What to answer; a member that accepts one token refuses all others on every path of an API."""
        self.tokens_seen.append((path, authorization))
        self.open.wait(30)
        if self.accepts is not None and path.startswith("/api") and authorization != f"Bearer {self.accepts}":
            return 401
        return self.answers.get(path, self.default)


@contextmanager
def running(folder: Path | None = None) -> Iterator[Member]:
    """Serve until the block ends; over TLS with a certificate of its own where a folder for it is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    port = server.server_address[1]
    if folder is None:
        member = Member(f"http://127.0.0.1:{port}")
    else:
        member = Member(f"https://127.0.0.1:{port}", ca=_certificate(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = member.status(self.path.partition("?")[0], self.headers.get("Authorization"))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield member
    finally:
        member.open.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(folder: Path) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = certificate_for(key, days=1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key.pem").write_bytes(private_pem(key))
    (folder / "cert.pem").write_text(certificate)
    return certificate


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_for(key: ec.EllipticCurvePrivateKey, *, days: float) -> str:
    """A self-signed certificate for 127.0.0.1 that ends so many days from now, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "member")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
