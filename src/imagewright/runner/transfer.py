"""Copying and moving, for the four modules that do: sources, destinations, what may be replaced.

``component-documents.md`` §7.0, "Wildcard rules" and "Destination rules".
"""

from typing import Literal

from imagewright.runner.failures import ModuleFailure
from imagewright.runner.guest import Guest
from imagewright.runner.wildcards import select, walk

Way = Literal["copy_file", "move_file", "copy_folder", "move_folder"]


def transfer(guest: Guest, way: Way, source: str, destination: str, *, overwrite: bool) -> None:
    """Copy or move what ``source`` selects. Raises ModuleFailure."""
    of_folders = way.endswith("_folder")
    origin = guest.path(source)
    selection = select(origin.rstrip("/") if of_folders else origin)
    target = guest.path(destination)
    text = _SCRIPT + walk(selection, f"    {way}") + _NOTHING_FOUND
    settings = (
        target.rstrip("/"),
        "yes" if target.endswith("/") else "no",
        "yes" if of_folders else "no",
        "yes" if overwrite else "no",
        "yes" if selection.has_wildcard else "no",
        source,
    )
    if selection.pieces == ("",):
        raise ModuleFailure(f"the source names nothing: {source}")
    guest.script(text, *settings, selection.folder, *selection.pieces)


_SCRIPT = """
destination=$1 into=$2 of_folders=$3 overwrite=$4 wildcard=$5 source=$6
shift 6
found=no

fail() { printf '%s\\n' "$1" >&2; exit 1; }

place() {
    target=$destination
    if [ "$into" = no ] && [ -d "$destination" ]; then
        if [ "$of_folders" = no ] || [ "$wildcard" = yes ]; then target=$destination/$name; fi
    elif [ "$into" = yes ]; then
        target=$destination/$name
    elif [ "$wildcard" = yes ]; then
        fail "with a wildcard in the source, the destination must end with /: $destination"
    fi
    if [ "$overwrite" = no ] && { [ -e "$target" ] || [ -L "$target" ]; }; then
        fail "the target exists and overwrite is false: $target"
    fi
    [ -d "${target%/*}/" ] || mkdir -p "${target%/*}/" || exit 1
}

begin() {
    [ -e "$entry" ] || [ -L "$entry" ] || fail "source does not exist: $source"
    found=yes
    place
}

copy_file() {
    if [ ! -f "$entry" ]; then
        [ "$wildcard" = yes ] && return
        [ -e "$entry" ] && fail "the source is not a file: $source"
    fi
    begin
    [ ! -d "$target" ] || fail "the target is a folder: $target"
    [ ! -p "$target" ] || fail "the target is a named pipe: $target"
    cp -f "$entry" "$target" || exit 1
}

move_file() {
    if [ -d "$entry" ] && [ ! -L "$entry" ]; then
        [ "$wildcard" = yes ] && return
        fail "the source is a folder, not a file: $source"
    fi
    begin
    [ ! -d "$target" ] || fail "the target is a folder: $target"
    mv -f "$entry" "$target" || exit 1
}

begin_folder() {
    if [ ! -d "$entry" ]; then
        [ "$wildcard" = yes ] && return 1
        [ -e "$entry" ] && fail "the source is not a folder: $source"
    fi
    begin
    [ -d "$target" ] || [ ! -e "$target" ] || fail "the target is not a folder: $target"
    from=$(cd -P "$entry" && pwd -P) || exit 1
    to=$(cd -P "${target%/*}/" && pwd -P) || exit 1
    case "${to%/}/${target##*/}/" in
        "$from"/*) fail "a folder cannot go into itself: $target" ;;
    esac
}

refuse_pipes() {
    [ -d "$2" ] || return 0
    for from in "$1"/* "$1"/.*; do
        case ${from##*/} in .|..) continue ;; esac
        to=$2/${from##*/}
        if [ -L "$from" ] && [ -L "$to" ]; then
            continue
        elif [ -p "$to" ] && { [ -L "$from" ] || [ ! -p "$from" ]; }; then
            fail "the target is a named pipe: $to"
        elif [ -d "$from" ] && [ ! -L "$from" ]; then
            (refuse_pipes "$from" "$to") || exit 1
        fi
    done
}

copy_folder() {
    begin_folder || return 0
    refuse_pipes "$entry" "$target"
    mkdir -p "$target" && cp -RP "$entry/." "$target/" || exit 1
}

move_folder() {
    begin_folder || return 0
    if [ -e "$target" ]; then
        refuse_pipes "$entry" "$target"
        cp -RPp "$entry/." "$target/" && rm -rf "$entry" || exit 1
    else
        mv "$entry" "$target" || exit 1
    fi
}
"""

_NOTHING_FOUND = """
[ "$found" = yes ] || fail "source does not exist: $source"
"""
