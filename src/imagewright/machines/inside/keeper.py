"""The process that holds a user and a mount namespace, and does there what it is asked.

Started with its working directory at the layers and a socket as its standard input. It ends when
the server's end of the socket closes, however the server ended, and everything it holds goes with
it: the kernel ends the guest's processes with their first one, and the mounts with the namespace.
"""

import json
import os
import select
import signal
import socket
import sys
from typing import NoReturn

from imagewright.machines.inside import kernel
from imagewright.machines.inside.guest import Guest
from imagewright.machines.inside.messages import (
    Hangup,
    Message,
    explain,
    receive,
    send,
    write_fully,
)
from imagewright.machines.inside.tasks import load_archives, perform
from imagewright.machines.inside.upper import Upper

_SETTLED = "settled"


def main() -> NoReturn:
    """Enter the namespaces, then serve until the other side hangs up."""
    control = socket.socket(fileno=0)
    try:
        if sys.argv[-1] != _SETTLED:
            _settle(control)
        control.set_inheritable(False)
        # What a guest's `ps` and the host's show of us: no paths of the host.
        kernel.overwrite_command_line(*kernel.command_line_span(), _title())
        send(control, {"ready": True})
        while True:
            request, files = receive(control)
            # These two ask for no answer, and may cross with the end of the guest they are for.
            if request["op"] not in {"kill", "discard"}:
                send(control, _serve(control, request, files))
            else:
                _close(files)
    except Hangup:
        os._exit(0)


def _title() -> str:
    return next(argument for argument in sys.argv if argument.startswith("imagewright "))


def _settle(control: socket.socket) -> None:
    """Become root of a user namespace whose ids the server fills in, with mounts of its own."""
    wishes, _files = receive(control)
    if wishes["archives"]:
        load_archives()
    step = "user namespace"
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
        send(control, {"waiting": True})
        receive(control)
        step = "user ids"
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        os.umask(0o022)
        step = "mounts"
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_SLAVE)
        if wishes["own_network"]:
            step = "network"
            kernel.unshare(kernel.CLONE_NEWNET)
            kernel.bring_loopback_up()
            if wishes["listen"]:
                step = "listening"
                _listen(control, *wishes["listen"])
        _protect_interpreter()
    except OSError as error:
        send(control, {"error": f"{step}: {explain(error)}", "errno": error.errno})
        raise Hangup from error


def _listen(control: socket.socket, address: str, port: int) -> None:
    """Hand out a socket that listens within this network, for the other side to answer on."""
    kernel.add_loopback_address(address)
    with socket.socket() as listener:
        listener.bind((address, port))
        listener.listen()
        send(control, {"listening": True}, [listener.fileno()])


def _protect_interpreter() -> None:
    """Where root inside could write to our program, run it from a read-only mount.

    A guest can make us execute our own program in its place (``/proc/self/exe`` as a command),
    and then open that file. Only a file whose owner has an id inside is within its reach.
    """
    if os.stat("/proc/self/exe").st_uid == _overflow_id():
        return
    program = os.path.realpath("/proc/self/exe")
    kernel.mount(program, program, flags=kernel.MS_BIND)
    kernel.make_mounts_readonly(program)
    arguments = [sys.executable, *sys.orig_argv[1:], _SETTLED]
    os.execv(program, arguments)


def _overflow_id() -> int:
    with open("/proc/sys/kernel/overflowuid", "rb") as file:
        return int(file.read())


def _serve(control: socket.socket, request: Message, files: list[int]) -> Message:
    """Do a task in a child, so that a hangup meanwhile ends it; return its answer."""
    if request["op"] == "boot":
        # From now on there may be a hostile guest. Not sooner: whoever attaches a network to us
        # needs to see our namespaces.
        kernel.hide_from_tracers()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            kernel.die_with_parent()
            write_fully(writing, json.dumps(_attempt(control, request, files)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    _close(files)  # the child's alone, so that readers see their end when it is done
    try:
        # A running guest reads the socket itself.
        answer_bytes = _read_answer(reading, None if request["op"] == "boot" else control)
    except Hangup:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(reading)
        _pid, status = os.waitpid(pid, 0)
    if not answer_bytes:
        return {"error": f"{request['op']} ended with wait status {status}", "lost": True}
    answer: Message = json.loads(answer_bytes)
    return answer


def _close(files: list[int]) -> None:
    for descriptor in files:
        os.close(descriptor)


def _read_answer(reading: int, control: socket.socket | None) -> bytes:
    """Read to the end; a message meanwhile, or the end of the other side, is a wish to stop."""
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    if control is not None:
        poll.register(control, select.POLLIN)
    parts = bytearray()
    while True:
        ready = {descriptor for descriptor, _events in poll.poll()}
        if control is not None and control.fileno() in ready:
            raise Hangup
        part = os.read(reading, 1 << 16)
        if not part:
            return bytes(parts)
        parts += part


def _attempt(control: socket.socket, request: Message, files: list[int]) -> Message:
    try:
        return _boot(control, request) if request["op"] == "boot" else perform(request, files)
    except OSError as error:
        return {"error": explain(error), "errno": error.errno}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _boot(control: socket.socket, request: Message) -> Message:
    """Run a guest until it is told to halt."""
    upper = Upper(request["name"], request["stack"], request["runtime_files"])
    upper.prepare()
    guest = Guest(control, upper, request)
    send(control, {"booted": True})
    try:
        return guest.serve()
    except Hangup:
        guest.abandon()
        raise
