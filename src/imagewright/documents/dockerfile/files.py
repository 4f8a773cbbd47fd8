"""Reading ``COPY`` and ``ADD``: what may come into an image, without a build context."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from imagewright.documents.dockerfile import rules, values
from imagewright.documents.dockerfile.expansion import ExpansionError, expand
from imagewright.documents.dockerfile.lines import PlacedHeredoc
from imagewright.documents.dockerfile.model import Add, Copy, Heredoc
from imagewright.documents.dockerfile.statement import Flag, Statement
from imagewright.documents.dockerfile.values import WrongValue, short
from imagewright.documents.dockerfile.words import Word, at_blanks

_WAY_OUT: Final = (
    "use `ADD` with a URL, a heredoc (`COPY <<EOF /file`), or a component with `S3Download` or "
    "`WebDownload`"
)
_GIT = re.compile(r"(?:git|ssh)://|git@|git\+|https?://[^#]*\.git(?:[#?].*)?\Z", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB: Final = ("http://", "https://")
_OWN_FLAGS: Final = ("chown", "chmod", "link")
_COPY_FLAGS: Final = (*_OWN_FLAGS, "from", "parents", "exclude")
_ADD_FLAGS: Final = (*_OWN_FLAGS, "checksum", "keep-git-dir", "unpack", "exclude")


def read_copy(statement: Statement) -> Copy:
    """Read ``COPY``. Raises Unreadable."""
    flags = statement.take_flags(_COPY_FLAGS)
    owner, mode = _attributes(statement, flags)
    origin = statement.one_flag(flags["from"])
    if origin is not None:
        message = f"there is no other image or stage to copy from, `{short(origin.value or '')}`"
        statement.report(rules.OtherImage, origin.word, message, fix=_WAY_OUT)
    sources, destination, heredocs = _operands(statement)
    for source in sources if not flags["from"] else ():
        _refuse_context(statement, source)
    return Copy(
        **statement.head,
        destination=destination.text,
        owner=owner,
        mode=mode,
        heredocs=heredocs,
    )


def read_add(statement: Statement) -> Add:
    """Read ``ADD``. Raises Unreadable."""
    flags = statement.take_flags(_ADD_FLAGS)
    owner, mode = _attributes(statement, flags)
    checksum = statement.checked_flag(flags["checksum"], values.checksum)
    sources, destination, heredocs = _operands(statement)
    for source in sources:
        _check_source(statement, source)
    if checksum is not None and (len(sources) != 1 or heredocs):
        message = "`--checksum` is that of one file, from one URL"
        statement.report(rules.Arguments, flags["checksum"][0].word, message)
    return Add(
        **statement.head,
        sources=[source.text for source in sources],
        destination=destination.text,
        owner=owner,
        mode=mode,
        checksum=checksum,
        heredocs=heredocs,
    )


def is_git(source: str) -> bool:
    """Tell whether a source is a repository of git, as Docker tells."""
    return _GIT.match(source) is not None


def is_web(source: str) -> bool:
    """Tell whether a source is a URL of the web."""
    return source.lower().startswith(_WEB)


def check_url(url: str) -> str:
    """Return a URL as it is. Raises WrongValue where it is none."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole or any(each.isspace() or not each.isprintable() for each in url):
        raise WrongValue(f"`{short(url)}` is no URL", "write `https://host/path`")
    return url


def last_segment(url: str) -> str:
    """Return the name of the file at a URL. Raises WrongValue where it has none."""
    name = posixpath.basename(unquote(urlsplit(url).path, errors="replace"))
    return file_name(name, f"the URL `{short(url)}`")


