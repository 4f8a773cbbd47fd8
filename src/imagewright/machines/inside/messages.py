"""Messages between the server and a process inside: a length, then JSON, with open files beside.

Both sides read exactly one message at a time and nothing beyond it, so that the inner side may
hand its end of the socket to a child and take it back.
"""

import array
import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
_FILES_MAX = 253  # what the kernel carries with one message
_MESSAGE_BYTES_MAX = 16 << 20
_NAME_CHARACTERS_MAX = 256  # a guest can nest folders without end

Message = dict[str, Any]


class Hangup(Exception):
    """The other side is gone."""


def send(channel: socket.socket, message: Message, files: Sequence[int] = ()) -> None:
    """Send a message; the receiver gets descriptors of its own. Raises Hangup."""
    body = json.dumps(message).encode()
    data = _LENGTH.pack(len(body)) + body
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
    try:
        sent = channel.sendmsg([data], rights)
        channel.sendall(data[sent:])
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Hangup from error


def receive(channel: socket.socket) -> tuple[Message, list[int]]:
    """Wait for a message and its files, which close on exec. Raises Hangup."""
    try:
        head, files = _receive_head(channel)
        (length,) = _LENGTH.unpack(head + _receive_exactly(channel, _LENGTH.size - len(head)))
        if length > _MESSAGE_BYTES_MAX:
            raise ValueError(f"a message of {length} bytes")
        message: Message = json.loads(_receive_exactly(channel, length))
    except ConnectionResetError as error:
        raise Hangup from error
    return message, files


def _receive_head(channel: socket.socket) -> tuple[bytes, list[int]]:
    room = socket.CMSG_SPACE(_FILES_MAX * array.array("i").itemsize)
    data, rights, _flags, _address = channel.recvmsg(_LENGTH.size, room, socket.MSG_CMSG_CLOEXEC)
    if not data:
        raise Hangup
    files = array.array("i")
    for level, kind, content in rights:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(content[: len(content) - len(content) % files.itemsize])
    return data, list(files)


def _receive_exactly(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise Hangup
        parts += part
    return bytes(parts)


def write_fully(file: int, data: bytes | memoryview) -> None:
    """Write all of it, however the kernel splits it."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def explain(error: OSError) -> str:
    """Say what went wrong and with which file, without the number."""
    what = error.strerror or str(error)
    name = str(error.filename or "")
    if len(name) > _NAME_CHARACTERS_MAX:
        name = f"{name[:_NAME_CHARACTERS_MAX]}…"
    return f"{name}: {what}" if name else what
