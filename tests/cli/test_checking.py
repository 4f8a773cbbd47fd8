"""Documents that are shared out among processes."""

import os
import signal

import pytest
import typer

from imagewright.cli.checking import check_all
from imagewright.cli.exits import ExitCode
from imagewright.cli.files import Content
from imagewright.documents.validation import Validated


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two processors")
def test_a_process_that_is_killed_ends_the_command_with_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def check(file: Content) -> Validated:
        if file.content == b"70":
            os.kill(os.getpid(), signal.SIGKILL)
        return Validated(None, "", ())

    files = [Content(f"{number}.yaml", str(number).encode(), found=True) for number in range(100)]

    with pytest.raises(typer.Exit) as ended:
        list(check_all(files, check))

    assert ended.value.exit_code == ExitCode.FAILED
    assert "was killed, mostly for lack of memory" in capsys.readouterr().err
