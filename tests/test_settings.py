"""The settings: where they come from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagewright.images.references import read_reference
from imagewright.settings import Settings, SettingsError


def test_the_file_of_one_state_says_nothing_of_the_next(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('region = "local-dc-1"\n')

    assert Settings.load(tmp_path).region == "local-dc-1"
    assert Settings.load(tmp_path / "other").region == "us-east-1"
    assert Settings().region == "us-east-1"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ('urls = ["ftp://a/b"]', "number 1 is no http:// or https:// URL"),
        ('urls = ["https://a", "https:///b"]', "number 2 is no"),
        ('urls = ["https://a"]\nsecret = ""', "24 to 64 bytes"),
        ('urls = ["https://a"]', "set webhooks.secret too"),
        ('secret = "hunter2"', "24 to 64 bytes"),
        ('secret = "whsec_aHVudGVyMg=="', "24 to 64 bytes"),
        ("tries_max = 0", "greater than or equal to 1"),
    ],
)
def test_webhooks_that_cannot_be_are_refused(tmp_path: Path, settings: str, problem: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[webhooks]\n{settings}\n")

    with pytest.raises(SettingsError, match=problem) as caught:
        Settings.load(tmp_path)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ('folder = "/a"\nbucket = "s3://images"', "a folder and a bucket"),
        ('bucket = "images"', r"bucket: it has not the form that is wanted.*`s3://BUCKET/PREFIX`"),
        (
            'bucket = "s3://Images/a"',
            r"bucket: it has not the form that is wanted.*`s3://BUCKET/PREFIX`",
        ),
        (
            'registry = "registry.example.com"',
            "registry: it has not the form that is wanted.*`HOST/REPOSITORY` in lower case",
        ),
        (
            'registry = "registry.example.com/UP"',
            "registry: it has not the form that is wanted.*`HOST/REPOSITORY` in lower case",
        ),
        ('registry = "r.example.com/a"\nusername = "me"', "username and password go together"),
        ('registry = "r.example.com/a"\nformat = "tar"', "images of format oci only"),
        ('endpoint = "http://localhost"', "endpoint is said of a bucket"),
        ('folder = "/a"\npassword = "p"', "password is said of a registry"),
        ('ec2 = "https://ec2.amazonaws.com"', "can go to a folder, a bucket or a registry"),
        ('registry = "r.example.com:x/images"', "no host and port: Port could not be cast"),
        ('format = "vhd"', "Input should be 'oci' or 'tar'"),
    ],
)
def test_a_region_that_cannot_be_is_refused(tmp_path: Path, settings: str, problem: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[regions.us-west-2]\n{settings}\n")

    with pytest.raises(SettingsError, match=f"regions.us-west-2.*{problem}"):
        Settings.load(tmp_path)


def test_what_is_no_region_has_no_place(tmp_path: Path) -> None:
    """ARN-04: its name would be a path."""
    (tmp_path / "settings.toml").write_text('[regions."../elsewhere"]\nfolder = "/a"\n')

    with pytest.raises(SettingsError, match=r"'\.\./elsewhere' is no region"):
        Settings.load(tmp_path)


@pytest.mark.parametrize(
    ("host", "settings", "problem"),
    [
        ("docker.io", 'username = "me"', "username and password go together"),
        ("docker.io", 'accounts = ["111111111111"]', "accounts is said of a username, and it has"),
        (
            "docker.io",
            'username = "me"\npassword = "secret"\naccounts = ["1"]',
            "'1' below accounts is no account: twelve digits",
        ),
        ("docker.io", 'url = "mirror.example.com"', "it has not the form that is wanted. Where to"),
        ("docker.io", 'url = "https://mirror:99999"', "no host and port: Port out of range"),
        ("docker.io", 'url = "https://[::1/hub"', "no host and port: Invalid IPv6 URL"),
        ("docker.io", 'url = "https://me:secret@mirror"', "it has not the form that is wanted"),
        ("https://docker.io", "", "'https://docker.io' is no HOST or HOST:PORT"),
        ("docker.io/library", "", "is no HOST or HOST:PORT, such as docker.io"),
    ],
)
def test_a_registry_that_cannot_be_is_refused(
    tmp_path: Path, host: str, settings: str, problem: str
) -> None:
    (tmp_path / "settings.toml").write_text(f'[registries."{host}"]\n{settings}\n')

    with pytest.raises(SettingsError, match=f"registries.*{problem}"):
        Settings.load(tmp_path)


@pytest.mark.parametrize(
    ("host", "parent"),
    [
        ("R.Example.com:5000", "R.example.COM:5000/web"),
        ("index.docker.io", "debian:12"),
        ("registry-1.docker.io", "docker.io/library/debian"),
        ("docker.io", "index.docker.io/library/debian"),
        ("Docker.io", "registry-1.docker.io/debian"),
    ],
)
def test_a_registry_is_found_however_its_host_is_spelled(
    tmp_path: Path, host: str, parent: str
) -> None:
    (tmp_path / "settings.toml").write_text(f'[registries."{host}"]\n')
    reference = read_reference(parent)

    assert reference is not None
    assert reference.host in Settings.load(tmp_path).registries


@pytest.mark.parametrize(
    ("one", "other"), [("docker.io", "index.docker.io"), ("r.example.com", "R.example.com")]
)
def test_a_registry_is_named_once(tmp_path: Path, one: str, other: str) -> None:
    text = f'[registries."{one}"]\n[registries."{other}"]\nurl = "https://mirror"\n'
    (tmp_path / "settings.toml").write_text(text)

    with pytest.raises(SettingsError, match=f"'{one}' is named twice, under '{other}' too"):
        Settings.load(tmp_path)


def test_a_value_of_another_form_is_told_what_is_wanted_and_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('account = "12"\n')

    with pytest.raises(SettingsError) as refused:
        Settings.load(tmp_path)

    assert "account: it has not the form that is wanted" in str(refused.value)
    assert "twelve digits" in str(refused.value)
    assert "[0-9]" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ('[aws]\ns3_endpoint = "localhost:9000"', "aws.s3_endpoint: this is no http:// or https"),
        ('[aws]\nsns_endpoint = ""', "aws.sns_endpoint: this is no http:// or https:// URL"),
        ("[aws]\ntimeout_seconds = inf", "aws.timeout_seconds: Input should be less than"),
        ("[downloads]\ntimeout_seconds = 1e300", "downloads.timeout_seconds: Input should be less"),
        ("[layers]\nmax_age_hours = inf", "layers.max_age_hours: Input should be less than"),
        ("[sandbox]\nkept_hours_max = inf", "sandbox.kept_hours_max: Input should be less than"),
        ("[sandbox]\ncpus_max = inf", "sandbox.cpus_max: Input should be less than"),
        ("[sandbox]\ncpus_max = 0.001", "sandbox.cpus_max: no machine runs with less than 0.01"),
        ("[sandbox]\nmemory_bytes_max = 512", "sandbox.memory_bytes_max: no machine runs with"),
        ("[sandbox]\nfile_bytes_max = 9223372036854775807", "sandbox.file_bytes_max: Input should"),
        ("region = ", "settings.toml"),
    ],
)
def test_what_would_stop_a_build_or_the_server_is_refused_at_once(
    tmp_path: Path, settings: str, problem: str
) -> None:
    (tmp_path / "settings.toml").write_text(f"{settings}\n")

    with pytest.raises(SettingsError, match=problem):
        Settings.load(tmp_path)


def test_an_age_may_be_as_good_as_for_ever_and_a_limit_none(tmp_path: Path) -> None:
    text = "[layers]\nmax_age_hours = 876000\n[sandbox]\ncpus_max = 0\nmemory_bytes_max = 0\n"
    (tmp_path / "settings.toml").write_text(text)

    found = Settings.load(tmp_path)

    assert datetime.now(UTC) - timedelta(hours=found.layers.max_age_hours) < datetime.now(UTC)
    assert (found.sandbox.cpus_max, found.sandbox.memory_bytes_max) == (0, 0)


def test_a_list_in_the_environment_that_is_no_json_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEWRIGHT_WEBHOOKS_URLS", "https://hooks.example.com")

    with pytest.raises(SettingsError, match=r"webhooks.*is JSON in the environment"):
        Settings.load(tmp_path)
