#!/usr/bin/env python3
"""Measures what becomes of very many sessions, on Serval and on Tomcat 10, one after the other on the same core.

  restart   100,000 sessions, each with one number, over a stop and a start with <Manager pathname="SESSIONS.ser"/>: how long each takes, how large the
            file is, and whether each session is there with its number
  stores    10,000 sessions over a stop and a start in the stores that need no other server: FileStore, and SQLite (Serval only)
  memory    bytes resident for each of 100,000 sessions without attributes
  lookup    look-ups of 10,000 different sessions among 1,000,000: requests a second, p50 and p99, beside the same among 10,000 (Serval only)
  robots    requests without cookies that each make a session, at full rate: memory at the end of each tenth of the time (Serval only)

Exits with 1 if a session was lost, or if memory grew in the second half of the time of the robots.
"""

import argparse
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from servers import Failure, Serval, Tomcat, executable, make_keys

# Memory that the allocator holds back moves by some per cent.
GROWTH = 0.03

RANDOM_COOKIE = """
local ids = {{}}
for line in io.lines("{file}") do ids[#ids + 1] = line end
math.randomseed({seed})
request = function() return wrk.format("GET", "{path}", {{["Cookie"] = "JSESSIONID=" .. ids[math.random(#ids)]}}) end
"""


