#!/usr/bin/env python3
"""Measures Serval beside nginx and Tomcat 10 on this machine, all in the same run.

Each server is pinned to one core, the load generator to another. All servers run at once and are idle but for the one
that is measured; rounds go round-robin over the servers, and the medians are printed. CPU time is what the kernel counts
for the server (user and system, all threads and child processes), so it hardly depends on what else the machine does;
requests per second do. Ratios are medians, too: of what each round gives, in which the servers are measured one right
after the other.
"""

import argparse
import dataclasses
import glob
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from servers import Failure, Nginx, NginxOneTicket, Serval, ServalNIOSSL, Tomcat, executable, make_keys

HERE = pathlib.Path(__file__).resolve().parent
WARM_UP = 30_000
SESSIONS = 100_000
IDLE_CONNECTIONS = 2_000


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    tool: str  # wrk, h2load, or a mode of handshakes
    path: str
    tls: bool = False
    connections: int = 32
    warm_up: int = WARM_UP
    unit: str = "request"
    units: str = "requests"
    by_default: bool = True
    #: How often it is measured in each round: what hardly repeats needs more.
    repeats: int = 1

    @property
    def is_handshakes(self):
        return self.unit == "handshake"


SCENARIOS = [
    Scenario("plain", "Keep-alive requests, 13 bytes from a servlet", "wrk", "plain"),
    Scenario("file", "Keep-alive requests, static file of 13 bytes", "wrk", "file"),
    Scenario("tls", "Keep-alive requests over TLS, 13 bytes from a servlet", "wrk", "plain", tls=True, repeats=3),
    Scenario("h2", "Requests over HTTP/2 and TLS, 10 at once on each connection, 13 bytes from a servlet", "h2load", "plain", tls=True),
    Scenario("full", "Full TLS 1.3 handshakes (connection, handshake, one request)", "full", "plain", True, 8, 3_000, "handshake", "handshakes", repeats=3),
    Scenario("resumed", "Resumed TLS 1.3 handshakes (connection, handshake, one request)", "resumed", "plain", True, 8, 3_000, "handshake", "handshakes"),
    Scenario("full12", "Full TLS 1.2 handshakes", "full12", "plain", True, 8, 3_000, "handshake", "handshakes", by_default=False),
    Scenario("resumed12", "Resumed TLS 1.2 handshakes", "resumed12", "plain", True, 8, 3_000, "handshake", "handshakes", by_default=False),
    Scenario("create", "Requests that make a session", "wrk", "session"),
    Scenario("lookup", "Requests that look a session up by its cookie", "wrk", "lookup"),
    Scenario("big", "10 MiB bodies", "wrk", "big", False, 4, 200, "body", "bodies"),
    Scenario("bigtls", "10 MiB bodies over TLS", "wrk", "big", True, 4, 100, "body", "bodies"),
]
MEMORY = {
    "start": "Start: milliseconds to the first https answer, MiB resident half a second later",
    "idle": f"Idle TLS connections: KiB resident for each of {IDLE_CONNECTIONS:,}",
    "sessions": f"Sessions: bytes resident for each of {SESSIONS:,} or more, without attributes and with one number",
}


KINDS = {kind.name: kind for kind in (Serval, ServalNIOSSL, Nginx, NginxOneTicket, Tomcat)}


