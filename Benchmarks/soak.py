#!/usr/bin/env python3
"""Reloads certificates again and again under load, makes a great many handshakes, and looks for failed requests and for memory that grows.

Two certificates take turns; load.c makes requests on kept connections and handshakes of every kind meanwhile, some of which clients break off or the server
refuses. Then come handshakes without reloads. A request that fails, a client that is let in although it should not, a reload that is not done, or memory that
grows beyond the limit makes the exit code 1.

Memory is what is resident (VmRSS), measured with no load on. What counts is the growth after a warm-up: allocators keep what they have had, caches of TLS
sessions fill up, and code is read in when it first runs, all of which ends; a leak does not. The limit is 3 % and 1 MiB: the contexts of the two TLS
hosts take some 40 KiB, so that even 80 reloads that do not free them show.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SLACK = 1 << 20

SCRIPT = """
set -e
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key; }
issue() { # AUTHORITY NAME COMMON-NAME EXTENSIONS
    key $2
    openssl req -new -key $2.key -subj "/CN=$3" -out $2.csr
    printf "$4" > $2.ext
    openssl x509 -req -in $2.csr -CA $1.crt -CAkey $1.key -CAcreateserial -days 30 -extfile $2.ext -out $2.crt
    cat $2.key $2.crt > $2.pem
}
for name in ca other; do
    key $name
    openssl req -new -x509 -key $name.key -subj "/CN=$name" -days 30 -out $name.crt
done
cp ca.crt ca.pem
for name in one two; do issue ca $name localhost 'subjectAltName=DNS:localhost,DNS:clients.test'; done
issue ca client client 'extendedKeyUsage=clientAuth'
issue other stranger stranger 'extendedKeyUsage=clientAuth'
"""

SERVER = """<Server port="-1"><Service name="Catalina">
  <Connector port="0" address="127.0.0.1" SSLEnabled="true" scheme="https" secure="true" maxKeepAliveRequests="-1">
    <SSLHostConfig><Certificate certificateFile="tls/site.crt" certificateKeyFile="tls/site.key"/></SSLHostConfig>
    <SSLHostConfig hostName="clients.test" certificateVerification="required" caCertificateFile="tls/ca.pem">
      <Certificate certificateFile="tls/site.crt" certificateKeyFile="tls/site.key"/>
    </SSLHostConfig>
  </Connector>
  <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