class Client:
    """Requests on one kept connection; sends several before it reads the answers."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.http), timeout=120)
        self.buffer = b""

    def get(self, requests):
        """The (Set-Cookie id or None, body) of each (path, id or None)."""
        lines = []
        for path, cookie in requests:
            field = f"Cookie: JSESSIONID={cookie}\r\n" if cookie else ""
            lines.append(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n")
        self.socket.sendall("".join(lines).encode())
        return [self.read() for _ in requests]

    def read(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.receive()
        head = self.buffer[:end].decode("latin-1")
        if " 200" not in head.split("\r\n", 1)[0]:
            raise Failure(f"unexpected answer: {head.splitlines()[0]}")
        length = int(re.search(r"(?i)content-length: (\d+)", head)[1])
        while len(self.buffer) < end + 4 + length:
            self.receive()
        body = self.buffer[end + 4 : end + 4 + length].decode()
        self.buffer = self.buffer[end + 4 + length :]
        found = re.search(r"(?i)set-cookie: JSESSIONID=(\w+)", head)
        return (found[1] if found else None, body)

    def receive(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Failure("the server closed the connection")
        self.buffer += data


def make(server, path, count):
    """Makes sessions; returns their ids."""
    ids, client = [], Client(server)
    while len(ids) < count:
        answers = client.get([(server.paths[path], None)] * min(50, count - len(ids)))
        if any(identifier is None for identifier, _ in answers):
            raise Failure(f"{server.name} made no session")
        ids += [identifier for identifier, _ in answers]
    return ids


def manager(server, element):
    context = pathlib.Path(server.base / "conf/context.xml")
    context.write_text(f"<Context>{element}</Context>")


SINGLE_FILE = '<Manager pathname="SESSIONS.ser"{}/>'
STORE = '<Manager className="org.apache.catalina.session.PersistentManager"{}><Store {}/></Manager>'
FILE_STORE = STORE.replace("<Store {}", '<Store className="org.apache.catalina.session.FileStore" directory="sessions"')
SQLITE_STORE = STORE.replace("<Store {}", '<Store connectionURL="jdbc:sqlite:sessions.db"')


def restart(server, count, element, label=""):
    """Makes sessions, stops, starts, and looks at each."""
    manager(server, element.format(' serval.maxNewSessions="-1"' if isinstance(server, Serval) else ""))
    server.start()
    ids = make(server, "session", count)
    process, begin = server.process, time.monotonic()
    process.terminate()
    process.wait(timeout=300)
    stopped = time.monotonic() - begin
    size = sum(path.stat().st_size for path in server.base.rglob("*") if path.is_file() and re.search("(?i)sessions", str(path.relative_to(server.base))))
    started = server.start(limit=300)
    client = Client(server)
    # The application is there before its sessions on Tomcat as well: the first look-up waits for both.
    begin = time.monotonic()
    lost = 0
    for start in range(0, count, 50):
        for _, body in client.get([(server.paths["lookup"], identifier) for identifier in ids[start : start + 50]]):
            lost += body.strip() != "1"
    looked = time.monotonic() - begin
    resident = server.resident_bytes()
    server.stop()
    print(f"  {server.name:10} {label:6} stop {stopped:6.2f} s  start {started:6.2f} s  files {size / 2**20:6.1f} MiB  resident {resident / 2**20:6.0f} MiB  "
          f"{count} look-ups {looked:5.2f} s, lost {lost}", flush=True)  # fmt: skip
    if lost:
        raise Failure(f"{server.name} lost {lost} of {count} sessions over a restart")


def memory(server, count):
    manager(server, '<Manager serval.maxNewSessions="-1"/>' if isinstance(server, Serval) else "")
    server.start()
    make(server, "empty", 2_000)
    time.sleep(1)
    before = server.resident_bytes()
    make(server, "empty", count)
    time.sleep(1)
    after = server.resident_bytes()
    server.stop()
    print(f"  {server.name:10} {(after - before) / count:6.0f} bytes a session, {after / 2**20:.0f} MiB in all", flush=True)


def wrk(server, *arguments, seconds, connections=32):
    command = [executable("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if result.returncode != 0 or "Non-2xx" in result.stdout or "Socket errors" in result.stdout:
        raise Failure(f"{server.name}: {result.stdout}{result.stderr}")
    return {
        "count": int(re.search(r"(\d+) requests in", result.stdout)[1]),
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", result.stdout)[1]),
        "p50": re.search(r"50%\s+(\S+)", result.stdout)[1],
        "p99": re.search(r"99%\s+(\S+)", result.stdout)[1],
    }


def lookup(server, count, seconds, directory):
    manager(server, '<Manager serval.maxNewSessions="-1"/>')
    server.start()
    first = 10_000
    ids = make(server, "session", first)
    file = directory / "ids"
    script = directory / "random.lua"
    file.write_text("\n".join(ids) + "\n")
    made = first
    for total in (first, count):
        while made < total:
            made += wrk(server, server.url("session", False), seconds=2)["count"]
        script.write_text(RANDOM_COOKIE.format(file=file, seed=total, path=server.paths["lookup"]))
        before = server.cpu_seconds()
        measured = wrk(server, "-s", str(script), server.url("lookup", False), seconds=seconds)
        cpu = (server.cpu_seconds() - before) * 1e6 / measured["count"]
        print(f"  {server.name:10} among {made:9,}: {measured['rate']:8.0f}/s  {cpu:5.1f} µs CPU  p50 {measured['p50']}  p99 {measured['p99']}"
              f"  resident {server.resident_bytes() / 2**20:.0f} MiB", flush=True)  # fmt: skip
    server.stop()


def robots(server, seconds):
    manager(server, "")
    server.start()
    sizes, count = [], 0
    for _ in range(10):
        count += wrk(server, server.url("session", False), seconds=max(1, seconds // 10))["count"]
        sizes.append(server.resident_bytes())
    server.stop()
    shown = " ".join(f"{size / 2**20:.0f}" for size in sizes)
    print(f"  {server.name:10} {count:,} sessions in {seconds} s; MiB after each tenth: {shown}", flush=True)
    if sizes[-1] > sizes[4] * (1 + GROWTH):
        raise Failure(f"memory grew from {sizes[4]} to {sizes[-1]} bytes in the second half")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serval", required=True, metavar="FILE", help="the server's release binary")
    parser.add_argument("--only", default="restart,stores,memory,lookup,robots", metavar="NAMES", help="comma-separated (default: %(default)s)")
    parser.add_argument("--servers", default="serval,tomcat10", metavar="NAMES", help="comma-separated (default: %(default)s)")
    parser.add_argument("--sessions", type=int, default=100_000, help="for restart and memory (default: %(default)s)")
    parser.add_argument("--stored", type=int, default=10_000, help="for stores (default: %(default)s)")
    parser.add_argument("--many", type=int, default=1_000_000, help="for lookup (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=600, help="for robots (default: %(default)s)")
    options = parser.parse_args()
    only = options.only.split(",")
    Serval.binary = str(pathlib.Path(options.serval).resolve())
    directory = pathlib.Path(tempfile.mkdtemp(prefix="serval-sessions-"))
    problems, running = [], []

    def server(kind, step):
        base = directory / f"{kind.name}-{step}"
        made = kind(base, directory / "keys", None)
        made.prepare()
        running.append(made)
        return made

    try:
        make_keys(directory / "keys")
        kinds = [kind for kind in (Serval, Tomcat) if kind.name in options.servers.split(",")]
        stores = [(kind, "files", FILE_STORE) for kind in kinds] + [(kind, "SQLite", SQLITE_STORE) for kind in kinds if kind is Serval]
        steps = {
            "restart": lambda: [restart(server(kind, "restart"), options.sessions, SINGLE_FILE) for kind in kinds],
            "stores": lambda: [restart(server(kind, f"stores-{label}"), options.stored, element, label) for kind, label, element in stores],
            "memory": lambda: [memory(server(kind, "memory"), options.sessions) for kind in kinds],
            "lookup": lambda: lookup(server(Serval, "lookup"), options.many, 10, directory),
            "robots": lambda: robots(server(Serval, "robots"), options.seconds),
        }
        for name in steps:
            if name in only:
                print(name, flush=True)
                try:
                    steps[name]()
                except (Failure, subprocess.SubprocessError, OSError) as problem:
                    problems.append(f"{name}: {problem}")
                finally:
                    for one in running:
                        one.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
