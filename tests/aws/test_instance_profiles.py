"""Where the credentials of instance profiles come from."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.other_services import OtherServices

from imagewright.aws.clients import AwsClients
from imagewright.aws.instance_profiles import InstanceProfiles
from imagewright.clock import SystemClock
from imagewright.machines.metadata import NoCredentials
from imagewright.settings import Aws, InstanceProfile, Settings, SettingsError

ROLE = "arn:aws:iam::123456789012:role/builder"


def profiles(aws: Aws | None = None, **builder: Any) -> InstanceProfiles:
    settings = {"builder": InstanceProfile(**builder)}
    return InstanceProfiles(settings, AwsClients(aws or Aws()), SystemClock())


def test_a_profile_that_the_settings_lack_has_none() -> None:
    assert profiles(profile="a").source("other", "us-east-1") is None
    assert profiles(profile="a").source("", "us-east-1") is None


def test_a_key_of_the_settings_is_given_as_it_is() -> None:
    get = profiles(access_key_id="AKIA", secret_access_key="s").source("builder", "us-east-1")
    assert get is not None

    found = get()

    assert (found.access_key_id, found.secret_access_key, found.session_token) == ("AKIA", "s", "")
    assert found.expires_at > datetime.now(UTC)


def test_a_role_is_assumed_once_for_as_long_as_it_lasts(others: OtherServices) -> None:
    aws = Aws(sts_endpoint=others.url, access_key_id="a", secret_access_key="b")
    get = profiles(aws, role_arn=ROLE).source("builder", "us-east-1")
    assert get is not None

    first, second = get(), get()

    assert first.access_key_id.startswith("ASIA")
    assert first.session_token
    assert first == second


def test_without_access_to_sts_the_setting_is_named() -> None:
    get = profiles(role_arn=ROLE).source("builder", "us-east-1")
    assert get is not None

    with pytest.raises(NoCredentials, match=r"could not be assumed: .*aws\.sts_endpoint"):
        get()


def test_a_profile_of_the_operator_is_read_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[ci]\naws_access_key_id = AKIACI\naws_secret_access_key = of-ci\n[empty]\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    get = profiles(profile="ci").source("builder", "us-east-1")
    missing = profiles(profile="missing").source("builder", "us-east-1")
    empty = profiles(profile="empty").source("builder", "us-east-1")
    assert get
    assert missing
    assert empty

    assert get().secret_access_key == "of-ci"
    with pytest.raises(NoCredentials, match="the AWS profile 'missing'"):
        missing()
    with pytest.raises(NoCredentials, match="the AWS profile 'empty' has no credentials"):
        empty()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "it takes one of role_arn, profile, access_key_id"),
        ('profile = "a"\naccess_key_id = "b"\nsecret_access_key = "c"', "it takes one of"),
        ('access_key_id = "b"', "access_key_id and secret_access_key go together"),
        ('profile = "a"\nsession_token = "c"', "session_token is said of an access_key_id"),
        ('role_arn = "builder"', "role_arn"),
    ],
)
def test_a_profile_has_one_source(tmp_path: Path, lines: str, problem: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[instance_profiles.builder]\n{lines}\n")

    with pytest.raises(SettingsError, match=rf"instance_profiles\.builder.*{problem}"):
        Settings.load(tmp_path)
