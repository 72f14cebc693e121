"""Cases from RFC 9113, each on a connection of its own: `conformance.py CLEAR_PORT TLS_PORT`.

Prints a line for each case, `ok NAME` or `FAILED NAME: WHY`.
"""
import json
import struct
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

from client import *

CLEAR, SECURE = int(sys.argv[1]), int(sys.argv[2])
CASES = []


def case(name, tls=False, **options):
    def register(function):
        CASES.append((name, tls, options, function))
        return function
    return register


def check(condition, why):
    if not condition:
        raise Failure(why)


def echo(c, body=b"x" * 1000, extra=()):
    return c.open(c.fields("/examples/echo", "POST", extra), end=False), body


# Requests and responses (§8)

for secure in (False, True):
    kind = "over TLS" if secure else "in the clear"

    @case(f"GET {kind}", secure)
    def get(c):
        r = c.response(c.get())
        check(r.status == 200 and r.body == b"Hello, world!", r.headers)
        names = [n for n, _ in r.headers]
        check("date" in names and ("content-length", "13") in r.headers, names)
        check(not {"connection", "keep-alive", "transfer-encoding", "upgrade"} & set(names), names)
        check(all(n == n.lower() for n in names), names)

    @case(f"request facts {kind}", secure)
    def facts(c):
        r = json.loads(c.response(c.get("/examples/headers/deep?a=1&b=2", extra=[("x-one", "1"), ("x-one", "2"), ("cookie", "a=1"), ("cookie", "b=2")])).body)
        check(r["protocol"] == "HTTP/2.0" and r["method"] == "GET" and r["query"] == "a=1&b=2", r)
        check(r["scheme"] == c.scheme and r["secure"] == (c.scheme == "https") and r["serverName"] == "localhost", r)
        check(r["headers"]["x-one"] == ["1", "2"] and r["headers"]["cookie"] == ["a=1; b=2"], r["headers"])
        check(r["headers"]["host"] == ["localhost"] and not any(n.startswith(":") for n in r["headers"]), r["headers"])
        check(r["pathInfo"] == "/deep" and r["parameters"]["a"] == ["1"], r)

    @case(f"POST {kind}", secure)
    def post(c):
        s, body = echo(c)
        c.data(s, body, end=True)
        check(c.response(s).body == body, "other bytes")

    @case(f"POST of a megabyte both ways {kind}", secure)
    def large(c):
        s, body = echo(c, bytes(range(256)) * 4096)
        c.upload(s, body)
        check(c.response(s).body == body, "other bytes")

    @case(f"ten megabytes down {kind}", secure)
    def down(c):
        r = c.response(c.get("/examples/bytes?n=10485760"), 60)
        check(len(r.body) == 10485760, len(r.body))

    @case(f"a hundred streams at once {kind}", secure)
    def many(c):
        ids = [c.get("/examples/bytes?n=3000") for _ in range(100)]
        for s in ids:
            check(len(c.response(s).body) == 3000, "short")

    @case(f"HEAD {kind}", secure)
    def head(c):
        r = c.response(c.get(method="HEAD"))
        check(r.status == 200 and r.body == b"" and ("content-length", "13") in r.headers, r.headers)


@case("the session of a cookie that is cut into crumbs")
def crumbs(c):
    r = c.response(c.get("/examples/session"))
    session = dict(r.headers)["set-cookie"].split(";")[0]
    r = c.response(c.get("/examples/session", extra=[("cookie", "x=1"), ("cookie", session), ("cookie", "y=2")]))
    check(r.body.strip() == b"2", r.body)


@case("POST without body")
def empty_post(c):
    r = c.response(c.open(c.fields("/examples/echo", "POST")))
    check(r.status == 200 and r.body == b"", r.headers)


@case("POST with an empty last DATA frame")
def empty_last(c):
    s, body = echo(c)
    c.data(s, body)
    c.data(s, b"", end=True)
    check(c.response(s).body == body, "other bytes")


@case("POST with content-length")
def with_length(c):
    s, body = echo(c, extra=[("content-length", "1000")])
    c.data(s, body, end=True)
    check(c.response(s).body == body, "other bytes")


