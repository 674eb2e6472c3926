"""A command in a process of its own that fork_server.py has forked; see there. Its exit code is the client's."""

import json
import os
import signal
import socket
import sys

path, program, *words = sys.argv[1:]
request = {"program": program, "words": words, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109 pathlib starts slowly
with socket.socket(socket.AF_UNIX) as server:
    server.connect(path)
    data = json.dumps(request).encode() + b"\n"
    sent = socket.send_fds(server, [data], [0, 1, 2])
    server.sendall(data[sent:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: server.sendall(bytes([number])))
    code = int(server.recv(64) or 1)
if code < 0:
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
