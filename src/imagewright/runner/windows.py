"""A Windows machine as one attempt of a step sees it, by way of the guest (§7).

Modules for Windows alone use this in place of the guest's shell. No driver of this release gives
such a machine: it was tested against recordings of the machine protocol, never on Windows.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from imagewright.runner.failures import ModuleFailure, own_words
from imagewright.runner.guest import Finished, Guest
from imagewright.runner.powershell import absolute, command, literal

REBOOT_EXIT_CODE = 3010
_PIECE_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Windows:
    """PowerShell and files of a machine."""

    guest: Guest

    def path(self, given: str) -> str:
        """Make a path absolute, from the working directory. Raises ModuleFailure."""
        return absolute(given, self.guest.environment.working_directory)

    def script(self, text: str) -> str:
        """Run a script of ours, out of the log, and return what it printed.

        Raises ModuleFailure with its complaint if it fails.
        """
        return self.guest.program(command(text))

    def stream(self, text: str, *, shown: tuple[str, ...]) -> Finished:
        """Run a script of ours that starts a program of the author's, with a place in the log."""
        return self.guest.stream(command(text), shown=shown)

    def check_file(self, path: str) -> None:
        """Raise ModuleFailure if there is no file of this absolute path."""
        test = f"[IO.File]::Exists({literal(path)})"
        if self.script(f"[Console]::Out.Write({test})") != "True":
            raise ModuleFailure(f"the file does not exist: {path}")

    @contextmanager
    def folder(self) -> Iterator[tuple[str, int]]:
        """Name a fresh folder below ``%TEMP%`` and its number; it goes away afterwards."""
        number = secrets.randbelow(9 * 10**8) + 10**8
        parent = self.script("[Console]::Out.Write([IO.Path]::GetTempPath())")
        folder = f"{parent.rstrip(chr(92))}\\AWSTOE{number}"
        try:
            yield folder, number
        finally:
            remove = f"Remove-Item -LiteralPath {literal(folder)} -Recurse -Force"
            self.guest.clean_up_with(command(remove))

    def bring_in(self, file: IO[bytes], path: str) -> None:
        """Write a file of this host into a folder of ours, in pieces."""
        file.seek(0)
        piece = f"{path}.part"
        while content := file.read(_PIECE_BYTES):
            self.guest.check()
            self.guest.machine.put_file(piece, content)
            self.script(
                f"$from = [IO.File]::ReadAllBytes({literal(piece)})\n"
                f"$to = [IO.File]::Open({literal(path)}, 'Append')\n"
                "try { $to.Write($from, 0, $from.Length) } finally { $to.Dispose() }"
            )


def exit_words(finished: Finished) -> str:
    """Say why a script failed; exit codes of Windows stand for no signals."""
    return own_words(finished.stdout) or f"exit status {finished.exit_code}"
