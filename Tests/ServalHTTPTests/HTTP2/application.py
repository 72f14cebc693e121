"""Cases that need an application of their own: `application.py PORT FOLDER`, FOLDER being that of client.py.

Prints a line for each case, `ok NAME` or `FAILED NAME: WHY`.
"""
import struct
import sys
import time
import traceback

sys.path.insert(0, sys.argv[2])
from client import *

PORT = int(sys.argv[1])
CASES = []


def case(name, **options):
    def register(function):
        CASES.append((name, options, function))
        return function
    return register


def check(condition, why):
    if not condition:
        raise Failure(why)


@case("trailer fields of a response")
def trailers(c):
    r = c.response(c.get("/trailers-out"))
    check(r.body == b"body" and r.trailers == [("x-checksum", "1")], (r.body, r.trailers))


@case("trailer fields of a request")
def request_trailers(c):
    s = c.open(c.fields("/trailers", "POST"), end=False)
    c.data(s, b"body")
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode([("x-a", "1"), ("x-b", "2")])))
    check(c.response(s).body == b"x-a=1,x-b=2", c.streams[s].body)


@case("an application that closes the connection")
def close(c):
    check(c.response(c.get("/close")).body == b"closing", "no answer")
    c.expect_goaway(NO_ERROR)


@case("connection: close in a response")
def close_field(c):
    r = c.response(c.get("/close-field"))
    check("connection" not in dict(r.headers), r.headers)
    c.expect_goaway(NO_ERROR)


@case("100-continue when the body is read")
def on_read(c):
    s = c.open(c.fields("/ignore", "POST", [("expect", "100-continue")]), end=False)
    check(c.response(s).interim == [] and c.streams[s].body == b"ignored", c.streams[s].interim)
    s = c.open(c.fields("/collect", "POST", [("expect", "100-continue")]), end=False)
    c.until(lambda: c.streams[s].interim == ["100"], what="100")
    c.data(s, b"12345", end=True)
    check(c.response(s).body == b"5", c.streams[s].body)


@case("a body that nobody reads is taken up to two windows")
def held(c):
    s = c.open(c.fields("/held", "POST"), end=False)
    other = c.open(c.fields("/held", "POST"), end=False)
    for stream in (s, other):
        it = c.streams[stream]
        while it.window > 0 and c.window > 0:
            size = min(16384, it.window, c.window)
            c.data(stream, bytes(size))
            it.window, c.window, it.sent = it.window - size, c.window - size, it.sent + size
            c.receive(0)
            if not it.window or not c.window:
                c.quiet(0.5)
        check(65535 <= it.sent <= 2 * 65536, it.sent)
    # The connection's window is not held up by that.
    check(c.response(c.get("/plain")).body == b"Hello, world!", "no answer")
    check(c.response(c.get("/release")).status == 200, "no release")
    for stream in (s, other):
        c.upload(stream, bytes(100000))
        check(int(c.response(stream).body) == c.streams[stream].sent + 100000, c.streams[stream].body)


@case("a response that nobody takes is not written", grants=False)
def endless(c):
    s = c.get("/endless")
    c.until(lambda: len(c.streams[s].body) == 65535, what="a window of bytes")
    c.quiet(0.3)
    second = Connection(PORT)
    written = int(second.response(second.get("/written")).body)
    second.close()
    check(65535 <= written <= 65535 + 200000, written)
    c.send(frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL)))


@case("only so many requests of a connection run at once")
def execution(c):
    ids = [c.get("/parallel") for _ in range(12)]
    most = max(int(c.response(s).body) for s in ids)
    check(most == 3, most)


@case("the task of a request is cancelled with its stream")
def cancelled(c):
    s = c.get("/sleep")
    c.quiet(0.3)
    c.send(frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL)))
    deadline = time.monotonic() + 10
    while c.response(c.get("/cancelled")).body != b"1":
        check(time.monotonic() < deadline, "not cancelled")
        time.sleep(0.05)


@case("an answer that is given up cancels nobody else's task", wanted=[(4, 0)])
def given_up(c):
    for _ in range(3):
        s = c.get("/bytes?n=100")
        c.until(lambda: c.streams[s].status, what="head")
        # The application has answered; its task is free for the next request.
        c.send(frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL)))
        s = c.get("/task")
        c.send(frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 100)))
        check(c.response(s).body == b"false", c.streams[s].body)


