"""Templates that went wrong at random: never a traceback, a finding without place, or a hang."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import works_within
from tests.documents.component.test_mutated_components import has_place
from tests.documents.workflow.test_mutated_workflows import at_random, in_time

from imagewright.documents.diagnostics import has_errors
from imagewright.documents.diagnostics.terminal import render
from imagewright.documents.dockerfile.check import load_dockerfile
from imagewright.documents.dockerfile.config import ImageConfig
from imagewright.documents.dockerfile.evaluation import DockerfileError, plan
from imagewright.documents.places import split_lines

pytestmark = in_time

SIZE_MAX = 16_000
"""Of a template in characters (CTR-02)."""
SECONDS_MAX = 1

VALID = """\
# syntax=docker/dockerfile:1
# escape=`
ARG release=1.2
FROM --platform=$TARGETPLATFORM {{{ imagebuilder:parentImage }}} AS base
ARG release
ENV NAME=app DIR="/opt/$NAME" EMPTY=
ENV old form of "a value"
LABEL org.example.name='It''s $NAME' other=${release:-none}
{{{ imagebuilder:environments }}}
RUN --mount=type=cache,target=/root/.cache make && `
    # why not
    make install
RUN ["make", "clean"]
RUN <<EOF
#!/bin/bash -e
echo $NAME
EOF
RUN cat <<-A <<'B' > /both
\tone
\tA
two
B
WORKDIR ${DIR%/*}/x
COPY --chown=app:app --chmod=0644 <<EOF <<"Other" conf/
level = ${LEVEL:+info} \\$x
EOF
plain
Other
ADD --chmod=755 https://example.com/$release/tool.tar.gz /usr/local/
{{{ imagebuilder:components }}}
USER app
EXPOSE 8080 53/udp 7000-7010
VOLUME ["/data", "/logs"]
STOPSIGNAL SIGQUIT
SHELL ["/bin/bash", "-c"]
HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f http://localhost/ || exit 1
ONBUILD RUN make test
MAINTAINER somebody
ENTRYPOINT ["/opt/app"]
CMD serve --now
"""
PARENT = ImageConfig(env={"LEVEL": "1"}, on_build=["RUN early", "WORKDIR /early"])

PIECES = st.sampled_from(
    [
        *VALID.split(),
        *"\\`\"'$#={}[]<>|&,:/-\t\n\r ",
        "<<",
        "<<EOF",
        "<< EOF\n",
        "\nEOF\n",
        "${",
        "${x:?no}",
        "${NAME//a/b}",
        "${NAME##*}",
        "$NAME$NAME$NAME$NAME",
        "\\\n",
        "`\n",
        "\n#\n",
        "--mount=type=",
        "--from=",
        "\nFROM ",
        "\nONBUILD ",
        "{{{ imagebuilder:components }}}",
        '["',
        '"]',
        "\u2028",
        "\ufeff",
        "\x00",
        "\ud800",
        "é漢🎉",
        "9" * 500,
    ]
)
CHANGES = st.lists(
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 40), st.lists(PIECES, max_size=3)),
    min_size=1,
    max_size=8,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["release", "NAME", "http_proxy"]), st.text(max_size=9))


def test_the_template_that_is_mutated_is_a_good_one() -> None:
    checked = load_dockerfile(VALID)

    assert checked.findings == ()
    assert checked.dockerfile is not None
    plan(checked.dockerfile, PARENT)


@at_random
@given(CHANGES, ARGUMENTS)
def test_a_mutated_template_gets_findings_with_places_and_nothing_else(
    changes: list[tuple[int, int, list[str]]], arguments: dict[str, str]
) -> None:
    text = VALID
    for at, length, pieces in changes:
        text = text[:at] + "".join(pieces) + text[at + length :]

    checked = load_dockerfile(text)

    lines = split_lines(text)
    assert [each for each in checked.findings if not has_place(each, lines)] == []
    assert (checked.dockerfile is None) == has_errors(checked.findings)
    render(checked.findings, text, "x.Dockerfile")
    if checked.dockerfile is None:
        return
    try:
        planned = plan(checked.dockerfile, PARENT, arguments=arguments, architecture="amd64")
    except DockerfileError as error:
        places = [error.line]
    else:
        places = [task.line for task in planned.tasks]
    assert [line for line in places if not 1 <= line <= len(lines)] == []


FROM = "FROM {{{ imagebuilder:parentImage }}}\n"


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "{{{ imagebuilder:",
            "{{{ ",
            "${",
            "${a:-",
            "$",
            '"',
            "'",
            "\\",
            "\\\n",
            "#\n",
            "<<A ",
            "<< A ",
        ),
        *(
            "RUN <<A\n",
            "a\n",
            "AB\n",
            "ENV a=$a$a\n",
            "ENV a=${a}${a}\n",
            'RUN ["',
            "[",
            "--a ",
            "--",
        ),
        *("--mount=type=tmpfs,", "LABEL a=b\n", "EXPOSE 1-65535\n", "RUN a\n", "ARG a b c\n", "\t"),
        *(
            "COPY <<A /a\nA\n",
            "ADD $a /a\n",
            "ONBUILD ",
            "RUN << A\n",
            "=",
            "a=b ",
            "CMD a\n",
            "1m",
        ),
    ],
)
@pytest.mark.parametrize("head", [FROM, f"{FROM}RUN ", f"{FROM}ENV a=", f"{FROM}COPY <<A /a\n"])
def test_a_template_as_long_as_may_be_is_read_at_once(head: str, piece: str) -> None:
    text = (head + piece * SIZE_MAX)[:SIZE_MAX]

    def read() -> None:
        checked = load_dockerfile(text)
        if checked.dockerfile is not None:
            with suppress(DockerfileError):
                plan(checked.dockerfile, PARENT)

    works_within(SECONDS_MAX, read)
