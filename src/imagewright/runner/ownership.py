"""Owner, group and permissions, as file modules take them (``component-documents.md`` §7.0)."""

from collections.abc import Mapping

from imagewright.documents.shapes import Notes
from imagewright.documents.specs import about
from imagewright.runner.guest import Guest


def permissions(text: str) -> Mapping[str, Notes]:
    """Describe a field that holds permissions."""
    says = "octal digits such as 0644"
    return about(text, pattern=r"0?[0-7]{1,4}", pattern_says=says)


def account(text: str) -> Mapping[str, Notes]:
    """Describe a field that holds a user or group, by name or number."""
    return about(
        text, pattern=r"[^-:\0\n][^:\0\n]*", pattern_says="the name or number of an account"
    )


def apply(
    guest: Guest, path: str, *, owner: str | None, group: str | None, mode: str | None
) -> None:
    """Set what is given on an absolute path, and leave the rest. Raises ModuleFailure."""
    if owner is None and group is None and mode is None:
        return
    both = f"{owner or ''}:{group}" if group is not None else owner or ""
    guest.script(_APPLY, path, both, mode or "")


def give_file(guest: Guest, path: str, owner: str, group: str | None) -> None:
    """Change the owner of a file, or of the file behind a link. Raises ModuleFailure."""
    guest.script(_IS_FILE + _GROUP + 'chown "$2$group" "$1"', guest.path(path), owner, group or "")


def give_folder(guest: Guest, path: str, owner: str, group: str | None, *, recursive: bool) -> None:
    """Change the owner of a folder. Raises ModuleFailure.

    ``-h`` with ``-R``: else links within would give away what they point at.
    """
    command = 'chown -R -h "$2$group" "$1/."' if recursive else 'chown "$2$group" "$1/."'
    guest.script(_IS_FOLDER + _GROUP + command, guest.path(path), owner, group or "")


def set_file_mode(guest: Guest, path: str, mode: str) -> None:
    """Change the permissions of a file. Raises ModuleFailure."""
    guest.script(_IS_FILE + 'chmod "$2" "$1"', guest.path(path), mode)


def set_folder_mode(guest: Guest, path: str, mode: str, *, recursive: bool) -> None:
    """Change the permissions of a folder. Raises ModuleFailure."""
    command = 'chmod -R "$2" "$1/."' if recursive else 'chmod "$2" "$1/."'
    guest.script(_IS_FOLDER + command, guest.path(path), mode)


_APPLY = """
[ -z "$2" ] || chown "$2" "$1" || exit 1
[ -z "$3" ] || chmod "$3" "$1"
"""
_IS_FILE = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
[ -e "$1" ] || fail "the file does not exist: $1"
[ ! -d "$1" ] || fail "this is a folder, not a file: $1"
"""
_IS_FOLDER = """
fail() { printf '%s\\n' "$1" >&2; exit 1; }
[ -e "$1" ] || fail "the folder does not exist: $1"
[ -d "$1" ] || fail "this is a file, not a folder: $1"
"""
_GROUP = """
group=$3
if [ -z "$group" ]; then
    group=$(id -g "$2" 2>/dev/null) || case $2 in
        *[!0-9]*) fail "there is no user $2" ;;
    esac
fi
group=${group:+:$group}
"""
