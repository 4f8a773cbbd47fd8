"""Builds behind a proxy that signs anew: programs trust the authorities that the settings name."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.e2e.conftest import Lab
from tests.e2e.test_builds import component


class Answer(BaseHTTPRequestHandler):
    """Says that it was reached."""

    def do_GET(self) -> None:
        """Answer anything."""
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"reached")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, Path]:
    """Make an authority of our own that vouches for localhost; return certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "ca.pem", tmp_path / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.fixture
def port(authority: tuple[Path, Path]) -> Iterator[int]:
    """Serve HTTPS on this host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_curl_python_and_apt_trust_the_bundle_and_the_image_keeps_its_own(
    lab: Lab, authority: tuple[Path, Path], port: int
) -> None:
    url = f"https://localhost:{port}"
    text = component(
        "export no_proxy=localhost NO_PROXY=localhost",
        f"curl -fsS {url}/ && echo",
        f"python3 -c \"import urllib.request as r; print(r.urlopen('{url}').read())\"",
        f"echo 'deb [trusted=yes] {url}/debian x main' > /tmp/one.list",
        "apt-get -q -o Dir::Etc::SourceList=/tmp/one.list -o Dir::Etc::SourceParts=/none"
        " -o Acquire::https::Proxy=DIRECT update 2>&1 | tee /tmp/said || true",
        "if grep -i certificate /tmp/said; then exit 1; fi; rm /tmp/said /tmp/one.list",
        "! grep -qr 'imagewright' /etc",
    )
    network = {"IMAGEWRIGHT_SANDBOX_NETWORK": "host"}

    with lab.bench(**network) as bench:
        without = bench.finished(bench.start(bench.recipe(bench.component(text))))
    with lab.bench(**network, IMAGEWRIGHT_SANDBOX_CA_BUNDLE=str(authority[0])) as bench:
        with_it = bench.start(bench.recipe(bench.component(text)))
        bench.built(with_it)
        said = bench.log(with_it)

    assert without["state"]["status"] == "FAILED"
    assert said.count("reached") >= 2
