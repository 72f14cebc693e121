"""What becomes of HTTP/2 when the server stops: `stopping.py CLEAR_PORT TLS_PORT PROCESS`. Prints a line for each case, `ok NAME` or `FAILED NAME: WHY`."""
import os
import signal
import struct
import sys
import time

from client import *

CLEAR, SECURE, PROCESS = (int(argument) for argument in sys.argv[1:4])
failed = []


def expect(condition, name, why=""):
    print(f"ok {name}" if condition else f"FAILED {name}: {why}", flush=True)


running = Connection(CLEAR, wanted=[(4, 0)])
stream = running.get("/examples/bytes?n=100000")
running.until(lambda: running.streams[stream].headers, what="HEADERS")
secure = Connection(SECURE, tls=True, wanted=[(4, 0)])
posted = secure.open(secure.fields("/examples/echo", "POST"), end=False)
secure.data(posted, b"first ")
secure.settle()
idle = Connection(CLEAR)
idle.settle()
os.kill(PROCESS, signal.SIGTERM)

# The first GOAWAY closes nothing: a request that is sent before the client has read it is answered.
running.answers = False
running.until(lambda: running.goaways, what="GOAWAY")
expect(running.goaways[0] == (0x7FFFFFFF, NO_ERROR), "the first GOAWAY names no stream", running.goaways)
crossing = running.get(method="HEAD")
expect(running.response(crossing).status == 200, "a request that crosses GOAWAY is answered")
running.answers = True
running.send(settings([(4, 65535)]))
running.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1000000)))
running.grants = True
body = running.response(stream).body
expect(len(body) == 100000, "a response that has begun is sent to its end", len(body))
running.expect_goaway(NO_ERROR)
expect(running.goaways[-1] == (crossing, NO_ERROR), "the last GOAWAY names the last stream", running.goaways)
secure.data(posted, b"second", end=True)
secure.send(settings([(4, 65535)]))
expect(secure.response(posted).body == b"first second", "a body that has begun is read to its end", secure.streams[posted].body)
secure.expect_goaway(NO_ERROR)
idle.expect_goaway(NO_ERROR)
expect(idle.goaways[-1] == (0, NO_ERROR), "a connection without streams ends", idle.goaways)
