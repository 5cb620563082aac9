"""Other people's traffic: greedy flows that go on until this program is ended: others.py down|up FLOWS HOST."""

import socket
import sys
import threading

from bench.bed.sink import drain


def download(host: str) -> None:
    """One flow of a big file, forever."""
    with socket.create_connection((host, 80)) as flow:
        flow.sendall(f"GET /blob HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        drain(flow)


def upload(host: str) -> None:
    """One flow of a big body, forever."""
    block = bytes(256 * 1024)
    with socket.create_connection((host, 80)) as flow:
        flow.sendall(f"POST /up HTTP/1.1\r\nHost: {host}\r\nContent-Length: 400000000000\r\n\r\n".encode())
        while True:
            flow.sendall(block)


if __name__ == "__main__":
    act = download if sys.argv[1] == "down" else upload
    for _ in range(int(sys.argv[2])):
        threading.Thread(target=act, args=(sys.argv[3],)).start()