@case("interleaved bodies")
def interleaved(c):
    ids = [echo(c)[0] for _ in range(10)]
    for n in range(5):
        for s in ids:
            c.data(s, bytes([s]) * 100, end=n == 4)
    for s in ids:
        check(c.response(s).body == bytes([s]) * 500, "mixed up")


@case("padded DATA frames")
def padded_data(c):
    s, _ = echo(c)
    for n in range(20):
        c.send(frame(DATA, PADDED, s, bytes([200]) + b"y" * 100 + bytes(200)))
    c.send(frame(DATA, PADDED | END_STREAM, s, bytes([3]) + bytes(3)))
    check(c.response(s).body == b"y" * 2000, "other bytes")


@case("padded HEADERS frame")
def padded_headers(c):
    s = c.take_id()
    c.streams[s] = Stream()
    c.send(frame(HEADERS, END_HEADERS | END_STREAM | PADDED, s, bytes([9]) + c.encoder.encode(c.fields()) + bytes(9)))
    c.expect_status(s, 200)


@case("HEADERS frame with priority")
def with_priority(c):
    s = c.take_id()
    c.streams[s] = Stream()
    c.send(frame(HEADERS, END_HEADERS | END_STREAM | PRIORITY_FLAG, s, struct.pack(">IB", 0, 200) + c.encoder.encode(c.fields())))
    c.expect_status(s, 200)


@case("header list in CONTINUATION frames")
def continued(c):
    s = c.take_id()
    c.streams[s] = Stream()
    block = c.encoder.encode(c.fields(extra=[("x-long", "z" * 3000)]))
    c.send(frame(HEADERS, END_STREAM, s, block[:900]) + frame(CONTINUATION, 0, s, block[900:2000]) + frame(CONTINUATION, END_HEADERS, s, block[2000:]))
    c.expect_status(s, 200)


@case("frames cut anywhere")
def slow(c):
    block = frame(HEADERS, END_HEADERS, 1, c.encoder.encode(c.fields("/examples/echo", "POST"))) + frame(DATA, END_STREAM, 1, b"abc")
    c.streams[1] = Stream()
    for n in range(len(block)):
        c.send(block[n : n + 1])
    check(c.response(1).body == b"abc", "other bytes")


@case("trailer fields of a request")
def trailers(c):
    s, body = echo(c)
    c.data(s, body)
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode([("x-checksum", "1")])))
    check(c.response(s).body == body, "other bytes")


@case("100-continue")
def hundred(c):
    s, body = echo(c, extra=[("expect", "100-continue")])
    c.until(lambda: c.streams[s].interim == ["100"], what="100")
    c.data(s, body, end=True)
    check(c.response(s).body == body, "other bytes")


@case("an expectation that nobody meets")
def other_expectation(c):
    c.expect_status(c.get(extra=[("expect", "miracles")]), 417)
    c.expect_alive()


@case("an answer before the body is over")
def early(c):
    s = c.open(c.fields("/examples/plain", "POST"), end=False)
    c.data(s, b"x" * 100)
    check(c.response(s).body == b"Hello, world!", "other bytes")
    c.until(lambda: c.streams[s].reset is not None, what="reset")
    check(c.streams[s].reset == NO_ERROR, c.streams[s].reset)
    c.expect_alive()


@case("404")
def missing(c):
    c.expect_status(c.get("/nowhere"), 404)


@case("304")
def unmodified(c):
    r = c.response(c.get("/examples/index.html"))
    check(r.status == 200 and len(r.body) > 0, r.headers)
    r = c.response(c.get("/examples/index.html", extra=[("if-none-match", dict(r.headers)["etag"])]))
    check(r.status == 304 and r.body == b"" and "content-length" not in dict(r.headers), r.headers)


@case("a file")
def file(c):
    r = c.response(c.get("/examples/index.html"))
    check(str(len(r.body)) == dict(r.headers)["content-length"], r.headers)


@case("TRACE")
def trace(c):
    c.expect_status(c.get(method="TRACE"), 405)


@case("OPTIONS *")
def options(c):
    check(c.response(c.get("*", method="OPTIONS")).status in (200, 204, 400, 404, 405), "no answer")
    c.expect_alive()


@case("host instead of :authority")
def host_only(c):
    r = json.loads(c.response(c.get("/examples/headers", authority=None, extra=[("host", "example.org:81")])).body)
    check(r["serverName"] == "example.org" and r["serverPort"] == 81, r)


