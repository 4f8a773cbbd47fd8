"""What ``imagewright build`` refuses of its files, before there is a server."""

from pathlib import Path

import pytest
from tests.cli.conftest import Run

RECIPE = "name: web\nparentImage: debian-12\n"
COMPONENT = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Do
        action: ExecuteBash
        inputs: {commands: [echo Größe]}
"""
DOCKERFILE = "FROM {{{ imagebuilder:parentImage }}}\nLABEL size=Größe\n"


@pytest.mark.parametrize(
    ("member", "name", "text", "place"),
    [
        ("components: [c.yaml]\n", "c.yaml", COMPONENT, "c.yaml:7:36"),
        ("dockerfile: Dockerfile\n", "Dockerfile", DOCKERFILE, "Dockerfile:2:14"),
    ],
)
def test_a_file_that_is_not_utf8_is_refused_where_it_stops_being_it(
    run: Run, tmp_path: Path, member: str, name: str, text: str, place: str
) -> None:
    (tmp_path / "web.yaml").write_text(RECIPE + member)
    (tmp_path / name).write_bytes(text.encode("latin-1"))

    done = run("build", "web.yaml")

    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DC001]: the byte 0xF6 is not UTF-8 here" in done.stderr
    assert place in done.stderr


def test_a_template_longer_than_any_document_is_not_cut(run: Run, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(f"{RECIPE}dockerfile: Dockerfile\n")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE + "# more\n" * 10_000)

    done = run("build", "web.yaml")

    assert (done.returncode, done.stdout) == (1, "")
    assert "more bytes than the 65,536 a document may have" in done.stderr


def test_a_recipe_file_that_is_not_utf8_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_bytes(f"{RECIPE}description: Größe\n".encode("latin-1"))

    done = run("build", "web.yaml")

    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "error: web.yaml is no text in UTF-8: the byte 0xF6 at line 3, column 16 is not UTF-8\n",
    )
