"""The servers that bench.py compares: how each is configured, started, watched and stopped."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time

PASSWORD = "changeit"
BIG = 10 * 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")

# One server.xml for the two servers that read one. Keep-alive is not limited, so that what is measured is requests and
# not reconnections; everything else is the default.
SERVER_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1" shutdown="SHUTDOWN">
  <Service name="Catalina">
    <Connector port="{http}" address="127.0.0.1" maxKeepAliveRequests="-1" keepAliveTimeout="120000"/>
    <Connector port="{https}" address="127.0.0.1" SSLEnabled="true" maxKeepAliveRequests="-1" keepAliveTimeout="120000">
      <UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol" keepAliveTimeout="120000"/>
      <SSLHostConfig>
        <Certificate certificateKeystoreFile="conf/bench.p12" certificateKeystorePassword="{password}"
                     certificateKeystoreType="PKCS12"/>
      </SSLHostConfig>
    </Connector>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" autoDeploy="false">
        <Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs"
               prefix="localhost_access_log" suffix=".txt" pattern="common"/>
      </Host>
    </Engine>
  </Service>
</Server>
"""

# TLS as nginx does it by itself: no session cache, two tickets for each session.
NGINX_CONF = """daemon off;
{user}
worker_processes 1;
pid {base}/nginx.pid;
error_log {base}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  types {{ text/plain txt; application/octet-stream bin; }}
  log_format common '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent';
  access_log {base}/access.log common buffer=64k flush=1s;
  client_body_temp_path {base}/body; proxy_temp_path {base}/proxy; fastcgi_temp_path {base}/fastcgi;
  uwsgi_temp_path {base}/uwsgi; scgi_temp_path {base}/scgi;
  sendfile on; tcp_nopush on;
  keepalive_requests 1000000000; keepalive_timeout 120s; http2_max_concurrent_streams 128;
  server {{
    listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl http2;
    ssl_certificate {base}/bench.crt; ssl_certificate_key {base}/bench.key;
    ssl_protocols TLSv1.2 TLSv1.3; {tls}
    root {base}/files;
    location = /plain {{ default_type text/plain; return 200 'Hello, world!'; }}
  }}
}}
"""

# What the compiled-in servlets of Serval do, as pages that Tomcat compiles to servlets.
PAGES = {
    "plain.jsp": '<%@ page session="false" contentType="text/plain" %>Hello, world!',
    "session.jsp": (
        '<%@ page session="true" contentType="text/plain" %><% Integer n = (Integer) session.getAttribute("visits");'
        ' n = n == null ? 1 : n + 1; session.setAttribute("visits", n); out.print(n); %>'
    ),
    "empty.jsp": '<%@ page session="true" contentType="text/plain" %>Hello, world!',
    "lookup.jsp": (
        '<%@ page session="false" contentType="text/plain" %><% HttpSession s = request.getSession(false);'
        ' out.print(s == null ? "none" : s.getAttribute("visits")); %>'
    ),
}


class Failure(Exception):
    """A server or a step did not do what it should; the message says which."""


