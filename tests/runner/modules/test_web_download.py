"""WebDownload (``component-documents.md`` §7.2), on a machine that has a shell and no network."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import at_best_within
from tests.outside.web_server import (
    CONTENT,
    WebServer,
    authority,
    content,
    redirect,
    serving,
    status,
)
from tests.runner.conftest import Lab, bash, steps

from imagewright.documents.specs import InputError
from imagewright.outside.places import NO_NETWORK, no_settings, open_outside
from imagewright.outside.web import Web
from imagewright.runner import fetching
from imagewright.runner.environment import RunEnvironment
from imagewright.runner.modules.table import SPECS
from imagewright.runner.reporting import Notice
from imagewright.runner.result import StepResult
from imagewright.settings import Downloads, Sandbox, Settings

_SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as served:
        yield served


def surroundings(server: WebServer, scratch: Path | None = None) -> RunEnvironment:
    web = Web(Downloads(allowed_hosts=(server.host,)), pause_seconds=0.01)
    return RunEnvironment(
        working_directory="/work", outside=replace(no_settings(), web=web, scratch=scratch)
    )


def download(lab: Lab, server: WebServer, *entries: dict[str, Any], **keys: object) -> StepResult:
    step = {"action": "WebDownload", "inputs": list(entries), **keys}
    result = lab.run(steps(step), environment=surroundings(server))
    return result.phases[0].steps[0]


def test_files_come_into_folders_that_are_made_and_their_paths_are_put_out(
    lab: Lab, server: WebServer
) -> None:
    entries = [
        {"source": server.url("/file.bin"), "destination": "/opt/a/b/"},
        {"source": server.url("/file.bin"), "destination": "relative name"},
    ]
    tell = bash("printf '%s' '{{ build.Step0.outputs.destination }}'")

    result = lab.run(
        steps({"action": "WebDownload", "inputs": entries}, tell), environment=surroundings(server)
    )

    assert result.failure is None
    said = result.phases[0].steps[1].outputs["stdout"]
    assert said == "/opt/a/b/file.bin\n/work/relative name"
    assert lab.read("/opt/a/b/file.bin") == lab.read("/work/relative name") == CONTENT
    assert lab.names("/opt/a/b") == ["file.bin"]
    assert lab.sh("stat -c %a /opt/a/b/file.bin") == "644"


def test_a_file_of_many_pieces_comes_whole(
    lab: Lab, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PIECE_BYTES", 300_000)

    download(lab, server, {"source": server.url("/file.bin"), "destination": "/opt/a"})

    assert lab.sh("sha256sum </opt/a").split()[0] == _SHA256


def test_a_file_that_is_replaced_keeps_its_permissions_and_a_link_stays_one(
    lab: Lab, server: WebServer
) -> None:
    lab.sh("echo old >/opt/a; chmod 750 /opt/a; echo old >/opt/b; ln -s b /opt/link")

    for name in ("a", "link"):
        download(lab, server, {"source": server.url("/file.bin"), "destination": f"/opt/{name}"})

    assert lab.read("/opt/a") == lab.read("/opt/b") == CONTENT
    assert lab.sh("stat -c %a /opt/a; readlink /opt/link") == "750\nb"
    assert lab.names("/opt") == ["a", "b", "link"]


@pytest.mark.parametrize("mode", ["4755", "2070", "1604", "7777", "6000", "0"])
def test_every_permission_is_handed_on(mode: str, lab: Lab, server: WebServer) -> None:
    lab.sh('echo old >/opt/a; chmod "$1" /opt/a', mode)

    step = download(lab, server, {"source": server.url("/file.bin"), "destination": "/opt/a"})

    assert step.message == ""
    assert lab.sh("stat -c %a /opt/a") == mode


@pytest.mark.parametrize("there", [True, False])
def test_what_is_not_whole_is_for_its_owner_alone(
    there: bool, lab: Lab, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_END", 'stat -c %a "$2" >&2; exit 1')
    if there:
        lab.write("/opt/a", "old")

    step = download(lab, server, {"source": server.url("/file.bin"), "destination": "/opt/a"})

    assert step.message == "600"
    assert lab.names("/opt") == ["a"] * there


def test_with_overwrite_false_a_file_that_is_there_is_an_error(lab: Lab, server: WebServer) -> None:
    lab.write("/opt/a", "old")

    step = download(
        lab, server,
        {"source": server.url("/file.bin"), "destination": "/opt/a", "overwrite": False},
    )  # fmt: skip

    assert step.message == "the file exists and overwrite is false: /opt/a"
    assert lab.read("/opt/a") == b"old"
    assert not server.asked


@pytest.mark.parametrize("algorithm", ["MD5", "SHA1", "SHA256", "SHA512"])
def test_a_checksum_lets_the_right_file_stay_and_fetches_it_otherwise(
    algorithm: str, lab: Lab, server: WebServer
) -> None:
    entry = {
        "source": server.url("/file.bin"),
        "destination": "/opt/a",
        "algorithm": algorithm,
        "checksum": hashlib.new(algorithm.lower(), CONTENT).hexdigest().upper(),
    }
    lab.write("/opt/a", "another")

    first = download(lab, server, entry)
    second = download(lab, server, entry)

    assert [first.status, second.status] == ["success", "success"]
    assert server.asked["/file.bin"] == 1
    assert lab.read("/opt/a") == CONTENT


def test_with_overwrite_false_even_the_right_file_is_an_error(lab: Lab, server: WebServer) -> None:
    lab.write("/opt/a", CONTENT)

    step = download(
        lab, server,
        {
            "source": server.url("/file.bin"), "destination": "/opt/a", "overwrite": False,
            "algorithm": "SHA256", "checksum": _SHA256,
        },
    )  # fmt: skip

    assert step.message == "the file exists and overwrite is false: /opt/a"


@pytest.mark.parametrize("given", ["checksum", "algorithm"])
def test_a_checksum_and_its_algorithm_need_each_other(given: str) -> None:
    values = {"checksum": _SHA256, "algorithm": "SHA256"}

    with pytest.raises(InputError, match="`checksum` and `algorithm` need each other"):
        SPECS["WebDownload"].build_inputs(
            {"source": "https://example.com/a", "destination": "/opt/a", given: values[given]}
        )


def test_what_has_another_checksum_never_appears(lab: Lab, server: WebServer) -> None:
    lab.write("/opt/a", "old")

    step = download(
        lab, server,
        {
            "source": server.url("/file.bin"), "destination": "/opt/a",
            "algorithm": "SHA256", "checksum": "00" * 32,
        },
    )  # fmt: skip

    assert f"the SHA256 checksum of what came is {_SHA256}, not 0000" in step.message
    assert lab.read("/opt/a") == b"old"
    assert lab.names("/opt") == ["a"]


def test_the_first_entry_that_fails_fails_the_step_and_earlier_ones_stay(
    lab: Lab, server: WebServer
) -> None:
    entries = [
        {"source": server.url(path), "destination": f"/opt{path}"}
        for path in ("/file.bin", "/missing", "/never")
    ]

    step = download(lab, server, *entries)

    assert "/missing answers 404" in step.message
    assert lab.names("/opt") == ["file.bin"]
    assert "/never" not in server.asked


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("/file.bin", "/opt", "the destination is a folder; to put a file into it, end it with /"),
        ("/file.bin", "/opt/pipe", "the destination is a named pipe: /opt/pipe"),
        ("/a/", "/opt/", "names no file"),
        ("/file.bin", "/proc/none/a", "/proc/none"),
    ],
)
def test_a_destination_that_cannot_be_is_told_before_anything_is_fetched(
    source: str, destination: str, message: str, lab: Lab, server: WebServer
) -> None:
    lab.sh("mkfifo /opt/pipe")

    step = download(lab, server, {"source": server.url(source), "destination": destination})

    assert message in step.message
    assert not server.asked


def test_tries_are_told_in_the_log(lab: Lab, server: WebServer) -> None:
    server.answers["/flaky"] = lambda handler: (
        content(handler) if server.asked["/flaky"] == 2 else status(503)(handler)
    )

    step = download(lab, server, {"source": server.url("/flaky"), "destination": "/opt/a"})

    assert step.status == "success"
    assert any("try 1 of 5 failed" in n.text for n in lab.log.events if isinstance(n, Notice))


def test_certificates_are_checked_unless_told_not_to(lab: Lab, tmp_path: Path) -> None:
    with serving(authority(tmp_path)) as server:
        entry = {"source": server.url("/file.bin"), "destination": "/opt/a"}

        strict = download(lab, server, entry)
        lenient = download(lab, server, {**entry, "ignoreCertificateErrors": True})

    assert "the certificate of 127.0.0.1" in strict.message
    assert lenient.status == "success"


def test_what_is_the_host_s_own_is_out_of_reach(lab: Lab, server: WebServer) -> None:
    server.answers["/a"] = redirect("http://169.254.169.254/latest/meta-data/iam/")

    step = download(lab, server, {"source": server.url("/a"), "destination": "/opt/a"})
    plain = lab.step("WebDownload", [{"source": server.url("/file.bin"), "destination": "/opt/a"}])

    assert "169.254.169.254 is a link-local address" in step.message
    assert "127.0.0.1 is a loopback address" in plain.message
    assert not lab.exists("/opt/a")


def test_without_a_network_nothing_is_fetched(lab: Lab, tmp_path: Path) -> None:
    outside = open_outside(Settings(sandbox=Sandbox(network="none")), tmp_path, proxies={})
    step = {
        "action": "WebDownload",
        "inputs": [{"source": "https://example.com/a", "destination": "/opt/a"}],
    }

    result = lab.run(steps(step), environment=RunEnvironment(outside=outside))

    assert result.failure is not None
    assert result.failure.message == NO_NETWORK


def stuck(server: WebServer) -> None:
    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x")
        handler.wfile.flush()
        server.released.wait(30)

    server.answers["/stuck"] = answer


def test_time_out_ends_a_download_at_once(lab: Lab, server: WebServer) -> None:
    stuck(server)

    def seconds_to_the_end() -> float:
        started = time.monotonic()
        step = download(
            lab, server, {"source": server.url("/stuck"), "destination": "/opt/a"},
            timeoutSeconds=1,
        )  # fmt: skip
        ended = time.monotonic()
        assert "timed out after 1 s" in step.message
        assert lab.names("/opt") == []
        return ended - started

    at_best_within(4, seconds_to_the_end)


def test_cancel_ends_a_download_at_once_and_leaves_nothing(
    lab: Lab, server: WebServer, tmp_path: Path
) -> None:
    stuck(server)
    cancel = threading.Event()
    answer = server.answers["/stuck"]

    def cancelling(handler: BaseHTTPRequestHandler) -> None:
        cancel.set()
        answer(handler)

    server.answers["/stuck"] = cancelling
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    step = {
        "action": "WebDownload",
        "inputs": [{"source": server.url("/stuck"), "destination": "/opt/a"}],
    }

    def seconds_to_the_end() -> float:
        cancel.clear()
        started = time.monotonic()
        result = lab.run(steps(step), environment=surroundings(server, scratch), cancel=cancel)
        ended = time.monotonic()
        assert result.status == "cancelled"
        return ended - started

    at_best_within(4, seconds_to_the_end)
    assert lab.names("/opt") == []
    assert list(scratch.iterdir()) == []


def test_what_takes_long_tells_how_far_it_is(
    lab: Lab, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_TOLD_AFTER_SECONDS", 0.0)
    stuck(server)

    download(
        lab, server, {"source": server.url("/stuck"), "destination": "/opt/a"},
        timeoutSeconds=3,
    )  # fmt: skip

    told = [each.text for each in lab.log.events if isinstance(each, Notice)]
    assert any(text.startswith("downloaded") for text in told)


def test_no_room_in_the_scratch_folder_is_a_failure(lab: Lab, server: WebServer) -> None:
    environment = replace(
        surroundings(server), outside=replace(no_settings(), scratch=Path("/nonexistent"))
    )
    step = {
        "action": "WebDownload",
        "inputs": [{"source": server.url("/file.bin"), "destination": "/opt/a"}],
    }

    result = lab.run(steps(step), environment=environment)

    assert result.failure is not None
    assert "this host has no place for a file" in result.failure.message
