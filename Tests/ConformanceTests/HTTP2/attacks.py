"""What clients do to servers that speak HTTP/2: `attacks.py CLEAR_PORT TLS_PORT`, against short time-outs.

Each attack has to end its connection, with the right code and in time. Prints a line for each, `ok NAME` or `FAILED NAME: WHY`.
"""
import struct
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from client import *

CLEAR, SECURE = int(sys.argv[1]), int(sys.argv[2])
CASES = []
word = struct.Struct(">I").pack


def case(name, **options):
    def register(function):
        CASES.append((name, options, function))
        return function
    return register


def flood(name, make, *codes, count=5000, prepare=lambda c: None, **options):
    """Sends frames until the server has enough."""
    @case(name, **options)
    def attack(c):
        prepare(c)
        for n in range(count):
            c.send(make(c, n))
            if n % 50 == 49:
                c.receive(0.01)
            if c.closed or c.goaways:
                break
        c.expect_goaway(*(codes or (ENHANCE_YOUR_CALM,)))


def request(c, end=True, method="GET", extra=(), path="/examples/plain"):
    s = c.take_id()
    c.streams[s] = Stream()
    return s, frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), s, c.encoder.encode(c.fields(path, method, extra)))


def rapid_reset(c, n, **more):
    s, opened = request(c, **more)
    return opened + frame(RST_STREAM, 0, s, word(CANCEL))


flood("rapid reset (CVE-2023-44487)", rapid_reset)
flood("rapid reset of bodies", lambda c, n: rapid_reset(c, n, end=False, method="POST", path="/examples/echo"))
flood("rapid reset of long answers", lambda c, n: rapid_reset(c, n, path="/examples/bytes?n=1000000"))
flood("RST_STREAM of a stream that has ended", lambda c, n: frame(RST_STREAM, 0, 1, word(CANCEL)), prepare=lambda c: c.response(c.get()))
flood("SETTINGS (CVE-2019-9515)", lambda c, n: settings([(4, 65535)]))
flood("empty SETTINGS", lambda c, n: settings())
flood("long SETTINGS", lambda c, n: settings([(4, 60000 + i % 2) for i in range(2000)]))
flood("PING (CVE-2019-9512)", lambda c, n: frame(PING, 0, 0, bytes(8)))
flood("PING that is an answer", lambda c, n: frame(PING, ACK, 0, bytes(8)))
flood("PRIORITY (CVE-2019-9513)", lambda c, n: frame(PRIORITY, 0, 2 * n + 1, struct.pack(">IB", 0, n % 256)))
flood("frames of unknown types", lambda c, n: frame(0x77, 0, 0, b"x"))
flood("GOAWAY", lambda c, n: frame(GOAWAY, 0, 0, bytes(8)), ENHANCE_YOUR_CALM, NO_ERROR, prepare=lambda c: c.get("/examples/bytes?n=100"), wanted=[(4, 0)])


def open_post(c):
    c.s = c.open(c.fields("/examples/echo", "POST"), end=False)


flood("empty DATA (CVE-2019-9518)", lambda c, n: frame(DATA, 0, c.s, b""), prepare=open_post)
flood("DATA of a byte", lambda c, n: frame(DATA, 0, c.s, b"x"), prepare=open_post)
flood("DATA of nothing but padding", lambda c, n: frame(DATA, PADDED, c.s, bytes([99]) + bytes(99)), prepare=open_post, grants=True)
flood("WINDOW_UPDATE of a byte", lambda c, n: frame(WINDOW_UPDATE, 0, 0, word(1)))
flood("WINDOW_UPDATE of a byte on a stream", lambda c, n: frame(WINDOW_UPDATE, 0, c.s, word(1)), prepare=open_post)


# A list of fields without end (CVE-2024-27316 and others)


def begin_list(c):
    c.settle()
    c.send(frame(HEADERS, END_STREAM, 1, c.encoder.encode(c.fields())))