def reserve_port():
    """A socket bound to a free port, which nobody else gets while it is open.

    It does not listen. A server that is told the number can, because servers set SO_REUSEADDR: Linux lets several sockets that
    all set it have one port as long as none of them listens.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


def make_keys(folder, key="ec"):
    """Makes bench.key, bench.crt and bench.p12 in a new folder; `key` is ec or rsa."""
    folder.mkdir()
    algorithm = ["-newkey", "rsa:2048"] if key == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    run = lambda *command: subprocess.run(command, check=True, timeout=60, cwd=folder, stderr=subprocess.PIPE)
    run("openssl", "req", "-x509", *algorithm, "-nodes", "-sha256", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "bench.key", "-out", "bench.crt")  # fmt: skip
    run("openssl", "pkcs12", "-export", "-name", "bench", "-inkey", "bench.key", "-in", "bench.crt", "-passout", f"pass:{PASSWORD}",
        "-out", "bench.p12")  # fmt: skip


def unverified_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Server:
    """A server below its own directory, pinned to one core, with ports of its own."""

    name = ""
    #: What to ask for, by scenario; a scenario that is missing here is not measured on this server.
    paths = {}
    handshakes_only = False

    def __init__(self, base, keys, core):
        self.base = base
        self.keys = keys
        self.core = core
        # Kept open as long as this object lives, between the starts of the server, too.
        self.reserved = [reserve_port(), reserve_port()]
        self.http, self.https = [each.getsockname()[1] for each in self.reserved]
        self.process = None
        self.notes = []
        self.paths = dict(type(self).paths)

    # What each server brings.

    def prepare(self):
        """Lays the server's directory down."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def version(self):
        raise NotImplementedError

    def settle(self):
        """Called once after the first start: finds out what does not work and leaves it out."""

    # What is the same for all.

    def start(self, limit=60.0):
        """Starts the server; returns the seconds until its first answer over https."""
        command = self.command()
        if self.core is not None:
            command = ["taskset", "-c", str(self.core)] + command
        context = unverified_context()
        log = open(self.base / "output.log", "ab")
        begin = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.base, env=self.environment(), start_new_session=True
        )
        log.close()
        while time.monotonic() - begin < limit:
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended at start with {self.process.returncode}:\n{self.tail()}")
            if self.answers(context):
                return time.monotonic() - begin
            time.sleep(0.001)
        raise Failure(f"{self.name} did not answer within {limit:.0f} s:\n{self.tail()}")

    def answers(self, context):
        try:
            with socket.create_connection(("127.0.0.1", self.https), timeout=5) as connection:
                with context.wrap_socket(connection, server_hostname="localhost") as secure:
                    secure.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return secure.recv(4096).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def negotiated(self):
        with socket.create_connection(("127.0.0.1", self.https), timeout=5) as connection:
            with unverified_context().wrap_socket(connection, server_hostname="localhost") as secure:
                return f"{secure.version()} {secure.cipher()[0]}"

    def stop(self):
        """Ends the server: asked first, then made to. Never raises."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            # The server leads a process group of its own, so its children go with it.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)

    def tail(self):
        try:
            return "\n".join((self.base / "output.log").read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return ""

    def pids(self):
        """The server's process and everything below it."""
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = self.stat(int(entry))
                if fields:
                    children.setdefault(int(fields[1]), []).append(int(entry))
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            waiting.extend(children.get(pid, []))
        return found

    @staticmethod
    def stat(pid):
        """Fields of /proc/PID/stat from the third on: state, parent, …"""
        try:
            text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        return text[text.rindex(")") + 2 :].split()

    def cpu_seconds(self):
        """User and system time of all threads and child processes, ended ones included."""
        total = 0
        for pid in self.pids():
            fields = self.stat(pid)
            if fields:
                total += sum(int(field) for field in fields[11:15])
        return total / TICKS

    def resident_bytes(self):
        total = 0
        for pid in self.pids():
            try:
                for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmRSS:"):
                        total += int(line.split()[1]) * 1024
            except OSError:
                pass
        return total

    def url(self, scenario_path, tls):
        return f"{'https' if tls else 'http'}://127.0.0.1:{self.https if tls else self.http}{self.paths[scenario_path]}"

    def write_files(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hello.txt").write_text("Hello, world!")
        (folder / "big.bin").write_bytes(bytes(BIG))


class Serval(Server):
    name = "serval"
    paths = {
        "plain": "/examples/plain",
        "file": "/hello.txt",
        "big": f"/examples/bytes?n={BIG}",
        "session": "/examples/session",
        "empty": "/examples/sessions/attributes",
        "lookup": "/examples/lookup",
    }
    binary = None

    def prepare(self):
        subprocess.run([self.binary, "init", str(self.base)], check=True, timeout=60, stdout=subprocess.DEVNULL)
        (self.base / "conf/server.xml").write_text(SERVER_XML.format(http=self.http, https=self.https, password=PASSWORD))
        shutil.copy(self.keys / "bench.p12", self.base / "conf/bench.p12")
        self.write_files(self.base / "webapps/ROOT")

    def command(self):
        return [self.binary, "run", "--base", str(self.base)]

    def version(self):
        output = subprocess.run([self.binary, "version"], capture_output=True, text=True, timeout=20).stdout.split("\n")
        return output[0] or "serval"


class ServalNIOSSL(Serval):
    """The same with the second TLS implementation, in a binary that is built with the package trait NIOSSL."""

    name = "serval-niossl"
    binary = None

    def prepare(self):
        super().prepare()
        file = self.base / "conf/server.xml"
        chosen = 'SSLEnabled="true" sslImplementationName="serval.tls.NIOSSL"'
        file.write_text(file.read_text().replace('SSLEnabled="true"', chosen))


class Nginx(Server):
    name = "nginx"
    #: More directives of the TLS server.
    tls = ""
    paths = {"plain": "/plain", "file": "/hello.txt", "big": "/big.bin"}

    def prepare(self):
        self.base.mkdir(parents=True)
        user = "user root;" if os.getuid() == 0 else ""
        (self.base / "nginx.conf").write_text(NGINX_CONF.format(base=self.base, http=self.http, https=self.https, user=user, tls=self.tls))
        for name in ("bench.crt", "bench.key"):
            shutil.copy(self.keys / name, self.base / name)
        self.write_files(self.base / "files")

    def command(self):
        return [executable("nginx"), "-p", str(self.base), "-c", str(self.base / "nginx.conf"), "-e", str(self.base / "error.log")]

    def version(self):
        return subprocess.run([executable("nginx"), "-v"], capture_output=True, text=True, timeout=20).stderr.strip().removeprefix("nginx version: ")


class NginxOneTicket(Nginx):
    """With one ticket for each session, as Serval gives it on OpenSSL; measured with handshakes only, and no target refers to it."""

    name = "nginx-1"
    tls = "ssl_conf_command NumTickets 1;"
    handshakes_only = True


class Tomcat(Server):
    name = "tomcat10"
    paths = {"plain": "/plain.jsp", "file": "/hello.txt", "big": "/big.bin", "session": "/session.jsp", "empty": "/empty.jsp", "lookup": "/lookup.jsp"}
    home = pathlib.Path("/usr/share/tomcat10")

    def prepare(self):
        for folder in ("conf", "logs", "temp", "work", "webapps/ROOT"):
            (self.base / folder).mkdir(parents=True)
        for name in ("web.xml", "context.xml"):
            shutil.copy(self.home / "etc" / name, self.base / "conf" / name)
        (self.base / "conf/server.xml").write_text(SERVER_XML.format(http=self.http, https=self.https, password=PASSWORD))
        shutil.copy(self.keys / "bench.p12", self.base / "conf/bench.p12")
        self.write_files(self.base / "webapps/ROOT")
        for name, text in PAGES.items():
            (self.base / "webapps/ROOT" / name).write_text(text)

    def command(self):
        return [str(self.home / "bin/catalina.sh"), "run"]

    def environment(self):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("CATALINA", "JAVA_OPTS", "TOMCAT"))}
        return kept | {"CATALINA_HOME": str(self.home), "CATALINA_BASE": str(self.base), "CATALINA_TMPDIR": str(self.base / "temp")}

    def settle(self):
        probe = subprocess.run(
            ["curl", "-s", "-m", "60", "-w", "%{http_code}", f"http://127.0.0.1:{self.http}/plain.jsp"], capture_output=True, text=True, timeout=90
        )
        if probe.stdout != "Hello, world!200":
            self.paths["plain"] = "/hello.txt"
            for name in ("session", "empty", "lookup"):
                del self.paths[name]
            self.notes.append("its page compiler does not work here: plain is its static file, sessions are not measured")

    def version(self):
        output = subprocess.run(
            [str(self.home / "bin/catalina.sh"), "version"], capture_output=True, text=True, timeout=60, env=self.environment()
        ).stdout
        facts = dict(line.split(":", 1) for line in output.splitlines() if ":" in line)
        return f"{facts.get('Server version', 'Tomcat').strip()}, Java {facts.get('JVM Version', '?').strip()}"


def executable(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise Failure(f"{name} is not installed (scripts/prepare bench installs it)")
    return found
