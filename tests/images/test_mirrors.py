"""Where this host gets Debian from."""

from pathlib import Path

import pytest

from imagewright.images.mirrors import Mirror, host_mirror, proxy_environment
from imagewright.sandboxes import debian_mirror
from imagewright.settings import Bases, Settings, SettingsError

BASES = Bases()
OTHERWISE = Mirror("http://named.example/debian", "http://named.example/debian-security")


@pytest.mark.parametrize(
    ("files", "mirror"),
    [
        pytest.param({}, OTHERWISE, id="no sources at all"),
        pytest.param(
            {"sources.list": "deb http://archive.ubuntu.com/ubuntu noble main\n"},
            OTHERWISE, id="another distribution",
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
            OTHERWISE, id="switched off",
        ),
        pytest.param(
            {"sources.list": "deb http://inner.example/debian bookworm main\n"},
            Mirror("http://inner.example/debian", None), id="without security updates",
        ),
        pytest.param(
            {"sources.list": "deb cdrom:[Debian]/debian bookworm main\ndeb\ndeb [\n"},
            OTHERWISE, id="a disc, and nonsense",
        ),
    ],
)  # fmt: skip
def test_the_mirror_is_the_one_that_apt_uses(
    tmp_path: Path, files: dict[str, str], mirror: Mirror
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert host_mirror(OTHERWISE, tmp_path) == mirror


@pytest.mark.parametrize(
    ("content", "mirror"),
    [
        pytest.param("", Mirror(BASES.debian_archive, BASES.debian_security), id="by default"),
        pytest.param(
            'debian_archive = "https://m.example/debian/"\ndebian_security = ""',
            Mirror("https://m.example/debian", None), id="named in the settings",
        ),
    ],
)  # fmt: skip
def test_where_the_host_has_no_debian_the_settings_say_where_it_is(
    tmp_path: Path, content: str, mirror: Mirror
) -> None:
    (tmp_path / "settings.toml").write_text(f"[bases]\n{content}\n")

    assert debian_mirror(Settings.load(tmp_path), tmp_path / "apt") == mirror


@pytest.mark.parametrize("value", ["", "m.example/debian", "file:///etc", "http://a b"])
def test_an_archive_that_is_no_address_is_named(tmp_path: Path, value: str) -> None:
    (tmp_path / "settings.toml").write_text(f'[bases]\ndebian_archive = "{value}"\n')

    with pytest.raises(SettingsError, match=r"bases\.debian_archive"):
        Settings.load(tmp_path)


def test_a_proxy_is_passed_on_in_both_spellings() -> None:
    found = proxy_environment({"HTTP_PROXY": "http://p:1", "no_proxy": "localhost", "OTHER": "x"})

    assert found == {
        "http_proxy": "http://p:1",
        "HTTP_PROXY": "http://p:1",
        "no_proxy": "localhost",
        "NO_PROXY": "localhost",
    }