@case("an answer that is given up does not end another body", wanted=[(4, 0)])
def given_up_body(c):
    first = c.get("/bytes?n=100")
    c.until(lambda: c.streams[first].status, what="head")
    s = c.open(c.fields("/collect", "POST"), end=False)
    c.send(frame(RST_STREAM, 0, first, struct.pack(">I", CANCEL)) + frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 100)))
    c.data(s, b"12345", end=True)
    check(c.response(s).body == b"5", c.streams[s].body)


def late_trailers(c, s, fields):
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode(fields)))


def check_alive(c):
    # With a field of the table that the late fields have filled.
    check(c.response(c.get("/plain", extra=[("x-late", "1")])).body == b"Hello, world!", "no answer")
    check(not c.goaways, c.goaways)


for path, code in (("/ignore", NO_ERROR), ("/throws", INTERNAL_ERROR)):
    for name, fields in (("good", [("x-late", "1")]), ("malformed", [(":path", "/"), ("x-late", "1")])):
        @case(f"{name} trailer fields for a stream that was reset already: {path}")
        def trailers_after_reset(c, path=path, code=code, fields=fields):
            ends = (lambda s: None, lambda s: c.data(s, b"late"), lambda s: c.send(frame(RST_STREAM, 0, s, struct.pack(">I", CANCEL))))
            for end in ends:
                s = c.open(c.fields(path, "POST"), end=False)
                c.until(lambda: c.streams[s].reset is not None, what="reset")
                check(c.streams[s].reset == code, c.streams[s].reset)
                end(s)
                late_trailers(c, s, fields) if end is not ends[2] else None
                check_alive(c)
            resets = [s for kind, _, s, _ in c.frames if kind == RST_STREAM]
            check(len(resets) == 3, resets)


@case("trailer fields for a stream that was refused")
def trailers_after_refusal(c):
    c.settle()
    held = [c.open(c.fields("/trailers", "POST"), end=False) for _ in range(100)]
    # Both at once: the client cannot know yet.
    s = c.take_id()
    c.streams[s] = Stream()
    refused = frame(HEADERS, END_HEADERS, s, c.encoder.encode(c.fields("/trailers", "POST")))
    c.send(refused + frame(HEADERS, END_HEADERS | END_STREAM, s, c.encoder.encode([("x-late", "1")])))
    c.expect_reset(s, REFUSED_STREAM)
    for s in held:
        late_trailers(c, s, [("x-late", "1")])
    for s in held:
        check(c.response(s).body == b"x-late=1", c.streams[s].body)
    check_alive(c)


@case("trailer fields for more streams than are remembered")
def many_late_trailers(c):
    for _ in range(400):
        s = c.open(c.fields("/ignore", "POST"), end=False)
        c.until(lambda: c.streams[s].reset == NO_ERROR, what="reset")
    late_trailers(c, s, [("x-late", "1")])
    check_alive(c)
    check(len([1 for kind, _, _, _ in c.frames if kind == RST_STREAM]) == 400, "other resets")


@case("malformed trailer fields end their stream")
def malformed_trailers(c):
    s = c.open(c.fields("/collect", "POST"), end=False)
    late_trailers(c, s, [(":path", "/"), ("x-late", "1")])
    c.expect_reset(s, PROTOCOL_ERROR)
    check_alive(c)


for name, bad in (("a short PING", frame(PING, 0, 0, bytes(7))), ("a window of nothing", frame(WINDOW_UPDATE, 0, 0, bytes(4)))):
    @case(f"GOAWAY names the last stream: {name}")
    def last_stream(c, bad=bad):
        for _ in range(3):
            c.response(c.get("/plain"))
        c.send(bad)
        c.until(lambda: c.closed, what="end of the connection")
        check([last for last, _ in c.goaways] == [5], c.goaways)


for path in ("/throws", "/too-short", "/too-long"):
    @case(f"a streamed response that goes wrong: {path}")
    def wrong(c, path=path):
        # However often: it is not the client's fault.
        for _ in range(12):
            c.expect_reset(c.get(path), INTERNAL_ERROR)
        check(c.response(c.get("/plain")).status == 200, "no answer")


@case("a head that is too large")
def large_head(c):
    for path in ("/large-head", "/large-stream-head"):
        c.expect_status(c.get(path), 500)
    check(c.response(c.get("/plain")).status == 200, "no answer")