@case("host besides the same :authority")
def same_host(c):
    r = json.loads(c.response(c.get("/examples/headers", authority="Example.org", extra=[("host", "example.ORG")])).body)
    check(len(r["headers"]["host"]) == 1, r)


@case("te: trailers")
def te_trailers(c):
    c.expect_status(c.get(extra=[("te", "trailers")]), 200)


@case("fields from the dynamic table")
def dynamic(c):
    for _ in range(3):
        r = json.loads(c.response(c.get("/examples/headers", extra=[("x-same", "again"), ("user-agent", "test")])).body)
        check(r["headers"]["x-same"] == ["again"], r)


@case("a header table of no size")
def no_table(c):
    c.send(settings([(1, 0)]))
    for _ in range(3):
        c.expect_status(c.get(), 200)


@case("a header table that changes")
def changing_table(c):
    c.decoder.max_allowed_table_size = 65536
    for size in (0, 4096, 100, 65536):
        c.send(settings([(1, size)]))
        c.expect_status(c.get(), 200)


@case("latin-1 in a field value")
def latin(c):
    c.expect_status(c.get(extra=[("x-name", b"caf\xe9")]), 200)


# Control frames (§6)


@case("PING is answered")
def ping(c):
    c.send(frame(PING, 0, 0, b"12345678"))
    c.until(lambda: c.pings == [b"12345678"], what="answer")


@case("SETTINGS is answered")
def settings_acknowledged(c):
    c.send(settings([(4, 1000)]) + settings())
    c.until(lambda: c.acknowledged == 3, what="answers")


@case("the server's settings")
def told(c):
    c.until(lambda: c.server_settings, what="SETTINGS")
    check(c.server_settings.get(3) == 100 and c.server_settings.get(4) == 65535 and c.server_settings.get(6, 0) >= 8192, c.server_settings)


@case("frames of unknown types")
def unknown(c):
    c.send(frame(0x42, 0xFF, 0, b"what") + frame(0x43, 0, 77, b"ever"))
    c.expect_alive()


@case("settings of unknown names")
def unknown_settings(c):
    c.send(settings([(0x4242, 17), (0xFFFF, 0xFFFFFFFF)]))
    c.expect_alive()


@case("flags without meaning")
def flags(c):
    c.send(frame(PING, 0xF6, 0, b"12345678"))
    c.expect_status(c.open(c.fields(), flags=0xC2), 200)


@case("the reserved bit of stream identifiers")
def reserved(c):
    c.send(frame(WINDOW_UPDATE, 0, 0x80000000, struct.pack(">I", 1000)))
    c.expect_alive()


@case("PRIORITY of an idle stream")
def idle_priority(c):
    c.send(frame(PRIORITY, 0, 99, struct.pack(">IB", 0, 10)))
    c.expect_alive()


@case("PRIORITY of a closed stream")
def closed_priority(c):
    s = c.get()
    c.response(s)
    c.send(frame(PRIORITY, 0, s, struct.pack(">IB", 0, 10)))
    c.expect_alive()


@case("WINDOW_UPDATE of a closed stream")
def closed_window(c):
    s = c.get()
    c.response(s)
    c.send(frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 5000)))
    c.expect_alive()


@case("RST_STREAM of a closed stream")
def closed_reset(c):
    s = c.get()
    c.response(s)
    c.send(frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL)))
    c.expect_alive()


@case("RST_STREAM in the midst of a response")
def cancel(c):
    s = c.get("/examples/bytes?n=10000000")
    c.until(lambda: len(c.streams[s].body) > 0, what="DATA")
    c.send(frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL)))
    c.expect_alive()
    check(not c.streams[s].ended, "went on")


@case("RST_STREAM in the midst of a body")
def cancel_body(c):
    s, _ = echo(c)
    c.data(s, b"half")
    c.send(frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL)))
    c.expect_alive()


@case("GOAWAY of the client: streams end")
def leaving(c):
    s = c.get("/examples/bytes?n=1000000")
    c.send(frame(GOAWAY, 0, 0, struct.pack(">II", 0, NO_ERROR)))
    check(len(c.response(s).body) == 1000000, "short")
    c.expect_goaway(NO_ERROR)