flood("CONTINUATION without end", lambda c, n: frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\xf1\x7c" + b"b" * 16000), prepare=begin_list)
flood("CONTINUATION of nothing", lambda c, n: frame(CONTINUATION, 0, 1, b""), prepare=begin_list)
flood("CONTINUATION of a byte", lambda c, n: frame(CONTINUATION, 0, 1, b"\x82"), prepare=begin_list)
flood("CONTINUATION of a few hundred bytes", lambda c, n: frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\x99\x01" + b"b" * 280), prepare=begin_list)


@case("a list of fields that takes for ever")
def slow_list(c):
    begin_list(c)
    for _ in range(100):
        c.send(frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\xd1\x0f" + b"b" * 2000))
        if c.receive(0.3) or c.closed:
            break
    c.expect_goaway(ENHANCE_YOUR_CALM)


@case("HPACK bomb")
def bomb(c):
    # A field of four thousand bytes in the table, and then its index, again and again.
    block = c.encoder.encode(c.fields()) + b"\x40\x01a\x7f\x81\x1e" + b"b" * 3968 + b"\xbe" * 10000
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
    c.expect_goaway(COMPRESSION_ERROR, ENHANCE_YOUR_CALM)


@case("a list of a megabyte")
def megabyte(c):
    block = c.encoder.encode(c.fields()) + (b"\x00\x01a\x7f\xe9\x06" + b"y" * 1000) * 1000
    c.send(frame(HEADERS, END_STREAM, 1, block[:16384]))
    for at in range(16384, len(block), 16384):
        c.send(frame(CONTINUATION, END_HEADERS if at + 16384 >= len(block) else 0, 1, block[at : at + 16384]))
    c.expect_goaway(ENHANCE_YOUR_CALM)


# Streams that the server is made to reset (CVE-2025-8671)


def reset_by(name, provoke, path="/examples/bytes?n=100", method="GET", end=True, extra=()):
    def make(c, n):
        s, opened = request(c, end=end, path=path, method=method, extra=extra)
        return opened + provoke(c, s)
    flood("made to reset: " + name, make, prepare=Connection.settle, wanted=[(4, 0)])


reset_by("WINDOW_UPDATE of nothing", lambda c, s: frame(WINDOW_UPDATE, 0, s, word(0)))
reset_by("windows that add up to too much", lambda c, s: frame(WINDOW_UPDATE, 0, s, word(0x7FFFFFFF)) + frame(WINDOW_UPDATE, 0, s, word(0x7FFFFFFF)))
reset_by("DATA after the end", lambda c, s: frame(DATA, 0, s, b"x"))
reset_by("HEADERS after the end", lambda c, s: frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode([("x-a", "1")])))
reset_by("a body longer than it said", lambda c, s: frame(DATA, 0, s, bytes(2000)), "/examples/echo", "POST", False, [("content-length", "1")])
reset_by("trailer fields that are none", lambda c, s: frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode([(":path", "/")])), "/examples/echo", "POST", False)
reset_by("malformed requests", lambda c, s: b"", extra=[("connection", "close")])
reset_by("more streams than allowed", lambda c, s: b"")


# Windows that stay closed


@case("a window that never opens", wanted=[(4, 0)])
def no_window(c):
    c.get("/examples/bytes?n=100000")
    c.expect_goaway(ENHANCE_YOUR_CALM)


@case("many windows that never open", wanted=[(4, 0)])
def no_windows(c):
    for _ in range(100):
        c.get("/examples/bytes?n=100000")
    c.expect_goaway(ENHANCE_YOUR_CALM, NO_ERROR)


@case("a connection's window that never opens", wanted=[(4, 0x7FFFFFFF)], grants=False)
def no_connection_window(c):
    for _ in range(20):
        c.get("/examples/bytes?n=100000")
    c.expect_goaway(ENHANCE_YOUR_CALM, NO_ERROR)


@case("a window that opens by the byte", wanted=[(4, 0)])
def drip(c):
    s = c.get("/examples/bytes?n=100000")
    for _ in range(200):
        c.send(frame(WINDOW_UPDATE, 0, s, word(1)))
        c.receive(0.05)
        if c.closed or c.goaways:
            break
    c.expect_goaway(ENHANCE_YOUR_CALM)


@case("a client that does not read", wanted=[(4, 0x7FFFFFFF)], grants=False, receive_buffer=4096)
def no_reader(c):
    c.send(frame(WINDOW_UPDATE, 0, 0, word(0x7FFF0000)))
    for _ in range(50):
        c.get("/examples/bytes?n=10000000")
    # Not a byte is taken until the server must have given up.
    time.sleep(6)
    c.until(lambda: c.closed, what="end")


@case("a client that asks and does not read", receive_buffer=4096)
def asking(c):
    try:
        c.socket.settimeout(3)
        for _ in range(20000):
            if c.closed:
                break
            c.send(request(c)[1] * 1)
    finally:
        c.socket.settimeout(20)
    time.sleep(3)
    c.until(lambda: c.closed, what="end")


# Clients that take their time


@case("no preface", begin=False)
def silent(c):
    c.expect_goaway(None, seconds=15)


@case("half a preface", begin=False)
def half(c):
    c.send(PREFACE[:20])
    c.expect_goaway(None, NO_ERROR, seconds=15)


@case("no preface over TLS", tls=True, begin=False)
def silent_tls(c):
    c.expect_goaway(None, NO_ERROR, seconds=15)


@case("a preface by the byte", begin=False)
def slow_preface(c):
    for byte in PREFACE + settings():
        c.send(bytes([byte]))
        if c.receive(0.5) and c.closed:
            break
    c.expect_goaway(None, NO_ERROR, seconds=15)


@case("half a list of fields before anybody knows settings", begin=False)
def early_list(c):
    c.send(PREFACE + settings() + frame(HEADERS, 0, 1, b"\x00\x01a\x7f\xf1\x7c" + b"b" * 16000) + frame(CONTINUATION, 0, 1, bytes(1000)))
    c.expect_goaway(ENHANCE_YOUR_CALM)


@case("no SETTINGS", begin=False)
def no_settings(c):
    c.send(PREFACE)
    c.expect_goaway(NO_ERROR, seconds=15)


@case("half a frame")
def half_frame(c):
    c.settle()
    c.send(frame(PING, 0, 0, bytes(4), length=8))
    c.expect_goaway(ENHANCE_YOUR_CALM, seconds=15)


@case("half a frame header")
def half_header(c):
    c.settle()
    c.send(b"\x00\x00")
    c.expect_goaway(ENHANCE_YOUR_CALM, seconds=15)


@case("a header list without end, and silence")
def silent_list(c):
    begin_list(c)
    c.expect_goaway(ENHANCE_YOUR_CALM, seconds=15)


@case("half a body")
def half_body(c):
    open_post(c)
    c.data(c.s, b"half")
    it = c.streams[c.s]
    c.until(lambda: it.reset is not None or it.ended, 15, "end of the stream")
    if it.ended and it.status == 200:
        raise Failure("answered as if the body were whole")
    c.expect_alive()


@case("a connection without streams")
def idle(c):
    c.expect_alive()
    c.expect_goaway(NO_ERROR, seconds=15)


def run(entry):
    name, options, function = entry
    connection = None
    try:
        connection = Connection(SECURE if options.get("tls") else CLEAR, **options)
        function(connection)
        return f"ok {name}"
    except Failure as failure:
        return f"FAILED {name}: {failure}"
    except Exception:
        return f"FAILED {name}: {traceback.format_exc().splitlines()[-1]} {traceback.format_exc().splitlines()[-3]}"
    finally:
        if connection:
            connection.close()


if __name__ == "__main__":
    wanted = sys.argv[3:]
    with ThreadPoolExecutor(8) as pool:
        for line in pool.map(run, [e for e in CASES if not wanted or any(w in e[0] for w in wanted)]):
            print(line, flush=True)