def check_big(r, path, size):
    fields = dict(r.headers)
    check(r.status == 418 and fields["x-control"] == "a" * size and r.body == b"body of %d" % size, (r.status, r.body, len(r.headers)))
    cookies = [value for name, value in r.headers if name == "set-cookie"]
    check(cookies == ["first=1", "\u00e4" * 300] and "date" in fields, cookies)
    if path == "/big-stream-head":
        check(r.trailers == [("x-control", "t" * 50000)], r.trailers and len(r.trailers))


@case("heads and trailers that take several frames")
def big_heads(c):
    for path in ("/big-head", "/big-stream-head"):
        for size in (1, 3000, 15000, 16384, 17000, 33000, 59000):
            check_big(c.response(c.get(f"{path}?{size}")), path, size)
            # Both sides have the same tables still.
            check(c.response(c.get("/plain")).status == 200, "no answer")
    sizes = [size for kind, _, _, size in c.frames if kind in (HEADERS, CONTINUATION)]
    check(max(sizes) == 16384, max(sizes))
    check(sum(kind == CONTINUATION for kind, _, _, _ in c.frames) >= 15, "no CONTINUATION")
    # After another size of the table, which the server says at the beginning of a block.
    c.send(settings([(1, 100)]))
    check_big(c.response(c.get("/big-head?40000")), "/big-head", 40000)
    check(c.response(c.get("/plain")).status == 200, "no answer")
    # A head alone.
    r = c.response(c.get("/big-head?40000", method="HEAD"))
    check(r.ended and r.body == b"" and len(dict(r.headers)["x-control"]) == 40000, r.body)


@case("large heads and bodies for a client that does not read for a while", receive_buffer=4096)
def big_heads_later(c):
    paths = [path + f"?{40000 + i}" for i in range(20) for path in ("/big-head", "/big-stream-head")]
    streams = [c.get(path) for path in paths] + [c.get("/endless")]
    c.send(frame(RST_STREAM, 0, streams[0], struct.pack(">I", CANCEL)))
    time.sleep(0.3)
    for path, stream in list(zip(paths, streams))[1:]:
        check_big(c.response(stream), path.partition("?")[0], int(path.partition("?")[2]))
    c.send(frame(RST_STREAM, 0, streams[-1], struct.pack(">I", CANCEL)))
    check(c.response(c.get("/plain")).status == 200, "no answer")


@case("trailers that are too large are left out")
def large_trailers(c):
    r = c.response(c.get("/large-trailers"))
    check(r.status == 200 and r.ended and r.trailers is None, r.trailers)


@case("a large head of characters that take many bits")
def long_codes(c):
    r = c.response(c.get("/odd-head"))
    check(r.status == 200 and dict(r.headers)["x-control"] == "\\" * 15000, r.status)
    r = c.response(c.get("/odd-trailers"))
    check(r.status == 200 and r.trailers == [("x-control", "\\" * 15000)], r.trailers)
    check(c.response(c.get("/plain")).status == 200, "no answer")


@case("statuses without body")
def no_body(c):
    for path, status in (("/empty", 204), ("/unmodified", 304)):
        r = c.response(c.get(path))
        check(r.status == status and r.body == b"" and "content-length" not in dict(r.headers), r.headers)
    c.expect_status(c.get("/interim"), 500)


@case("control bytes in a response")
def control(c):
    r = c.response(c.get("/control"))
    check(dict(r.headers)["x-control"] == "a  b c", r.headers)


@case("HEAD of a stream")
def head(c):
    r = c.response(c.get("/endless", method="HEAD"))
    check(r.status == 200 and r.body == b"", r.body)


@case("a form")
def form(c):
    s = c.open(c.fields("/form", "POST", [("content-type", "application/x-www-form-urlencoded")]), end=False)
    c.data(s, b"a=1&b=2&c=3", end=True)
    check(c.response(s).body == b"400", c.streams[s].body)


@case("an echo that goes on for long")
def echo(c):
    s = c.open(c.fields("/echo", "POST"), end=False)
    c.upload(s, bytes(range(256)) * 8000)
    check(c.response(s).body == bytes(range(256)) * 8000, "other bytes")


def run(entry):
    name, options, function = entry
    connection = None
    try:
        connection = Connection(PORT, **options)
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
    for case_entry in CASES:
        if len(sys.argv) < 4 or sys.argv[3] in case_entry[0]:
            print(run(case_entry), flush=True)