</Service></Server>
"""


class Failure(Exception):
    pass


class Site:
    """A server with two certificates that take turns."""

    def __init__(self, serval, folder):
        self.serval = serval
        self.base = folder / "base"
        self.tls = self.base / "tls"
        self.log = folder / "server.log"
        self.turns = 0
        subprocess.run([serval, "init", self.base], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.tls.mkdir()
        subprocess.run(["bash", "-c", SCRIPT], cwd=self.tls, check=True, stderr=subprocess.DEVNULL)
        (self.base / "conf/server.xml").write_text(SERVER)
        self.turn()
        self.process = subprocess.Popen([serval, "run", "--base", self.base], stdout=subprocess.DEVNULL, stderr=self.log.open("w"))
        self.port = self.wait_for(lambda: self.ready())

    def wait_for(self, look, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.002)
        raise Failure(f"the server does not do what it should:\n{self.log.read_text()[-4000:]}")

    def ready(self):
        text = self.log.read_text()
        port = re.search(r"connector started.*https-([0-9]+)", text)
        return int(port.group(1)) if port and "Server startup in" in text else None

    def turn(self):
        """Puts the other certificate into place: both files through links to a folder that is set at once, as certbot does it."""
        name = ("one", "two")[self.turns % 2]
        self.turns += 1
        for kind in ("key", "crt"):
            link = self.tls / f"site.{kind}"
            fresh = self.tls / f"fresh.{kind}"
            fresh.symlink_to(f"{name}.{kind}")
            fresh.rename(link)

    def record(self):
        try:
            return json.loads((self.base / "temp/serval.reload.json").read_text())
        except FileNotFoundError:
            return {"id": None}

    def reload(self, by_command):
        self.turn()
        if by_command:
            done = subprocess.run([self.serval, "reload", "--base", self.base], capture_output=True, text=True, check=False)
            if done.returncode != 0 or "new:" not in done.stdout:
                raise Failure(f"serval reload: {done.stdout}{done.stderr}")
            return
        before = self.record()["id"]
        self.process.send_signal(signal.SIGHUP)
        connector = self.wait_for(lambda: self.record()["id"] != before and self.record())["connectors"][0]
        if connector.get("error") or not connector["added"]:
            raise Failure(f"a reload was not done: {connector}")

    def resident(self):
        """Bytes, once they have stayed about the same for a moment."""
        last = 0
        for _ in range(40):
            text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            now = int(re.search(r"VmRSS:\s+([0-9]+)", text).group(1)) * 1024
            if abs(now - last) < 65536:
                return now
            last = now
            time.sleep(0.25)
        return last

    def descriptors(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Soak:
    def __init__(self, options, folder):
        self.options = options
        self.load = folder / "load"
        subprocess.run(["cc", "-O2", "-o", self.load, HERE / "load.c", "-lssl", "-lcrypto", "-lpthread"], check=True)
        self.site = Site(options.serval, folder)
        self.problems = []

    def start_load(self, count):
        arguments = [self.load, str(self.site.port), self.site.tls, str(count), str(self.options.threads)]
        return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end_load(self, load):
        output, _ = load.communicate()
        found = json.loads(output)
        if found["wrong"]:
            self.problems.append(f"{found['wrong']} requests failed or worked against the rules")
        return found

    def reloads(self, count):
        """Reloads under load; at most as fast as they are done."""
        load = self.start_load(0)
        try:
            for index in range(count):
                self.site.reload(by_command=index % 50 == 49)
                if load.poll() is not None:
                    raise Failure("the load has ended early")
        finally:
            found = self.end_load(load)
        return found

    def phase(self, title, steps, size, body):
        """Does `body` for each of `steps` equal parts, and compares the memory after the first, which warms up, with that after the last."""
        sizes = []
        total = {}
        start = time.monotonic()
        for _ in range(steps):
            for name, value in body(size).items():
                total[name] = total.get(name, 0) + value
            sizes.append(self.site.resident())
        seconds = time.monotonic() - start
        self.say(f"{title} in {seconds:.0f} s: " + ", ".join(f"{value} {name}" for name, value in total.items()))
        self.say("  resident after each part, MiB: " + " ".join(f"{size / 2**20:.1f}" for size in sizes))
        growth = sizes[-1] - sizes[0]
        limit = sizes[0] * 3 // 100 + SLACK
        self.say(f"  growth after the first part: {growth / 2**20:+.1f} MiB (limit {limit / 2**20:.1f}); open files: {self.site.descriptors()}")
        if growth > limit:
            self.problems.append(f"{title}: memory has grown by {growth / 2**20:.1f} MiB")

    def say(self, text):
        print(text, flush=True)

    def run(self):
        options = self.options
        try:
            before = self.site.descriptors()
            self.phase(f"{options.reloads} reloads under load", options.parts, options.reloads // options.parts, self.reloads)
            handshakes = lambda count: self.end_load(self.start_load(count))
            self.phase(f"{options.handshakes} handshakes", options.parts, options.handshakes // options.parts, handshakes)
            if self.site.descriptors() > before + 8:
                self.problems.append(f"{self.site.descriptors()} files are open, at first {before}")
            log = self.site.log.read_text()
            done = log.count("certificates reloaded")
            self.say(f"{done} reloads in the log, {log.count('certificates not reloaded')} refused")
            if done < options.reloads or "certificates not reloaded" in log:
                self.problems.append("not all reloads are in the log")
        finally:
            status = self.site.stop()
        if status != 0:
            self.problems.append(f"the server ended with {status}")
        for problem in self.problems:
            self.say(f"PROBLEM: {problem}")
        return 1 if self.problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serval", required=True, help="the server's binary")
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--handshakes", type=int, default=200_000)
    parser.add_argument("--parts", type=int, default=10, help="how often memory is measured in each phase")
    parser.add_argument("--threads", type=int, default=4, help="connections at a time")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="serval-soak-"))
    try:
        return Soak(options, folder).run()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
