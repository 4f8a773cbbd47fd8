"""Where this host gets Debian from."""

from pathlib import Path

import pytest

from imagewright.images.mirrors import Mirror, host_mirror, proxy_environment

PUBLIC = Mirror("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")


@pytest.mark.parametrize(
    ("files", "mirror"),
    [
        pytest.param({}, PUBLIC, id="no sources at all"),
        pytest.param(
            {"sources.list": "deb http://archive.ubuntu.com/ubuntu noble main\n"},
            PUBLIC, id="another distribution",
        ),
        pytest.param(
            {
                "sources.list": "# deb http://old.example/debian bookworm main\n"
                "deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian/ bookworm main\n"
                "deb-src http://src.example/debian bookworm main\n"
                "deb http://mirror.example/debian-security bookworm-security main # why\n"
            },
            Mirror("https://mirror.example/debian", "http://mirror.example/debian-security"),
            id="one line each",
        ),
        pytest.param(
            {
                "sources.list.d/debian.sources": "Types: deb\n# a comment\n"
                "URIs: http://m.example/debian\nSuites: bookworm bookworm-updates\n"
                "Components: main\n\nTypes: deb\nURIs: http://m.example/debian-security\n"
                "Suites:\n bookworm-security\n",
                "sources.list.d/node.list": "deb https://deb.example/node nodistro main\n",
            },
            Mirror("http://m.example/debian", "http://m.example/debian-security"),
            id="deb822",
        ),
        pytest.param(
            {"sources.list.d/d.sources": "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\n"
             "Suites: bookworm\n"},
            PUBLIC, id="switched off",
        ),
        pytest.param(
            {"sources.list": "deb http://inner.example/debian bookworm main\n"},
            Mirror("http://inner.example/debian", None), id="without security updates",
        ),
        pytest.param(
            {"sources.list": "deb cdrom:[Debian]/debian bookworm main\ndeb\ndeb [\n"},
            PUBLIC, id="a disc, and nonsense",
        ),
    ],
)  # fmt: skip
def test_the_mirror_is_the_one_that_apt_uses(
    tmp_path: Path, files: dict[str, str], mirror: Mirror
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert host_mirror(tmp_path) == mirror


def test_a_proxy_is_passed_on_in_both_spellings() -> None:
    found = proxy_environment({"HTTP_PROXY": "http://p:1", "no_proxy": "localhost", "OTHER": "x"})

    assert found == {
        "http_proxy": "http://p:1",
        "HTTP_PROXY": "http://p:1",
        "no_proxy": "localhost",
        "NO_PROXY": "localhost",
    }
