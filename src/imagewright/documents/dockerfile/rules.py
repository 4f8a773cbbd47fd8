"""The rules of Dockerfile templates (CTR-02, CTR-03), and what is not served here.

Each class is its own page; the code that finds the fault is in the module that reads that part.
"""

from imagewright.documents.dockerfile.variables import Variable
from imagewright.documents.rules import Rule

PARENT = Variable.PARENT_IMAGE.written
ENVIRONMENTS = Variable.ENVIRONMENTS.written
COMPONENTS = Variable.COMPONENTS.written

_FROM = f"FROM {PARENT}\n"


class NoParent(Rule):
    """A template says `FROM {{{ imagebuilder:parentImage }}}`.

    The recipe names the parent image; the template has the variable for it.
    """

    code = "DF001"
    good = _FROM
    bad = "# nothing yet\n"


class BeforeFrom(Rule):
    """Before `FROM`, only `ARG` may stand."""

    code = "DF002"
    good = f"ARG release=1\n{_FROM}ARG release\n"
    bad = f"ENV release=1\n{_FROM}"


class Stages(Rule):
    """A template has one `FROM`: there are no stages here.

    What another stage would build, a component can build and clean away, or a `RUN` that does
    both.
    """

    code = "DF003"
    good = f"{_FROM}RUN make && make install && make clean\n"
    bad = f"{_FROM}RUN make\n{_FROM}"


class OtherParent(Rule):
    """The image stands on the parent image of its recipe, and on no other.

    Name the image in the recipe as `parentImage`, and write the variable behind `FROM`.
    """

    code = "DF004"
    good = _FROM
    bad = "FROM debian:12\n"


class UnknownInstruction(Rule):
    """A line begins with an instruction.

    Mostly it is one misspelt, or the line above lacks the `\\` that continues it.
    """

    code = "DF005"
    good = f"{_FROM}RUN make \\\n  install\n"
    bad = f"{_FROM}RUNN make\n"


class UnknownFlag(Rule):
    """An instruction takes only its own flags."""

    code = "DF006"
    good = f"{_FROM}ADD --chown=app https://example.com/a /a\n"
    bad = f"{_FROM}ADD --chonw=app https://example.com/a /a\n"


class Arguments(Rule):
    """An instruction has the arguments that it needs, in the form that it takes."""

    code = "DF007"
    good = f"{_FROM}WORKDIR /srv\n"
    bad = f"{_FROM}WORKDIR\n"


class Directives(Rule):
    """Directives at the top say how the text is to be read.

    `# escape=` takes a backslash or a backtick, and `# syntax=` the language of
    `docker/dockerfile`. Each stands once.
    """

    code = "DF008"
    good = f"# syntax=docker/dockerfile:1\n# escape=`\n{_FROM}RUN make `\n  install\n"
    bad = f"# escape=/\n{_FROM}"


class Heredocs(Rule):
    """A heredoc ends with a line that holds its name alone."""

    code = "DF009"
    good = f"{_FROM}RUN <<EOF\nmake\nmake install\nEOF\n"
    bad = f"{_FROM}RUN <<EOF\nmake\nmake install\n"


class VariablePlace(Rule):
    """Variables of the template stand in `FROM`, or on lines of their own.

    `parentImage` stands behind `FROM`; `environments` and `components` each stand on a line of
    their own. Nowhere else does one mean anything.
    """

    code = "DF010"
    good = f"{_FROM}{ENVIRONMENTS}\n{COMPONENTS}\n"
    bad = f"{_FROM}RUN echo {PARENT}\n"


class BuildContext(Rule):
    """A container recipe has no build context: there are no files to copy from.

    Fetch files with `ADD` from a URL, write them with a heredoc, or fetch them with a component
    (`S3Download`, `WebDownload`).
    """

    code = "DF011"
    good = f"{_FROM}COPY <<EOF /etc/app.conf\nlevel = info\nEOF\n"
    bad = f"{_FROM}COPY app.conf /etc/app.conf\n"


class OtherImage(Rule):
    """Files come from no other image, and from no other stage."""

    code = "DF012"
    good = f"{_FROM}ADD https://example.com/tool /usr/local/bin/tool\n"
    bad = f"{_FROM}COPY --from=golang:1 /usr/local/go /usr/local/go\n"


