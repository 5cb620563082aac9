"""A test of fixed length, as the big providers make it: fixed.py down|up URL.

Ten seconds over four flows, in twenty slices; the best two and the worst six are dropped, the rest is
the mean. Prints bytes/s of payload.
"""

import selectors
import sys
import time
from itertools import pairwise

from collectors.internet.engines import Direction
from collectors.internet.engines.connect import connect, resolve
from collectors.internet.engines.far_end import far_end
from collectors.internet.engines.flows import Body, Download, Upload, reset
from collectors.internet.engines.tcp_info import tcp_info

_SECONDS, _SLICES, _BEST, _WORST = 10.0, 20, 2, 6


def main() -> None:
    direction: Direction
    direction, url = ("down" if sys.argv[1] == "down" else "up"), sys.argv[2]
    far = far_end(url)
    sockets, _ = connect(resolve(far), far.port, 4, direction)
    body = Body()
    flows = [Download(one, far) if direction == "down" else Upload(one, far, body) for one in sockets]
    counts = [(time.monotonic(), 0)]
    with selectors.DefaultSelector() as selector:
        for flow in flows:
            selector.register(flow.sock, flow.events, flow)
        while len(counts) <= _SLICES:
            for key, mask in selector.select(0.01):
                key.data.serve(mask)
            now = time.monotonic()
            if now >= counts[0][0] + len(counts) * _SECONDS / _SLICES:
                counts.append((now, sum(flow.arrived(tcp_info(flow.sock)) for flow in flows)))
    reset(sockets)
    rates = sorted((more - fewer) / (end - begun) for (begun, fewer), (end, more) in pairwise(counts))
    kept = rates[_WORST : len(rates) - _BEST]
    print(round(sum(kept) / len(kept)))


if __name__ == "__main__":
    main()
