"""The servers that the scanners look at: Serval, and one that is as bad as this machine's OpenSSL allows."""

import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time


class Serval:
    """A base directory of its own, and the server that runs from it on a port that the system chooses."""

    def __init__(self, binaries: pathlib.Path, folder: pathlib.Path):
        self.serval = binaries / "serval"
        self.keytool = binaries / "serval-keytool"
        self.base = folder
        self.process: subprocess.Popen[bytes] | None = None
        subprocess.run([str(self.serval), "init", str(folder)], check=True, stdout=subprocess.DEVNULL)

    @property
    def server_file(self) -> pathlib.Path:
        return self.base / "conf/server.xml"

    def replace_secure_connector(self, connector: str) -> None:
        """Puts `connector` in the place of the one with TLS."""
        text = self.server_file.read_text(encoding="utf-8")
        changed, count = re.subn(r'<Connector port="8443" protocol.*?</Connector>', lambda _: connector, text, count=1, flags=re.DOTALL)
        if count != 1:
            raise RuntimeError("conf/server.xml has no connector on port 8443")
        self.server_file.write_text(changed, encoding="utf-8")

    def shell(self, script: str) -> None:
        """Runs commands in the base directory, with the binaries on the PATH."""
        path = f"{self.serval.parent}:/usr/bin:/bin"
        result = subprocess.run(["sh", "-e", "-c", script], cwd=self.base, env={"PATH": path}, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"failed with {result.returncode}:\n{script}\n{result.stdout}{result.stderr}")

    def start(self) -> int:
        """Starts the server; its port for https."""
        text = self.server_file.read_text(encoding="utf-8")
        for port, changed in (("8080", '"0" address="127.0.0.1"'), ("8443", '"0" address="127.0.0.1"'), ("8005", '"-1"')):
            text = text.replace(f'port="{port}"', f"port={changed}")
        self.server_file.write_text(text, encoding="utf-8")
        log = self.base / "stderr.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [str(self.serval), "run", "--base", str(self.base)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=output
            )
        for _ in range(600):
            said = log.read_text(encoding="utf-8", errors="replace")
            if "Server startup in [" in said:
                found = re.search(r"[^a-z]https-([0-9]+)", said)
                if not found:
                    raise RuntimeError(f"no https connector:\n{said}")
                for line in said.splitlines():
                    if " WARN" in line or " ERROR" in line:
                        raise RuntimeError(f"the server warns at its start:\n{said}")
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the server does not start:\n{log.read_text(encoding='utf-8', errors='replace')}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class WeakServer:
    """Speaks TLS 1.0 and every cipher that OpenSSL still has, with a certificate of SHA-1 and 1024 bits."""

    def __init__(self, folder: pathlib.Path):
        key, certificate = folder / "weak-key.pem", folder / "weak.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-sha1", "-days", "3650", "-subj", "/CN=localhost"]
            + ["-keyout", str(key), "-out", str(certificate)],
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.load_cert_chain(certificate, key)
        self.context = context
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        try:
            with self.context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(4096)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except (OSError, ValueError):
            connection.close()

    def stop(self) -> None:
        self.socket.close()