@case("more streams than allowed", grants=False, wanted=[(4, 0)])
def too_many(c):
    c.until(lambda: c.acknowledged, what="SETTINGS")
    ids = [c.get("/examples/bytes?n=100") for _ in range(105)]
    for s in ids[100:]:
        c.expect_reset(s, REFUSED_STREAM)
    c.send(settings([(4, 65535)]))
    for s in ids[:100]:
        check(len(c.response(s).body) == 100, "short")


# Flow control (§5.2, §6.9)


@case("a window of no size", wanted=[(4, 0)])
def no_window(c):
    s = c.get()
    c.until(lambda: c.streams[s].headers, what="HEADERS")
    c.quiet()
    check(c.streams[s].body == b"" and not c.streams[s].ended, "DATA without a window")
    c.send(frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 5)))
    c.until(lambda: c.streams[s].body == b"Hello", what="five bytes")
    c.send(frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 500)))
    check(c.response(s).body == b"Hello, world!", "other bytes")


@case("HEAD and empty bodies need no window", wanted=[(4, 0)])
def head_without_window(c):
    c.expect_status(c.get(method="HEAD"), 200)
    check(c.response(c.get("/examples/bytes?n=0")).body == b"", "a body")


@case("a window that SETTINGS opens", wanted=[(4, 3)], grants=False)
def opened(c):
    s = c.get()
    c.until(lambda: c.streams[s].body == b"Hel", what="three bytes")
    c.send(settings([(4, 5)]))
    c.until(lambda: c.streams[s].body == b"Hello", what="five bytes")
    c.send(settings([(4, 1000)]))
    check(c.response(s).body == b"Hello, world!", "other bytes")


@case("a window below zero", wanted=[(4, 2000)], grants=False)
def negative(c):
    s = c.get("/examples/bytes?n=5000")
    c.until(lambda: len(c.streams[s].body) == 2000, what="2000 bytes")
    c.send(settings([(4, 0)]) + frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 1500)))
    c.quiet()
    check(len(c.streams[s].body) == 2000, "DATA without a window")
    c.send(frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 4000)))
    check(len(c.response(s).body) == 5000, "short")


@case("the connection's window", wanted=[(4, 1000000)], grants=False)
def connection_window(c):
    a, b = c.get("/examples/bytes?n=60000"), c.get("/examples/bytes?n=60000")
    c.until(lambda: len(c.streams[a].body) + len(c.streams[b].body) == 65535, what="65535 bytes")
    c.quiet()
    check(len(c.streams[a].body) + len(c.streams[b].body) == 65535, "too much")
    # HEADERS need no window, and are not held up.
    c.expect_status(c.get(method="HEAD"), 200)
    c.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 100000)))
    check(len(c.response(a).body) == len(c.response(b).body) == 60000, "short")


@case("streams take turns", wanted=[(4, 10000000)], grants=False)
def turns(c):
    c.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 50000000)))
    ids = [c.get("/examples/bytes?n=2000000") for _ in range(4)]
    for s in ids:
        c.response(s, 60)
    order = [i for k, _, i, n in c.frames if k == DATA and n]
    last = {s: len(order) - order[::-1].index(s) for s in ids}
    check(min(last.values()) > len(order) * 0.5, last)


@case("DATA beyond the stream's window")
def flow_error(c):
    # Nobody reads this body: its window stays closed.
    s = c.open(c.fields("/examples/echo", "POST"), end=False)
    c.grants = False
    for _ in range(20):
        c.data(s, bytes(16384))
    c.until(lambda: c.closed or c.streams[s].reset is not None, what="error")
    check(c.streams[s].reset == FLOW_CONTROL_ERROR or c.goaways and c.goaways[-1][1] == FLOW_CONTROL_ERROR, (c.streams[s].reset, c.goaways))


@case("windows add up to too much on a stream", grants=False, wanted=[(4, 0)])
def stream_overflow(c):
    s = c.get()
    c.send(frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0x7FFFFFFF)) * 1 + frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0x7FFFFFFF)))
    c.until(lambda: c.closed or c.streams[s].reset is not None or c.streams[s].ended, what="error")
    check(c.streams[s].reset in (FLOW_CONTROL_ERROR, None), c.streams[s].reset)