class Bench:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        cores = sorted(os.sched_getaffinity(0))
        self.server_core, self.load_core = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
        self.keys = directory / "keys"
        self.handshakes = directory / "handshakes"
        self.servers = []
        self.results = {}  # scenario -> server -> list of measurements
        self.memory = {}  # scenario -> server -> value
        self.cookies = {}

    # Setting up

    def compile_client(self):
        """Compiles handshakes.c, with BoringSSL where there is one; returns whose client it is."""
        library = next(iter(sorted(glob.glob("/usr/lib/*/android/libssl.so"))), None)
        boring = library is not None and self.options.client != "openssl"
        if self.options.client == "boringssl" and not boring:
            raise Failure("there is no BoringSSL (scripts/prepare bench installs android-libboringssl-dev)")
        flags = ["-I/usr/include/android", f"-L{os.path.dirname(library)}", f"-Wl,-rpath,{os.path.dirname(library)}"] if boring else []
        subprocess.run(
            [executable("cc"), "-std=gnu11", "-O2", "-pthread", *flags, "-o", str(self.handshakes), str(HERE / "handshakes.c"), "-lssl", "-lcrypto"],
            check=True, timeout=120,
        )  # fmt: skip
        return "BoringSSL" if boring else "OpenSSL"

    def make_servers(self):
        for name in self.options.servers:
            kind = KINDS[name]
            if issubclass(kind, Serval) and not os.access(kind.binary, os.X_OK):
                print(f"{name} is left out: there is no {kind.binary}")
                continue
            server = kind(self.directory / name, self.keys, self.server_core)
            server.prepare()
            self.servers.append(server)
        if not self.servers:
            raise Failure("there is no server to measure")

    # Load

    def pinned(self, *command):
        return (["taskset", "-c", str(self.load_core)] if self.load_core is not None else []) + [str(part) for part in command]

    def load(self, server, scenario, seconds):
        """Runs one load and returns what it and the server's CPU clock say."""
        if scenario.tool == "wrk":
            command = self.pinned(executable("wrk"), "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--timeout", "10s", "--latency")
            if scenario.path == "lookup":
                command += ["-H", f"Cookie: {self.cookie(server)}"]
            command.append(server.url(scenario.path, scenario.tls))
        elif scenario.tool == "h2load":
            command = self.pinned(executable("h2load"), "-t1", f"-c{scenario.connections}", "-m10", f"-D{seconds}", server.url(scenario.path, True))
        else:
            command = self.pinned(self.handshakes, scenario.tool, server.https, server.paths[scenario.path], seconds, scenario.connections)
        before = server.cpu_seconds()
        result = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 3 + 30)
        cpu = server.cpu_seconds() - before
        if result.returncode != 0:
            raise Failure(f"{scenario.name} on {server.name}: {result.stderr.strip() or result.stdout.strip()}")
        read = {"wrk": self.read_wrk, "h2load": self.read_h2load}.get(scenario.tool, self.read_handshakes)
        measured = read(result.stdout)
        measured["cpu"] = cpu * 1e6 / measured["count"] if measured["count"] else float("nan")
        if measured["errors"]:
            self.note(f"{scenario.name} on {server.name}: {measured['errors']} of {measured['count']} were not answered with success")
        if scenario.tool.startswith("resumed") and measured["reused"] < 0.99 * measured["count"]:
            self.note(f"{scenario.name} on {server.name}: only {measured['reused']} of {measured['count']} were resumed")
        return measured

    def read_wrk(self, output):
        count, seconds = re.search(r"(\d+) requests in ([\d.]+)s", output).groups()
        errors = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", output))
        for numbers in re.findall(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output):
            errors += sum(map(int, numbers))
        factors = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}
        latency = {
            percent: float(value) * factors[unit] for percent, value, unit in re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)\s*$", output, re.M)
        }
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
        return {"count": int(count), "rate": rate, "errors": errors, "p50": latency["50"], "p99": latency["99"]}

    def read_h2load(self, output):
        done, succeeded = re.search(r"requests: .* (\d+) done, (\d+) succeeded", output).groups()
        rate = float(re.search(r"([\d.]+) req/s", output).group(1))
        # It tells the mean of the times only.
        return {"count": int(done), "rate": rate, "errors": int(done) - int(succeeded), "p50": float("nan"), "p99": float("nan")}

    def read_handshakes(self, output):
        facts = json.loads(output)
        return {
            "count": facts["done"], "rate": facts["done"] / facts["seconds"], "errors": facts["failed"], "reused": facts["reused"],
            "p50": facts["p50"], "p99": facts["p99"],
        }  # fmt: skip

    def cookie(self, server):
        if server.name not in self.cookies:
            headers = subprocess.run(
                ["curl", "-s", "-m", "20", "-D", "-", "-o", os.devnull, server.url("session", False)], capture_output=True, text=True, timeout=30
            ).stdout
            found = re.search(r"(?im)^set-cookie:\s*([^;\s]+)", headers)
            if not found:
                raise Failure(f"{server.name} sets no cookie for a new session")
            self.cookies[server.name] = found.group(1)
        return self.cookies[server.name]

    def warm_up(self, server, scenario):
        goal = scenario.warm_up if not self.options.quick else scenario.warm_up // 6
        done, limit = 0, time.monotonic() + 60
        while done < goal and time.monotonic() < limit:
            done += self.load(server, scenario, 2)["count"]

    def note(self, text):
        print(f"  ! {text}", flush=True)

    # Measuring

    def measure_loads(self, scenarios):
        if not scenarios:
            return
        for server in self.servers:
            server.start()
            server.settle()
            for text in server.notes:
                self.note(f"{server.name}: {text}")
            print(f"  {server.name}: {server.version()}; {server.negotiated()}", flush=True)
        self.each(scenarios, "warming up", self.warm_up)
        for number in range(self.options.rounds):
            self.measure_round(scenarios, number)
        for server in self.servers:
            server.stop()

    def each(self, scenarios, title, action, turn=0):
        for scenario in scenarios:
            print(f"  {title}: {scenario.name}", flush=True)
            order = self.servers[turn % len(self.servers) :] + self.servers[: turn % len(self.servers)]
            for server in order:
                if scenario.path in server.paths and (scenario.is_handshakes or not server.handshakes_only):
                    try:
                        action(server, scenario)
                    except (Failure, subprocess.TimeoutExpired) as problem:
                        self.note(str(problem))

    def measure(self, server, scenario):
        measured = self.load(server, scenario, self.options.seconds)
        self.results.setdefault(scenario.name, {}).setdefault(server.name, []).append(measured)

    def measure_round(self, scenarios, number):
        for repeat in range(1 if self.options.quick else max(scenario.repeats for scenario in scenarios)):
            title = f"round {number + 1} of {self.options.rounds}" + (f", again ({repeat})" if repeat else "")
            self.each([scenario for scenario in scenarios if repeat < scenario.repeats], title, self.measure, number + repeat)

    def measure_memory(self, names):
        steps = {"start": self.measure_start, "idle": self.measure_idle, "sessions": self.measure_sessions}
        for name in names:
            for server in self.servers:
                if server.handshakes_only:
                    continue
                print(f"  {name}: {server.name}", flush=True)
                try:
                    value = steps[name](server)
                    if value is not None:
                        self.memory.setdefault(name, {})[server.name] = value
                except (Failure, subprocess.SubprocessError) as problem:
                    self.note(str(problem))
                finally:
                    server.stop()

    def measure_start(self, server):
        times, sizes = [], []
        for _ in range(2 if self.options.quick else 5):
            times.append(server.start() * 1000)
            time.sleep(0.5)
            sizes.append(server.resident_bytes() / 2**20)
            server.stop()
        return {"ms": statistics.median(times), "MiB": statistics.median(sizes)}

    def measure_idle(self, server):
        server.start()
        self.load(server, Scenario("idle", "", "full", "plain", True, 8), 2)
        time.sleep(1)
        before = server.resident_bytes()
        client = subprocess.Popen(
            self.pinned(self.handshakes, "idle", server.https, server.paths["plain"], IDLE_CONNECTIONS, 0),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            # The client's reads are limited to 10 s each, and it stops at the first that fails.
            answer = json.loads(client.stdout.readline() or '{"open": 0}')
            time.sleep(1)
            after = server.resident_bytes()
        finally:
            client.communicate(timeout=20)
        if answer["open"] < IDLE_CONNECTIONS:
            raise Failure(f"{server.name} kept only {answer['open']} of {IDLE_CONNECTIONS} connections")
        return {"KiB": (after - before) / 1024 / IDLE_CONNECTIONS}

    def measure_sessions(self, server):
        sizes = {}
        for path, unit in (("empty", "bytes"), ("session", "bytes with a number")):
            if path in server.paths:
                server.start()
                self.make_sessions(server, path, 2_000)
                time.sleep(0.5)
                before = server.resident_bytes()
                made = self.make_sessions(server, path, SESSIONS)
                time.sleep(1)
                sizes[unit] = (server.resident_bytes() - before) / made
                server.stop()
        return sizes or None

    def make_sessions(self, server, path, least):
        """Makes at least so many sessions; returns how many it were, give or take the few in flight at the end."""
        made, limit = 0, time.monotonic() + 120
        scenario = Scenario("sessions", "", "wrk", path)
        while made < least:
            measured = self.load(server, scenario, 1)
            made += measured["count"]
            if measured["errors"] or time.monotonic() > limit:
                raise Failure(f"{server.name} did not make {least} sessions but {made}, {measured['errors']} answers were errors")
        return made

    # Reporting

    def median(self, scenario, server, key):
        values = [measured[key] for measured in self.results.get(scenario, {}).get(server, [])]
        return statistics.median(values) if values else None

    def report(self, scenarios, memory_names):
        for scenario in scenarios:
            rows = [server.name for server in self.servers if self.results.get(scenario.name, {}).get(server.name)]
            if not rows:
                continue
            print(f"\n{scenario.title}  [{scenario.name}]")
            print(f"  {'':14}{scenario.units + '/s':>14}{'CPU µs/' + scenario.unit:>18}{'p50 ms':>10}{'p99 ms':>10}")
            for name in rows:
                rate, cpu, p50, p99 = (self.median(scenario.name, name, key) for key in ("rate", "cpu", "p50", "p99"))
                print(f"  {name:14}{rate:>14,.0f}{cpu:>18,.1f}{p50:>10,.2f}{p99:>10,.2f}")
            for own in ("serval", "serval-niossl"):
                self.report_ratios(scenario, own, [name for name in rows if not name.startswith("serval")])
        for name in memory_names:
            values = self.memory.get(name, {})
            if values:
                print(f"\n{MEMORY[name]}  [{name}]")
                for server, facts in values.items():
                    print(f"  {server:14}" + "".join(f"{value:>12,.1f} {unit}" for unit, value in facts.items()))

    def ratios(self, scenario, own, other):
        """What `own` needs of CPU for what `other` needs, round by round."""
        rounds = self.results.get(scenario, {})
        return [a["cpu"] / b["cpu"] for a, b in zip(rounds.get(own, []), rounds.get(other, [])) if a["cpu"] and b["cpu"]]

    def report_ratios(self, scenario, own, others):
        words = []
        for other in others:
            ratios = self.ratios(scenario.name, own, other)
            if ratios:
                words.append(f"{statistics.median(ratios):.2f} × {other} ({min(ratios):.2f} to {max(ratios):.2f})")
        if words:
            print(f"  {own}'s CPU: {', '.join(words)}")

    def targets(self):
        """The project's own targets: words, measured value, limit."""
        def ratio(scenario, other, own="serval"):
            ratios = self.ratios(scenario, own, other)
            return statistics.median(ratios) if ratios else None

        def added(server):
            secure, plain = self.median("tls", server, "cpu"), self.median("plain", server, "cpu")
            return secure - plain if secure and plain else None

        def size(name, unit):
            return self.memory.get(name, {}).get("serval", {}).get(unit)

        tls = added("serval") / added("nginx") if added("serval") and added("nginx") else None
        return [
            ("plain: CPU per request, × tomcat10", ratio("plain", "tomcat10"), 0.75),
            ("plain: CPU per request, × nginx", ratio("plain", "nginx"), 2.0),
            ("tls: CPU per keep-alive request, × nginx", ratio("tls", "nginx"), 1.2),
            ("full: CPU per full handshake, × nginx", ratio("full", "nginx"), 1.15),
            ("resumed: CPU per resumed handshake, × nginx", ratio("resumed", "nginx"), 1.3),
            ("bigtls: CPU per body of 10 MiB, × nginx", ratio("bigtls", "nginx"), 1.2),
            ("full: CPU per full handshake of serval-niossl, × nginx", ratio("full", "nginx", "serval-niossl"), 0.75),
            ("tls: CPU that TLS adds per request, × what it adds to nginx", tls, 1.3),
            ("start: ms to the first https answer", size("start", "ms"), 100),
            ("start: MiB resident", size("start", "MiB"), 40),
            ("sessions: bytes per session without attributes", size("sessions", "bytes"), 300),
            ("idle: KiB per idle TLS connection", size("idle", "KiB"), 30),
        ]

    def report_targets(self):
        print("\nTargets")
        missed = 0
        for words, value, limit in self.targets():
            verdict = "not measured" if value is None else "PASS" if value <= limit else "FAIL"
            missed += verdict == "FAIL"
            shown = "" if value is None else f"{value:,.2f}"
            print(f"  {verdict:13}{shown:>10}  (limit {limit:g})  {words}")
        return missed


def arguments():
    every = [scenario.name for scenario in SCENARIOS] + list(MEMORY)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serval", default=str(HERE.parent / ".build/release/serval"), metavar="FILE", help="the server's release binary")
    parser.add_argument(
        "--serval-niossl", default=str(HERE.parent / ".build/niossl/release/serval"), metavar="FILE", help="one built with --traits NIOSSL, in case there is one"
    )
    parser.add_argument("--quick", action="store_true", help="one short round with little warm-up: to see that all works")
    parser.add_argument("--only", default="", metavar="NAMES", help=f"comma-separated, of: {', '.join(every)}")
    parser.add_argument("--servers", default=",".join(KINDS), metavar="NAMES", help="comma-separated (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="how often each is measured (default 7)")
    parser.add_argument("--seconds", type=int, help="how long each is measured (default 2)")
    parser.add_argument("--key", choices=["ec", "rsa"], default="ec", help="P-256 or RSA-2048 (default: ec)")
    parser.add_argument(
        "--client", choices=["auto", "boringssl", "openssl"], default="auto", help="what makes the handshakes (default: BoringSSL where it is installed)"
    )
    parser.add_argument("--json", metavar="FILE", help="also write all measurements to FILE")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 7)
    options.seconds = options.seconds or 2
    options.servers = [name for name in options.servers.split(",") if name]
    options.only = [name for name in options.only.split(",") if name]
    for name in options.only:
        if name not in every:
            parser.error(f"there is no {name}; there are {', '.join(every)}")
    for name in options.servers:
        if name not in KINDS:
            parser.error(f"there is no server {name}; there are {', '.join(KINDS)}")
    return options


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    options = arguments()
    Serval.binary = str(pathlib.Path(options.serval).resolve())
    ServalNIOSSL.binary = str(pathlib.Path(options.serval_niossl).resolve())
    chosen = [scenario for scenario in SCENARIOS if (scenario.name in options.only if options.only else scenario.by_default)]
    memory_names = [name for name in MEMORY if not options.only or name in options.only]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="serval-bench-"))
    bench = Bench(options, directory)
    # So that servers are stopped then as well.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    try:
        make_keys(bench.keys, options.key)
        client = bench.compile_client()
        print(f"{processor()}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}, load average {os.getloadavg()[0]:.1f}")
        if bench.server_core is None:
            print("There is only one core: servers and load share it, and rates mean little.")
        print(f"Servers on core {bench.server_core}, load on core {bench.load_core}; key: {'RSA-2048' if options.key == 'rsa' else 'EC P-256'}, no client")
        print("certificates. Access logs are on and buffered in all servers (common format; Serval and Tomcat by their default")
        print("AccessLogValve, nginx with buffer=64k). Else servers are as they come; each TLS session gets two tickets from nginx and on")
        print("swift-nio-ssl, one from Serval on OpenSSL and from nginx-1, which is there for comparison.")
        print("Tomcat: NIO connector with JSSE, its servlets are compiled pages (JSP).")
        print(f"Handshakes are made by the client of {client}.")
        bench.make_servers()
        bench.measure_loads(chosen)
        bench.measure_memory(memory_names)
        bench.report(chosen, memory_names)
        missed = bench.report_targets()
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps({"client": client, "loads": bench.results, "memory": bench.memory}, indent=2))
        return 1 if options.check and missed else 0
    except (Failure, subprocess.SubprocessError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    finally:
        for server in bench.servers:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
