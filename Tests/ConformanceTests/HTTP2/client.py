"""A client that speaks HTTP/2 frame by frame, as badly as a test wants."""
import select
import socket
import ssl
import struct
import time

from hpack import Decoder, Encoder
from hyperframe.frame import Frame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x1, 0x4, 0x8, 0x20
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL,
 COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)


class Failure(Exception):
    """What a test expected did not happen."""


def frame(kind, flags, stream, payload=b"", length=None):
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(values=(), ack=False):
    return frame(SETTINGS, ACK if ack else 0, 0, b"".join(struct.pack(">HI", k, v) for k, v in values))


class Stream:
    def __init__(self):
        self.headers = None
        self.interim = []
        self.trailers = None
        self.body = b""
        self.ended = False
        self.reset = None
        # The bytes of a body that may be sent.
        self.window = 65535
        # The bytes for which no window was given back yet.
        self.taken = 0
        self.sent = 0

    @property
    def status(self):
        return int(dict(self.headers)[":status"]) if self.headers else None


class Connection:
    """A connection; reads only when asked to, and answers PING and SETTINGS then."""

    def __init__(self, port, tls=False, begin=True, wanted=(), grants=True, server_name="localhost", receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname=server_name)
            if self.socket.selected_alpn_protocol() != "h2":
                raise Failure(f"ALPN chose {self.socket.selected_alpn_protocol()}")
        self.encoder, self.decoder = Encoder(), Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.buffer = b""
        self.streams = {}
        self.goaways = []
        self.closed = False
        self.frames = []
        self.window = 65535
        self.taken = 0
        self.pings = []
        self.server_settings = {}
        self.acknowledged = 0
        self.next_id = 1
        self.block, self.block_ends = b"", False
        # Whether SETTINGS and PING are answered.
        self.answers = begin
        # Whether windows are given back as bodies arrive.
        self.grants = grants
        if begin:
            self.send(PREFACE + settings(wanted))

    # Sending

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError, socket.timeout):
            # What the other side said before it hung up may still be here.
            while self.receive(0.1):
                pass
            self.closed = True

    def fields(self, path="/examples/plain", method="GET", extra=(), authority="localhost", scheme=None):
        base = [(":method", method), (":scheme", scheme or self.scheme), (":authority", authority), (":path", path)]
        return [f for f in base if f[1] is not None] + list(extra)

    def open(self, fields, end=True, flags=0, stream=None):
        stream = stream or self.take_id()
        self.streams[stream] = Stream()
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0) | flags, stream, self.encoder.encode(fields)))
        return stream

    def take_id(self):
        self.next_id += 2
        return self.next_id - 2

    def get(self, path="/examples/plain", **more):
        return self.open(self.fields(path, **more))

    def data(self, stream, body, end=False):
        self.send(frame(DATA, END_STREAM if end else 0, stream, body))

    def upload(self, stream, body, seconds=60):
        """A whole body, as the server's windows allow."""
        it, sent, deadline = self.streams[stream], 0, time.monotonic() + seconds
        while sent < len(body):
            size = min(16384, it.window, self.window, len(body) - sent)
            if size > 0:
                self.data(stream, body[sent : sent + size], end=sent + size == len(body))
                sent, it.window, self.window = sent + size, it.window - size, self.window - size
            self.receive(0 if size > 0 else 1)
            if self.closed or it.reset is not None or time.monotonic() > deadline:
                raise Failure(f"upload ended after {sent} bytes: GOAWAY {self.goaways}, reset {it.reset}")

    # Receiving

    def receive(self, seconds):
        """Takes what arrives within some time; false when there is nothing."""
        if self.closed:
            return False
        pending = isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()
        if not pending and not select.select([self.socket], [], [], seconds)[0]:
            return False
        try:
            chunk = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            chunk = b""
        if not chunk:
            self.closed = True
            return False
        self.buffer += chunk
        while len(self.buffer) >= 9:
            parsed, length = Frame.parse_frame_header(memoryview(self.buffer[:9]))
            if len(self.buffer) < 9 + length:
                break
            kind, flags = self.buffer[3], self.buffer[4]
            payload, self.buffer = self.buffer[9 : 9 + length], self.buffer[9 + length :]
            self.take(kind, flags, parsed.stream_id, payload)
        return True

    def take(self, kind, flags, stream_id, payload):
        self.frames.append((kind, flags, stream_id, len(payload)))
        stream = self.streams.get(stream_id)
        if kind in (HEADERS, CONTINUATION):
            self.block += payload
            self.block_ends = bool(flags & END_STREAM) if kind == HEADERS else self.block_ends
            if flags & END_HEADERS:
                fields = self.decoder.decode(self.block)
                self.block = b""
                if stream is None:
                    raise Failure(f"HEADERS on stream {stream_id}")
                if stream.headers is None and dict(fields).get(":status", "").startswith("1"):
                    stream.interim.append(dict(fields)[":status"])
                elif stream.headers is None:
                    stream.headers = fields
                else:
                    stream.trailers = fields
                if self.block_ends:
                    stream.ended = True
        elif kind == DATA:
            stream.body += payload
            stream.ended = bool(flags & END_STREAM)
            stream.taken += len(payload)
            self.taken += len(payload)
            if self.grants and stream.taken >= 8192 and not stream.ended:
                self.send(frame(WINDOW_UPDATE, 0, stream_id, struct.pack(">I", stream.taken)))
                stream.taken = 0
            if self.grants and self.taken >= 8192:
                self.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self.taken)))
                self.taken = 0
        elif kind == WINDOW_UPDATE:
            increment = struct.unpack(">I", payload)[0]
            if stream_id == 0:
                self.window += increment
            elif stream:
                stream.window += increment
        elif kind == RST_STREAM and stream:
            stream.reset = struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack(">II", payload[:8]))
        elif kind == SETTINGS:
            if flags & ACK:
                self.acknowledged += 1
            else:
                self.server_settings.update(struct.unpack(">HI", payload[i : i + 6]) for i in range(0, len(payload), 6))
                if self.answers:
                    self.send(settings(ack=True))
        elif kind == PING:
            if flags & ACK:
                self.pings.append(payload)
            elif self.answers:
                self.send(frame(PING, ACK, 0, payload))

    def until(self, condition, seconds=20, what="something"):
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0 or (not self.receive(left) and (self.closed or left <= 0)):
                if condition():
                    return
                state = {k: (v.status, v.ended, v.reset) for k, v in list(self.streams.items())[-4:]}
                raise Failure(f"no {what}: closed {self.closed}, GOAWAY {self.goaways}, streams {state}")

    def quiet(self, seconds=0.3):
        """Takes what comes until nothing comes for a while."""
        while self.receive(seconds):
            pass

    def response(self, stream, seconds=20):
        """The whole response of a stream."""
        it = self.streams[stream]
        self.until(lambda: it.ended or it.reset is not None, seconds, f"response on {stream}")
        if not it.ended:
            raise Failure(f"stream {stream} was reset with {it.reset}")
        return it

    # Expectations

    def expect_status(self, stream, status):
        if self.response(stream).status != status:
            raise Failure(f"status {self.streams[stream].status}, not {status}")

    def expect_reset(self, stream, *codes):
        it = self.streams[stream]
        self.until(lambda: it.reset is not None or it.ended, what=f"reset of {stream}")
        if it.reset not in codes:
            raise Failure(f"reset {it.reset} (status {it.status}), not {codes}")

    def expect_goaway(self, *codes, seconds=20):
        """The connection ends, with one of the codes, or without a word if None is among them."""
        self.until(lambda: self.closed, seconds, "end of the connection")
        last = self.goaways[-1][1] if self.goaways else None
        if last not in codes:
            raise Failure(f"GOAWAY {last}, not {codes}")

    def expect_alive(self):
        """The connection still answers."""
        if self.response(self.get()).body != b"Hello, world!":
            raise Failure("wrong answer after that")

    def settle(self):
        """Both sides know each other's settings."""
        self.until(lambda: self.acknowledged and self.server_settings, what="SETTINGS")

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
