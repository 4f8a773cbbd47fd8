"""Make a virtual environment with the pinned dependencies, showing how far it is.

    python3 .ci/virtual_environment.py .venv

Needs pip, and no ensurepip, which Debian keeps in a package of its own: pip installs from outside.
It says so itself if Python or pip is missing or too old, so no newer syntax before that.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRESS_SECONDS = 10.0
"""Between two lines of progress where there is no terminal to draw on."""


def main() -> None:
    """Make it, or end with what is missing."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the check
        sys.exit("error: imagewright needs Python 3.11 or later, this is " + sys.version.split()[0])
    target = Path(sys.argv[1]).absolute()
    started = time.monotonic()
    print(f"installing the pinned dependencies into {sys.argv[1]}", flush=True)
    pip = pip_for(target)
    arguments = ["--constraint", "constraints.txt", "--editable", ".[dev,postgresql]"]
    count = install([*pip, "install", "--progress-bar", "off", *arguments], started)
    print(f"installed {count} packages in {time.monotonic() - started:.0f} s", flush=True)


def pip_for(target: Path) -> "list[str]":
    """Make an empty environment, and return the pip that installs into it."""
    own = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*own, "--version"], capture_output=True).returncode != 0:
        sys.exit("error: pip is missing; as root, run: apt-get install -y python3-pip")
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", target], check=True)
    python = target / "bin" / "python"
    from_outside = [*own, "--python", str(python)]
    if subprocess.run([*from_outside, "--version"], capture_output=True).returncode == 0:
        return from_outside
    # Before 22.3 pip cannot install into another environment; that one gets a pip of its own.
    (place,) = (target / "lib").glob("python*/site-packages")
    subprocess.run([*own, "install", "--quiet", "--target", str(place), "pip"], check=True)
    return [str(python), "-m", "pip", "--disable-pip-version-check"]


def install(argv: "list[str]", started: float) -> int:
    """Run pip, show what it is at, and return how many packages it installed."""
    shown_at = started
    packages: list[str] = []
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101 - for mypy; it is a pipe
    for line in process.stdout:
        words = line.split()
        if words[:3] == ["Installing", "collected", "packages:"]:
            packages = words[3:]
        elif words[:1] not in (["Collecting"], ["Building"]):
            continue
        what = f"installing {len(packages)} packages" if packages else " ".join(words[:2]).lower()
        if sys.stdout.isatty():
            print(f"\r\033[K  {time.monotonic() - started:3.0f} s  {what}", end="", flush=True)
        elif time.monotonic() > shown_at + PROGRESS_SECONDS:
            shown_at = time.monotonic()
            print(f"  {shown_at - started:3.0f} s  {what}", flush=True)
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)
    if process.wait() != 0:
        sys.exit("error: the dependencies could not be installed; what pip said stands above")
    return len(packages)


if __name__ == "__main__":
    main()