def file_name(name: str, of: str) -> str:
    """Return a name of a file as it is. Raises WrongValue where it is none."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise WrongValue(f"{of} ends in no name of a file", "name it in the destination")
    return name


def is_directory(destination: str) -> bool:
    """Tell whether a destination is one by its writing alone."""
    return posixpath.basename(destination) in ("", ".", "..")


def _attributes(
    statement: Statement, flags: Mapping[str, Sequence[Flag]]
) -> tuple[str | None, str | None]:
    """Read owner and mode, and refuse the flags that only a build context gives a sense."""
    for name in ("parents", "exclude", "keep-git-dir", "unpack"):
        for flag in flags.get(name, ()):
            if flag.value is None or flag.value.lower() not in ("false", "0"):
                message = f"`--{name}` is not served here"
                statement.report(rules.NotServed, flag.word, message, fix="leave the flag out")
    return (
        statement.checked_flag(flags["chown"], values.owner),
        statement.checked_flag(flags["chmod"], values.mode),
    )


def _operands(statement: Statement) -> tuple[Sequence[Word], Word, Sequence[Heredoc]]:
    """Tell sources, destination and heredocs apart. Raises Unreadable."""
    rest = statement.need_rest("source", "… /destination")
    listed = statement.listed(rest)
    words = at_blanks(rest) if listed is None else [Word(each, rest.start) for each in listed]
    placed = {each.name_at: each.heredoc for each in statement.line.heredocs}
    if len(words) < 2:
        message = f"`{statement.keyword}` needs a source and a destination"
        statement.refuse(rules.Arguments, rest, message)
    if listed is None and words[-1].start in placed:
        message = "the destination is missing behind the heredoc"
        statement.refuse(rules.Arguments, words[-1], message, fix="write `<<EOF /path/of/file`")
    *before, destination = words
    for word in words if listed is None else ():
        if word.start not in placed:
            statement.check_word(word)
    for each in statement.line.heredocs:
        _check_content(statement, each)
    sources = [word for word in before if listed is not None or word.start not in placed]
    if not destination.text:
        statement.refuse(rules.Arguments, rest, "the destination is empty")
    if len(before) > 1 and "$" not in destination.text and not is_directory(destination.text):
        message = f"several files cannot all become `{short(destination.text)}`"
        fix = "end the destination with `/`, which makes it a directory"
        statement.report(rules.Arguments, destination, message, fix=fix)
    return sources, destination, list(placed.values())


def _check_content(statement: Statement, placed: PlacedHeredoc) -> None:
    """Check how variables are written in the lines of a heredoc, unless they are text there."""
    heredoc, source = placed.heredoc, statement.line.source
    if not heredoc.expands:
        return
    try:
        expand(heredoc.content, None, quotes=False)
    except ExpansionError as error:
        # Where tabs are left out, the place in the content is not that in the source.
        at = placed.begin + (error.at if heredoc.content == heredoc.raw else 0)
        quoted = f'`<<"{short(heredoc.name)}"`'
        fix = f"where `$` is meant as it stands, put the heredoc's name in quotes: {quoted}"
        span = source.span(at, at + 1)
        statement.add(rules.Writing.finding(span, str(error), fix=fix))


def _check_source(statement: Statement, source: Word) -> None:
    text = source.text.strip("\"'")
    if is_git(text):
        message = "`ADD` does not fetch repositories of git here"
        fix = "use `RUN git clone`, or the URL of an archive of the repository"
        statement.report(rules.GitSource, source, message, fix=fix)
    elif is_web(text):
        statement.check_word(source, check_url)
    elif _SCHEME.match(text):
        message = f"`{short(text)}` cannot be fetched"
        statement.report(rules.Values, source, message, fix="URLs of http and https can be")
    elif not text.startswith("$"):  # what a variable holds is for the evaluation to see
        _refuse_context(statement, source)


def _refuse_context(statement: Statement, source: Word) -> None:
    if is_web(source.text):
        message, fix = "`COPY` takes no URLs", "use `ADD`"
        statement.report(rules.Arguments, source, message, fix=fix)
        return
    message = f"a container recipe has no build context, so there is no `{short(source.text)}`"
    statement.report(rules.BuildContext, source, message, fix=_WAY_OUT)
