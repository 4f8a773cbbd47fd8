"""The wheel and the source distribution hold what the product needs, and nothing else."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(target)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return target


def test_the_wheel_holds_every_file_of_the_package_and_its_licence(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    package = {name for name in names if name.startswith("imagewright/")}
    assert package == {
        str(file.relative_to(SOURCES))
        for file in (SOURCES / "imagewright").rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    assert "imagewright/py.typed" in package
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_serves_from_where_it_was_unpacked(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # noqa: S202 - our own
    state = tmp_path / "state"
    program = [
        sys.executable, "-m", "imagewright", "serve", "--state", str(state), "--port", "0"
    ]  # fmt: skip

    with subprocess.Popen(
        program, env={"PYTHONPATH": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        server.terminate()

    assert said.startswith("imagewright answers at http://127.0.0.1:")
    assert server.returncode == 0


def test_the_source_distribution_holds_no_more_than_the_repository(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}

    assert {"pyproject.toml", "README.md", "src/imagewright/py.typed"} <= names
    assert not [name for name in names if name.startswith((".venv", ".git/"))]