class GitSource(Rule):
    """`ADD` fetches files, not repositories of git.

    A `RUN git clone` does it, or the archive that most hosts of repositories give at a URL.
    """

    code = "DF013"
    good = f"{_FROM}RUN git clone https://example.com/app.git /srv/app\n"
    bad = f"{_FROM}ADD https://example.com/app.git /srv/app\n"


class Mounts(Rule):
    """`RUN --mount` takes the types `tmpfs` and `cache`.

    Both are an empty directory in memory while the command runs: of a cache, a Dockerfile may
    expect nothing. Secrets reach a component's steps; files of another image, or of a build
    context, are not there at all.
    """

    code = "DF014"
    good = f"{_FROM}RUN --mount=type=cache,target=/root/.cache make\n"
    bad = f"{_FROM}RUN --mount=type=secret,id=token make\n"


class NotServed(Rule):
    """What Docker can do and no build here does is refused, rather than left out."""

    code = "DF015"
    good = f"{_FROM}RUN make\n"
    bad = f"{_FROM}RUN --security=insecure make\n"


class Names(Rule):
    """A variable or label has a name, without blanks, quotes and control characters."""

    code = "DF016"
    good = f"{_FROM}ENV level=info\n"
    bad = f"{_FROM}ENV =info\n"


class Writing(Rule):
    """Quotes are closed, and variables written as the shell writes them.

    `$name`, `${name}`, `${name:-or else}`, `${name:+if set}` and their like.
    """

    code = "DF017"
    good = f'{_FROM}ENV level="info" path=${{HOME:-/root}}/bin\n'
    bad = f'{_FROM}ENV level="info\n'


class Values(Rule):
    """Ports, signals, times, modes, owners and checksums are what they should be."""

    code = "DF018"
    good = f"{_FROM}EXPOSE 8080/tcp\n"
    bad = f"{_FROM}EXPOSE http\n"


class Triggers(Rule):
    """`ONBUILD` keeps one instruction for later, on one line.

    `FROM`, `ONBUILD`, `MAINTAINER` and the variables of the template cannot be kept.
    """

    code = "DF019"
    good = f"{_FROM}ONBUILD COPY . /srv\n"
    bad = f"{_FROM}ONBUILD FROM debian:12\n"


class Characters(Rule):
    """A template holds no NUL, nor halves of characters."""

    code = "DF020"
    good = f"{_FROM}LABEL place=Ü\n"
    bad = f"{_FROM}LABEL place=\x00\n"


class Twice(Rule):
    """The components run once, at one place."""

    code = "DF021"
    good = f"{_FROM}{ENVIRONMENTS}\n{COMPONENTS}\n"
    bad = f"{_FROM}{ENVIRONMENTS}\n{COMPONENTS}\nRUN make\n{COMPONENTS}\n"


class NearlyJson(Rule):
    """What begins with `[` and is no JSON array of texts is run by the shell as it stands.

    Texts in JSON stand in double quotes, with commas between them.
    """

    code = "DF050"
    severity = "warning"
    good = f'{_FROM}CMD ["serve", "--now"]\n'
    bad = f"{_FROM}CMD ['serve', '--now']\n"


class EmptyContinuation(Rule):
    """A continued instruction goes on over empty lines, which Docker means to refuse.

    Begin the empty line with `#`, or leave it out.
    """

    code = "DF051"
    severity = "warning"
    good = f"{_FROM}RUN make \\\n  # and then\n  install\n"
    bad = f"{_FROM}RUN make \\\n\n  install\n"


class OnlyTheLast(Rule):
    """Of several `CMD`, `ENTRYPOINT` or `HEALTHCHECK`, the last one counts."""

    code = "DF052"
    severity = "warning"
    good = f"{_FROM}CMD serve --now\n"
    bad = f"{_FROM}CMD serve\nCMD serve --now\n"


DOCKERFILE_RULES: tuple[type[Rule], ...] = (
    NoParent,
    BeforeFrom,
    Stages,
    OtherParent,
    UnknownInstruction,
    UnknownFlag,
    Arguments,
    Directives,
    Heredocs,
    VariablePlace,
    BuildContext,
    OtherImage,
    GitSource,
    Mounts,
    NotServed,
    Names,
    Writing,
    Values,
    Triggers,
    Characters,
    Twice,
    NearlyJson,
    EmptyContinuation,
    OnlyTheLast,
)