def ends(name, data, *codes):
    """Bytes after which the connection ends with one of the codes."""
    @case(name)
    def broken(c):
        c.send(data(c) if callable(data) else data)
        c.expect_goaway(*codes)


def headers(c, stream=1, flags=END_HEADERS | END_STREAM, fields=None):
    c.streams[stream] = Stream()
    return frame(HEADERS, flags, stream, c.encoder.encode(fields or c.fields()))


word = struct.Struct(">I").pack
ends("the connection's window adds up to too much", frame(WINDOW_UPDATE, 0, 0, word(0x7FFFFFFF)), FLOW_CONTROL_ERROR)
ends("WINDOW_UPDATE of nothing on the connection", frame(WINDOW_UPDATE, 0, 0, word(0)), PROTOCOL_ERROR)
ends("WINDOW_UPDATE of three bytes", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), FRAME_SIZE_ERROR)
ends("WINDOW_UPDATE of five bytes", frame(WINDOW_UPDATE, 0, 0, bytes(5)), FRAME_SIZE_ERROR)
ends("WINDOW_UPDATE on an idle stream", frame(WINDOW_UPDATE, 0, 5, word(10)), PROTOCOL_ERROR)
ends("DATA on stream 0", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR)
ends("DATA on an idle stream", frame(DATA, 0, 7, b"x"), PROTOCOL_ERROR)
ends("HEADERS on stream 0", lambda c: frame(HEADERS, END_HEADERS, 0, c.encoder.encode(c.fields())), PROTOCOL_ERROR)
ends("HEADERS on an even stream", lambda c: headers(c, 2), PROTOCOL_ERROR)
ends("streams that count down", lambda c: headers(c, 5) + headers(c, 3), PROTOCOL_ERROR, STREAM_CLOSED)
ends("RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, word(8)), PROTOCOL_ERROR)
ends("RST_STREAM on an idle stream", frame(RST_STREAM, 0, 9, word(8)), PROTOCOL_ERROR)
ends("RST_STREAM of three bytes", lambda c: headers(c, 1, END_HEADERS) + frame(RST_STREAM, 0, 1, b"\0\0\1"), FRAME_SIZE_ERROR)
ends("PRIORITY on stream 0", frame(PRIORITY, 0, 0, bytes(5)), PROTOCOL_ERROR)
ends("PRIORITY of four bytes", frame(PRIORITY, 0, 1, bytes(4)), FRAME_SIZE_ERROR)
ends("a stream that depends on itself", frame(PRIORITY, 0, 3, struct.pack(">IB", 3, 1)), PROTOCOL_ERROR)
ends("SETTINGS on a stream", frame(SETTINGS, 0, 1, b""), PROTOCOL_ERROR)
ends("SETTINGS of five bytes", frame(SETTINGS, 0, 0, bytes(5)), FRAME_SIZE_ERROR)
ends("SETTINGS acknowledged with a payload", frame(SETTINGS, ACK, 0, bytes(6)), FRAME_SIZE_ERROR)
ends("ENABLE_PUSH of two", settings([(2, 2)]), PROTOCOL_ERROR)
ends("INITIAL_WINDOW_SIZE beyond 31 bits", settings([(4, 0x80000000)]), FLOW_CONTROL_ERROR)
ends("MAX_FRAME_SIZE below 16384", settings([(5, 16383)]), PROTOCOL_ERROR)
ends("MAX_FRAME_SIZE beyond 24 bits", settings([(5, 0x1000000)]), PROTOCOL_ERROR)
ends("PING on a stream", frame(PING, 0, 1, bytes(8)), PROTOCOL_ERROR)
ends("PING of seven bytes", frame(PING, 0, 0, bytes(7)), FRAME_SIZE_ERROR)
ends("PING of nine bytes", frame(PING, 0, 0, bytes(9)), FRAME_SIZE_ERROR)
ends("GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL_ERROR)
ends("GOAWAY of seven bytes", frame(GOAWAY, 0, 0, bytes(7)), FRAME_SIZE_ERROR)
ends("PUSH_PROMISE of a client", lambda c: headers(c) + frame(PUSH_PROMISE, END_HEADERS, 1, word(2) + c.encoder.encode(c.fields())), PROTOCOL_ERROR)
ends("CONTINUATION without HEADERS", frame(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL_ERROR)
ends("CONTINUATION on stream 0", frame(CONTINUATION, END_HEADERS, 0, b""), PROTOCOL_ERROR)
ends("CONTINUATION after the end of a list", lambda c: headers(c) + frame(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL_ERROR)
ends("CONTINUATION of another stream", lambda c: headers(c, 1, END_STREAM) + frame(CONTINUATION, END_HEADERS, 3, b""), PROTOCOL_ERROR)
ends("DATA within a header list", lambda c: headers(c, 1, END_STREAM) + frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR)
ends("PING within a header list", lambda c: headers(c, 1, END_STREAM) + frame(PING, 0, 0, bytes(8)), PROTOCOL_ERROR)
ends("an unknown frame within a header list", lambda c: headers(c, 1, END_STREAM) + frame(0x50, 0, 0, b""), PROTOCOL_ERROR)
ends("a frame beyond MAX_FRAME_SIZE", lambda c: headers(c, 1, END_HEADERS) + frame(DATA, 0, 1, bytes(16385)), FRAME_SIZE_ERROR)
ends("a PING beyond MAX_FRAME_SIZE", frame(PING, 0, 0, bytes(20000)), FRAME_SIZE_ERROR)
ends("DATA with more padding than bytes", lambda c: headers(c, 1, END_HEADERS) + frame(DATA, PADDED, 1, bytes([200]) + b"abc"), PROTOCOL_ERROR)
ends("DATA that should be padded and is empty", lambda c: headers(c, 1, END_HEADERS) + frame(DATA, PADDED, 1, b""), PROTOCOL_ERROR, FRAME_SIZE_ERROR)
ends("HEADERS with more padding than bytes", lambda c: frame(HEADERS, END_HEADERS | PADDED, 1, bytes([255]) + c.encoder.encode(c.fields())), PROTOCOL_ERROR)
ends("HEADERS too short for a priority", frame(HEADERS, END_HEADERS | PRIORITY_FLAG, 1, b"\0\0"), PROTOCOL_ERROR, FRAME_SIZE_ERROR)
ends("an index that no table has", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\x03"), COMPRESSION_ERROR)
ends("index 0", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80"), COMPRESSION_ERROR)
ends("a string longer than its list", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x86\x84\x41\x7fabc"), COMPRESSION_ERROR)
ends("a number without end", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x7f" + b"\xff" * 20), COMPRESSION_ERROR)
ends("Huffman code without a letter", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x40\x84\xff\xff\xff\xff\x01x"), COMPRESSION_ERROR)
ends("a table size beyond the settings", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe1\xff\x03\x82"), COMPRESSION_ERROR)
ends("a table size after fields", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x86\x20"), COMPRESSION_ERROR)


@case("no preface", begin=False)
def no_preface(c):
    c.send(b"GET / HTTP/9.9\r\n\r\n")
    c.until(lambda: c.closed or c.buffer, what="end")


@case("a preface that is wrong at its end", begin=False)
def bad_preface(c):
    c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX" + settings())
    c.expect_goaway(PROTOCOL_ERROR, None)


@case("a preface without SETTINGS", begin=False)
def no_settings(c):
    c.send(PREFACE + headers(c))
    c.expect_goaway(PROTOCOL_ERROR)


@case("a wrong preface over TLS", tls=True, begin=False)
def tls_preface(c):
    c.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    c.expect_goaway(PROTOCOL_ERROR, None)


@case("WINDOW_UPDATE of nothing on a stream", grants=False, wanted=[(4, 0)])
def zero_increment(c):
    s = c.get()
    c.send(frame(WINDOW_UPDATE, 0, s, word(0)))
    c.until(lambda: c.closed or c.streams[s].reset is not None, what="error")
    check(c.streams[s].reset == PROTOCOL_ERROR or c.goaways[-1][1] == PROTOCOL_ERROR, c.streams[s].reset)


def after_end(name, data):
    @case(name)
    def after(c):
        s = c.get()
        c.response(s)
        c.send(data(c, s))
        c.until(lambda: c.closed or c.streams[s].reset is not None, what="error")
        check(c.streams[s].reset in (STREAM_CLOSED, PROTOCOL_ERROR) or c.goaways[-1][1] in (STREAM_CLOSED, PROTOCOL_ERROR), c.goaways)


after_end("DATA after the end of a stream", lambda c, s: frame(DATA, END_STREAM, s, b"x"))
after_end("HEADERS after the end of a stream", lambda c, s: frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode(c.fields())))


@case("DATA after END_STREAM of a stream that is being answered", grants=False, wanted=[(4, 0)])
def half_closed(c):
    s = c.get()
    c.until(lambda: c.streams[s].headers, what="HEADERS")
    c.data(s, b"x")
    c.until(lambda: c.closed or c.streams[s].reset is not None, what="error")
    check(c.streams[s].reset == STREAM_CLOSED or c.goaways and c.goaways[-1][1] == STREAM_CLOSED, (c.streams[s].reset, c.goaways))


# Malformed messages (§8.1.1, §8.2, §8.3): the stream ends, the connection goes on

M, S, A, P = (":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/examples/plain")
POST = (":method", "POST")
for name, fields in [
    ("no :method", [S, A, P]),
    ("no :scheme", [M, A, P]),
    ("no :path", [M, S, A]),
    ("an empty :path", [M, S, A, (":path", "")]),
    ("an empty :method", [(":method", ""), S, A, P]),
    (":method twice", [M, M, S, A, P]),
    (":path twice", [M, S, A, P, P]),
    (":scheme twice", [M, S, S, A, P]),
    (":authority twice", [M, S, A, A, P]),
    ("an unknown pseudo-header", [M, S, A, P, (":what", "ever")]),
    ("a pseudo-header of responses", [M, S, A, P, (":status", "200")]),
    ("a pseudo-header after fields", [M, S, A, ("x-a", "b"), P]),
    (":protocol without extended CONNECT", [(":method", "CONNECT"), (":protocol", "websocket"), S, A, P]),
    ("CONNECT with :path", [(":method", "CONNECT"), A, P]),
    ("CONNECT with :scheme", [(":method", "CONNECT"), A, S]),
    ("CONNECT without :authority", [(":method", "CONNECT")]),
    ("a capital letter in a name", [M, S, A, P, ("X-Capital", "1")]),
    ("a capital letter in a pseudo-header", [M, S, A, (":Path", "/")]),
    ("a space in a name", [M, S, A, P, ("x a", "1")]),
    ("a colon in a name", [M, S, A, P, ("x:a", "1")]),
    ("a line feed in a name", [M, S, A, P, ("x\na", "1")]),
    ("a non-ASCII byte in a name", [M, S, A, P, ("x-\xe9", "1")]),
    ("a line feed in a value", [M, S, A, P, ("x-a", "1\n2")]),
    ("a carriage return in a value", [M, S, A, P, ("x-a", "1\r2")]),
    ("a NUL in a value", [M, S, A, P, ("x-a", "1\x002")]),
    ("a request smuggled in a value", [M, S, A, P, ("x-a", "1\r\n\r\nGET / HTTP/1.1\r\n")]),
    ("a space before a value", [M, S, A, P, ("x-a", " 1")]),
    ("a tab behind a value", [M, S, A, P, ("x-a", "1\t")]),
    ("a line feed in :path", [M, S, A, (":path", "/a\nb")]),
    ("a line feed in :authority", [M, S, (":authority", "a\nb"), P]),
    ("a space in :method", [(":method", "GET /x"), S, A, P]),
    ("connection", [M, S, A, P, ("connection", "close")]),
    ("keep-alive", [M, S, A, P, ("keep-alive", "1")]),
    ("proxy-connection", [M, S, A, P, ("proxy-connection", "close")]),
    ("transfer-encoding", [POST, S, A, P, ("transfer-encoding", "chunked")]),
    ("upgrade", [M, S, A, P, ("upgrade", "h2c")]),
    ("te with something else", [M, S, A, P, ("te", "gzip")]),
    ("te with more than trailers", [M, S, A, P, ("te", "trailers, deflate")]),
    ("host twice", [M, S, P, ("host", "a"), ("host", "a")]),
    ("host that differs from :authority", [M, S, A, P, ("host", "other")]),
    ("a scheme that is not the connection's", [M, (":scheme", "https"), A, P]),
    ("a scheme that nobody knows", [M, (":scheme", "ftp"), A, P]),
    ("content-length twice", [M, S, A, P, ("content-length", "0"), ("content-length", "0")]),
    ("content-length with a sign", [M, S, A, P, ("content-length", "+0")]),
    ("content-length in words", [M, S, A, P, ("content-length", "none")]),
    ("content-length below zero", [M, S, A, P, ("content-length", "-1")]),
    ("content-length without a body", [POST, S, A, P, ("content-length", "5")]),
]:
    @case("malformed: " + name)
    def malformed(c, fields=fields):
        s = c.open([(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields])
        c.expect_reset(s, PROTOCOL_ERROR)
        c.expect_alive()

for name, status, fields in [
    ("a space in :path", 400, [M, S, A, (":path", "/a b")]),
    ("a fragment in :path", 400, [M, S, A, (":path", "/a#b")]),
    (":path without a slash", 400, [M, S, A, (":path", "examples")]),
    (":path in absolute form", 400, [M, S, A, (":path", "http://localhost/")]),
    ("* for something else than OPTIONS", 400, [M, S, A, (":path", "*")]),
    ("a byte beyond ASCII in :path", 400, [M, S, A, (":path", "/\xe9")]),
    ("neither :authority nor host", 400, [M, S, P]),
    ("an empty :authority", 400, [M, S, (":authority", ""), P]),
    ("user information in :authority", 400, [M, S, (":authority", "me@localhost"), P]),
    ("a path in :authority", 400, [M, S, (":authority", "localhost/x"), P]),
    ("a port beyond 16 bits", 400, [M, S, (":authority", "localhost:99999"), P]),
    ("more fields than maxHeaderCount", 400, [M, S, A, P] + [(f"x-{n}", "1") for n in range(101)]),
    ("more bytes than maxHttpRequestHeaderSize", 400, [M, S, A, P, ("x-a", "a" * 8200)]),
    ("CONNECT", 501, [(":method", "CONNECT"), A]),
]:
    @case(f"{status}: {name}")
    def refused(c, fields=fields, status=status):
        s = c.open([(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields])
        c.expect_status(s, status)
        c.expect_alive()


@case("malformed: less body than content-length")
def short_body(c):
    s, _ = echo(c, extra=[("content-length", "10")])
    c.data(s, b"12345", end=True)
    c.expect_reset(s, PROTOCOL_ERROR)
    c.expect_alive()


@case("malformed: more body than content-length")
def long_body(c):
    s, _ = echo(c, extra=[("content-length", "3")])
    c.data(s, b"12345")
    c.expect_reset(s, PROTOCOL_ERROR)
    c.expect_alive()


@case("malformed: trailer fields that do not end the stream")
def open_trailers(c):
    s, body = echo(c)
    c.data(s, body)
    c.send(frame(HEADERS, END_HEADERS, s, c.encoder.encode([("x-a", "1")])))
    c.expect_reset(s, PROTOCOL_ERROR)
    c.expect_alive()


for name, field in [("a pseudo-header", (":path", "/")), ("a capital letter", ("X-A", "1")), ("content-length", ("content-length", "1")), ("a NUL", ("x-a", "\0"))]:
    @case(f"malformed: {name} in trailer fields")
    def bad_trailers(c, field=field):
        s, body = echo(c)
        c.data(s, body)
        c.send(frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode([field])))
        c.until(lambda: c.streams[s].reset is not None or c.streams[s].ended, what="reset")
        check(c.streams[s].reset == PROTOCOL_ERROR or c.streams[s].status == 400, (c.streams[s].reset, c.streams[s].status))
        c.expect_alive()


@case("421: a host of another TLS host", tls=True)
def misdirected(c):
    c.expect_status(c.get(authority="other.example"), 421)
    c.expect_alive()


@case("malformed: http over TLS", tls=True)
def wrong_scheme(c):
    c.expect_reset(c.get(scheme="http"), PROTOCOL_ERROR)
    c.expect_alive()


def run(entry):
    name, tls, options, function = entry
    connection = None
    try:
        connection = Connection(SECURE if tls else CLEAR, tls=tls, **options)
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
    with ThreadPoolExecutor(4) as pool:
        for line in pool.map(run, [e for e in CASES if not wanted or any(w in e[0] for w in wanted)]):
            print(line, flush=True)
