"""What the system calls alone cost that any broker must make, on this machine, in this minute.

A ratio to these says more than CPU seconds: on a shared or virtual machine those change by the minute.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

from crc32c import crc32c

from riacho.bench.backed_memory import BackedMemory

FRAME_BYTES = 1 << 20


def receive_cost(directory: Path, size: int) -> float:
    """CPU seconds per GB to receive over loopback, checksum and write to a file, 1 MiB at a time."""
    frames = size // FRAME_BYTES
    frame = memoryview(bytearray(FRAME_BYTES))
    sender, receiver = _connection()

    def send() -> None:
        for _ in range(frames):
            sender.sendall(bytes(FRAME_BYTES))

    fd = _nameless_file(directory)
    try:
        with sender, receiver, BackedMemory(size) as memory:
            threading.Thread(target=send, daemon=True).start()
            began = time.thread_time()
            for number in range(frames):
                received = 0
                while received < FRAME_BYTES:
                    received += receiver.recv_into(frame[received:])
                crc32c(frame)
                memory.give_back(FRAME_BYTES)
                os.pwrite(fd, frame, number * FRAME_BYTES)
            return (time.thread_time() - began) / (frames * FRAME_BYTES / 1e9)
    finally:
        os.close(fd)


def send_cost(directory: Path, size: int) -> float:
    """CPU seconds per GB to send a cached file over loopback by sendfile, 1 MiB at a time."""
    frames = size // FRAME_BYTES
    sender, receiver = _connection()

    def receive() -> None:
        frame = bytearray(FRAME_BYTES)
        while receiver.recv_into(frame):
            pass

    fd = _nameless_file(directory)
    thread = threading.Thread(target=receive, daemon=True)
    try:
        with receiver:
            with sender:
                os.pwrite(fd, bytes(FRAME_BYTES), 0)
                thread.start()
                began = time.thread_time()
                for _ in range(frames):
                    sent = 0
                    while sent < FRAME_BYTES:
                        sent += os.sendfile(sender.fileno(), fd, sent, FRAME_BYTES - sent)
                cost = (time.thread_time() - began) / (frames * FRAME_BYTES / 1e9)
            thread.join()
            return cost
    finally:
        os.close(fd)


def _connection() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    return sender, receiver


def _nameless_file(directory: Path) -> int:
    path = directory / "bare-loop"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
    path.unlink()
    return fd
