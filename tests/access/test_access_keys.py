import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imagewright.access.keys import AccessKeys, KeyFileError
from imagewright.access.rates import RateLimit
from imagewright.errors import CallRateLimitExceeded


def test_an_account_gets_its_first_key_once(tmp_path: Path) -> None:
    keys = AccessKeys(tmp_path / "keys.json")

    first = keys.first_of("123456789012")

    assert keys.first_of("123456789012") == first
    assert first.arn == "arn:aws:iam::123456789012:user/imagewright"
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_a_key_made_by_another_process_is_found(tmp_path: Path) -> None:
    serving = AccessKeys(tmp_path / "keys.json")
    first = serving.first_of("123456789012")
    assert serving.find(first.access_key_id) == first

    added = AccessKeys(tmp_path / "keys.json").create("210987654321", "other")

    assert serving.find(added.access_key_id) == added


def test_keys_made_by_several_processes_at_once_are_all_kept(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from imagewright.access.keys import AccessKeys\n"
        "keys = AccessKeys(pathlib.Path(sys.argv[1]))\n"
        "for number in range(20): keys.create('123456789012', f'user{number}')"
    )
    file = tmp_path / "keys.json"

    processes = [subprocess.Popen([sys.executable, "-c", script, file]) for _ in range(4)]
    codes = [process.wait() for process in processes]

    assert codes == [0, 0, 0, 0]
    assert len(AccessKeys(file).all()) == 80


def test_a_deleted_key_is_found_no_more(tmp_path: Path) -> None:
    keys = AccessKeys(tmp_path / "keys.json")
    key = keys.create("123456789012", "someone")

    assert keys.delete(key.access_key_id)
    assert not keys.delete(key.access_key_id)
    assert keys.find(key.access_key_id) is None


@pytest.mark.parametrize(
    ("account", "user"), [("12", "a"), ("123456789012", "a b"), ("x" * 12, "a")]
)
def test_an_account_or_user_that_cannot_be_is_refused(
    tmp_path: Path, account: str, user: str
) -> None:
    with pytest.raises(KeyFileError):
        AccessKeys(tmp_path / "keys.json").create(account, user)


def test_a_damaged_file_of_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('[{"nothing": 1}]')

    with pytest.raises(KeyFileError, match=r"keys\.json"):
        AccessKeys(tmp_path / "keys.json").find("AKIA")


def test_a_rate_is_kept_per_account_and_fills_with_time() -> None:
    moment = [0.0]
    limit = RateLimit(2, monotonic=lambda: moment[0])

    limit.spend("a")
    limit.spend("a")
    limit.spend("b")
    with pytest.raises(CallRateLimitExceeded):
        limit.spend("a")
    moment[0] = 0.5
    limit.spend("a")
    with pytest.raises(CallRateLimitExceeded):
        limit.spend("a")


def test_no_rate_is_no_limit_and_threads_share_a_bucket() -> None:
    free, tight = RateLimit(0), RateLimit(5, monotonic=lambda: 0.0)
    refused: list[Exception] = []

    def work() -> None:
        free.spend("a")
        try:
            tight.spend("a")
        except CallRateLimitExceeded as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 15
