#!/usr/bin/env python3
"""Measures how long reading a key store of a thousand entries takes: serval-keytool beside the JDK's keytool and openssl pkcs12.

A thousand certificates are listed; a thousand private keys are listed, which decrypts none of them, and brought into another store, which decrypts all.

Each figure is the median over whole processes, start included. What a reader can hardly be faster than is deriving the keys: a PKCS12 file says how many
rounds that takes, and all readers compute the same ones; the same file with a single round shows what is left.
"""

import argparse
import hashlib
import os
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
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    run(*new, "-subj", "/CN=Authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    run(*new, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-set_serial", "0x7112345678", "-subj", "/CN=example.org/O=Serval",
        "-keyout", folder / "key.pem", "-outform", "DER", "-out", folder / "one.der")  # fmt: skip
    run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", folder / "key.pem", "-outform", "DER", "-out", folder / "key.der")
    one = (folder / "one.der").read_bytes()
    at = one.index(bytes.fromhex("7112345678"))
    return [one[: at + 1] + struct.pack(">I", number) + one[at + 5 :] for number in range(ENTRIES)]


def der(tag, *parts):
    value = b"".join(parts)
    octets = (len(value).bit_length() + 7) // 8
    return bytes([tag]) + (bytes([len(value)]) if len(value) < 128 else bytes([0x80 | octets]) + len(value).to_bytes(octets, "big")) + value


def protected(key):
    """A private key as Java's key protector keeps it."""
    password = PASSWORD.encode("utf-16-be")
    salt = block = os.urandom(20)
    stream = b""
    while len(stream) < len(key):
        block = hashlib.sha1(password + block).digest()
        stream += block
    hidden = bytes(one ^ other for one, other in zip(key, stream))
    algorithm = der(0x30, bytes.fromhex("060a2b060104012a02110101"), b"\x05\x00")
    return der(0x30, algorithm, der(0x04, salt, hidden, hashlib.sha1(password + key).digest()))


def write_jks(path, contents, key=None):
    """A key store in Java's old format: of trusted certificates, or of private keys with a certificate each."""
    text = lambda value: struct.pack(">H", len(value)) + value
    data = struct.pack(">III", 0xFEEDFEED, 2, len(contents))
    for number, certificate in enumerate(contents):
        data += struct.pack(">I", 2 if key is None else 1) + text(b"entry%d" % number) + struct.pack(">Q", 1_700_000_000_000)
        if key is not None:
            secret = protected(key)
            data += struct.pack(">I", len(secret)) + secret + struct.pack(">I", 1)
        data += text(b"X.509") + struct.pack(">I", len(certificate)) + certificate
    path.write_bytes(data + hashlib.sha1(PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + data).digest())


def conversion(source, target, kind):
    return ["-importkeystore", "-noprompt", "-srckeystore", source, "-srcstorepass", PASSWORD, "-destkeystore", target, "-deststoretype", kind,
            "-deststorepass", PASSWORD]  # fmt: skip


def make_stores(folder):
    contents = certificates(folder)
    write_jks(folder / "certificates", contents)
    write_jks(folder / "keys", contents, (folder / "key.der").read_bytes())
    few = [f"-J-Dkeystore.pkcs12.{name}IterationCount=1" for name in ("keyPbe", "certPbe", "mac")]
    for name in ("certificates", "keys"):
        run("keytool", *conversion(folder / name, folder / f"{name}-p12", "PKCS12"))
        run("keytool", *few, *conversion(folder / name, folder / f"{name}-p12-1", "PKCS12"))


def measure(title, folder, names, arguments, openssl, tool, rounds):
    """A table: what each tool takes for each of the stores."""
    print(f"\n| {title} | serval-keytool | JDK keytool | openssl pkcs12 | JDK ÷ serval | serval ÷ openssl |\n| --- | --- | --- | --- | --- | --- |")
    for suffix, store in (("", "JKS"), ("-p12", "PKCS12, 10,000 rounds"), ("-p12-1", "PKCS12, 1 round")):
        path, target = folder / (names + suffix), folder / "target"
        ours = median([tool, *arguments(path, target)], rounds, target)
        java = median(["keytool", *arguments(path, target)], max(3, rounds // 2), target)
        theirs = ["–", "–"]
        if suffix:
            other = median(["openssl", "pkcs12", "-in", path, "-passin", f"pass:{PASSWORD}", *openssl], rounds)
            theirs = [f"{other:.1f}", f"{ours / other:.2f}"]
        print(f"| {store} | {ours:.1f} | {java:.1f} | {theirs[0]} | {java / ours:.1f} | {theirs[1]} |", flush=True)


def median(command, rounds, target=None):
    times = []
    for _ in range(rounds):
        if target is not None:
            target.unlink(missing_ok=True)
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
        few = max(3, options.rounds // 3)
        listing = lambda store, _: ["-list", "-keystore", store, "-storepass", PASSWORD]
        copying = lambda store, target: conversion(store, target, "JKS")
        print(f"{ENTRIES:,} entries, milliseconds per process (median of {options.rounds}, of decrypting all of {few})")
        measure("listing certificates", folder, "certificates", listing, ["-nokeys"], options.serval_keytool, options.rounds)
        measure("listing private keys", folder, "keys", listing, ["-nokeys"], options.serval_keytool, options.rounds)
        measure("decrypting private keys", folder, "keys", copying, ["-nocerts", "-nodes"], options.serval_keytool, few)


if __name__ == "__main__":
    main()
