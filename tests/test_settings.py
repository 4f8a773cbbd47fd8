"""The settings: where they come from."""

from pathlib import Path

from imagewright.settings import Settings


def test_the_file_of_one_state_says_nothing_of_the_next(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('region = "local-dc-1"\n')

    assert Settings.load(tmp_path).region == "local-dc-1"
    assert Settings.load(tmp_path / "other").region == "us-east-1"
    assert Settings().region == "us-east-1"
