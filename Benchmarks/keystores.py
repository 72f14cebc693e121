#!/usr/bin/env python3
"""Measures how long listing a key store of a thousand entries takes: serval-keytool beside the JDK's keytool and openssl pkcs12.

Each figure is the median over whole processes, start included. What a reader can hardly be faster than is deriving the keys: a PKCS12 file says how many
rounds that takes, and all readers compute the same ones; the same file with a single round shows what is left.
"""

import argparse
import hashlib
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PASSWORD = "changeit"
ENTRIES = 1000


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def certificates(folder):
    """A certificate a thousand times, each with a serial number of its own; nobody checks signatures when a store is listed."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-set_serial", "0x7112345678", "-subj", "/CN=example.org/O=Serval",
        "-keyout", folder / "key.pem", "-outform", "DER", "-out", folder / "one.der")  # fmt: skip
    one = (folder / "one.der").read_bytes()
    at = one.index(bytes.fromhex("7112345678"))
    return [one[: at + 1] + struct.pack(">I", number) + one[at + 5 :] for number in range(ENTRIES)]


def write_jks(path, contents):
    """A key store in Java's old format."""
    text = lambda value: struct.pack(">H", len(value)) + value
    data = struct.pack(">III", 0xFEEDFEED, 2, len(contents))
    for number, certificate in enumerate(contents):
        data += struct.pack(">I", 2) + text(b"entry%d" % number) + struct.pack(">Q", 1_700_000_000_000)
        data += text(b"X.509") + struct.pack(">I", len(certificate)) + certificate
    path.write_bytes(data + hashlib.sha1(PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + data).digest())


def make_stores(folder):
    write_jks(folder / "jks", certificates(folder))
    convert = ["-importkeystore", "-noprompt", "-srckeystore", folder / "jks", "-srcstorepass", PASSWORD, "-deststoretype", "PKCS12", "-deststorepass", PASSWORD]
    run("keytool", *convert, "-destkeystore", folder / "p12")
    few = [f"-J-Dkeystore.pkcs12.{name}IterationCount=1" for name in ("certPbe", "mac")]
    run("keytool", *few, *convert, "-destkeystore", folder / "p12-1")


def median(command, rounds):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run(*command)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serval-keytool", type=pathlib.Path, required=True, help="the release binary")
    parser.add_argument("--rounds", type=int, default=11, help="processes per figure (default: 11)")
    options = parser.parse_args()
    for program in ("keytool", "openssl"):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed (scripts/prepare bench installs it)")
    with tempfile.TemporaryDirectory(prefix="serval-bench-") as name:
        folder = pathlib.Path(name)
        make_stores(folder)
        print(f"Listing {ENTRIES:,} entries, milliseconds per process (median of {options.rounds})\n")
        print("| store | serval-keytool | JDK keytool | openssl pkcs12 | JDK ÷ serval | serval ÷ openssl |\n| --- | --- | --- | --- | --- | --- |")
        for store, title in (("jks", "JKS"), ("p12", "PKCS12, 10,000 rounds"), ("p12-1", "PKCS12, 1 round")):
            path = folder / store
            listing = ["-list", "-keystore", path, "-storepass", PASSWORD]
            ours = median([options.serval_keytool, *listing], options.rounds)
            java = median(["keytool", *listing], max(3, options.rounds // 2))
            openssl = None
            if store != "jks":
                openssl = median(["openssl", "pkcs12", "-in", path, "-nokeys", "-passin", f"pass:{PASSWORD}"], options.rounds)
            theirs = ["–", "–"] if openssl is None else [f"{openssl:.1f}", f"{ours / openssl:.2f}"]
            print(f"| {title} | {ours:.1f} | {java:.1f} | {theirs[0]} | {java / ours:.1f} | {theirs[1]} |", flush=True)


if __name__ == "__main__":
    main()
