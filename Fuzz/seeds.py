"""What the fuzzer begins with: small files of every kind, made by the tools that others use.

Key derivations have as few rounds as the writers allow: what is fuzzed is parsers. A tool that is missing leaves its seeds out.
"""

import base64
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zipfile
import zlib

PASSWORD = "changeit"
NAMES = [
    "CN=Duke, OU=Java, O=Serval, L=Kassel, ST=Hessen, C=DE",
    'CN="Duke, the \\"first\\"", O=a\\,b\\2Cc; OU=#0C0161',
    "2.5.4.3=x,OID.1.2.3.4=#04020102,dc=example,DC=org,EMAILADDRESS=a@b.c,UID=1,T=t,SERIALNUMBER=5",
    "CN=a+OU=b, STREET=\"  s  \", DNQ=q, GENERATION=g, C=D\u00c4, O=\U0001F431",
]
EXTENSIONS = [
    "bc", "bc:c=ca:true,pathlen:3", "BasicConstraints=2", "ku:critical=digitalSignature,keyCertSign,cRLSign,dig,dE", "eku=serverAuth,clientAuth,1.2.3",
    "san=dns:example.org,ip:127.0.0.1,ip:::1,uri:http://a/,email:a@b.c,oid:1.2.3", "ian=dns:a", "sia=caRepository:uri:http://a",
    "aia=ocsp:uri:http://a,caIssuers:uri:http://b", "crldp=uri:http://c", "1.2.3.4=01:02:03", "1.2.3.4:critical=0102", "honored=all,-bc,ku:c",
]  # fmt: skip
TOKENS = [
    "pkcs11:token=serval;object=server;id=%01%02;type=private?pin-value=1234&module-path=/usr/lib/softhsm/libsofthsm2.so",
    "pkcs11:serial=1a2b;manufacturer=SoftHSM%20project;model=SoftHSM%20v2;slot-id=3?pin-source=file:/etc/pin&module-name=softhsm2",
]
TOKEN_CONFIGURATION = """name = SoftHSM
library = /usr/lib/softhsm/libsofthsm2.so  # the module
slotListIndex = 0
description = "a token"
attributes(*,CKO_PRIVATE_KEY,*) = {
  CKA_SIGN = true
}
disabledMechanisms = { CKM_SHA1_RSA_PKCS 0x40 }
"""
DATES = ["+1y-2m+3d-4H+5M-6S", "-1y", "2026/11/21 00:01:02", "2024/02/29", "23:59:59", "+999999999S"]


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


class Seeds:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.count = 0

    def add(self, targets, contents):
        for target in targets.split():
            folder = self.directory / target
            folder.mkdir(parents=True, exist_ok=True)
            self.count += 1
            (folder / f"seed-{self.count:03}").write_bytes(contents)

    def add_file(self, targets, path):
        if path.exists():
            self.add(targets, path.read_bytes())


def attempt(step, *arguments):
    """Runs a step; one that the installed tool cannot do costs its seeds only."""
    try:
        step(*arguments)
    except (subprocess.SubprocessError, OSError, ImportError) as error:
        detail = getattr(error, "stderr", b"") or b""
        print(f"fuzz: no seeds from {step.__name__}{arguments[2:]}: {error} {detail.decode(errors='replace').strip()[-200:]}")


def texts(seeds):
    for name in NAMES:
        seeds.add("name", name.encode())
    for extension in EXTENSIONS:
        seeds.add("ext", extension.encode())
    seeds.add("ext", "\n".join(EXTENSIONS[:6]).encode())
    seeds.add("conf", b"# comment\nkeytool.all = -keystore ${user.home}${/}ks\nkeytool.list : -v \\\n  -rfc\nkeytool.x=\"a b\" '\\u0041' ${{y}}\n")
    for token in TOKENS:
        seeds.add("pkcs11uri", token.encode())
    seeds.add("pkcs11config", TOKEN_CONFIGURATION.encode())
    for date in DATES:
        seeds.add("startdate", date.encode())


def sessions(seeds):
    def text(value):
        return struct.pack(">I", len(value)) + value

    def session(version, accessed, deadline, principal, head, attributes, writings=()):
        start = (b"SVS2" if writings else b"SVS1") + struct.pack(">Qqq", version, accessed, deadline) + text(principal) + text(head)
        if writings:
            start += struct.pack(">B", len(writings)) + b"".join(struct.pack(">QQQ", *writing) for writing in writings)
        return start + struct.pack(">I", len(attributes)) + b"".join(text(name) + struct.pack(">Q", version) + text(value) for name, version, value in attributes)

    never = (1 << 63) - 1
    seeds.add("session", session(1, 1_700_000_000_000, never, b"", b"", []))
    seeds.add("session", session(7, 1_700_000_000_000, never, b"", b"head", [(b"a", 7, b"")], [(1, 2, 6), (3, 4, 7)]))
    seeds.add("session", session(7, 1_700_000_000_000, 1_700_001_800_000, b"0" * 64, b"head", [(b"", 1, b""), ("\u00e4".encode(), 7, b"value")]))
    for principal in (b"", b"duke"):
        head = b"\1" + bytes(16) + text(b"0123456789ABCDEF") + struct.pack(">qqB", 1_700_000_000_000, 1_800_000, principal != b"") + text(principal)
        seeds.add("sessionhead", head)
    seeds.add("sessionhead", b"\2" + bytes(range(32)))


HTTP2_NAMES = [":method", ":scheme", ":authority", ":path", "host", "cookie", "content-length", "expect", "te", "connection", "transfer-encoding"]
HTTP2_LISTS = [
    [(":method", "GET"), (":scheme", "https"), (":authority", "a.example:8443"), (":path", "/a/b?c=d"), ("cookie", "a=1"), ("cookie", "b=2"), ("x-a", "1")],
    [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("host", "[::1]:80"), ("content-length", "5"), ("expect", "100-continue"), ("te", "trailers")],
    [(":method", "OPTIONS"), (":scheme", "https"), (":authority", "a"), (":path", "*"), ("connection", "close")],
    [("x-checksum", "1"), ("x-a", "v" * 255)],
]  # fmt: skip


def http2(seeds):
    for fields in HTTP2_LISTS:
        data = b""
        for name, value in fields:
            data += bytes([255 - HTTP2_NAMES.index(name)]) if name in HTTP2_NAMES else bytes([len(name)]) + name.encode()
            data += bytes([len(value)]) + value.encode()
        seeds.add("h2list", data)

    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    settings = frame(4, 0, 0, b"\0\1\0\1\0\0" + b"\0\4\0\0\xff\xff") + frame(4, 1, 0)
    seeds.add("h2frames", b"\x1a" + settings + frame(1, 5, 1, b"\x82\x87\x84") + frame(8, 0, 0, b"\0\0\0\1") + frame(6, 0, 0, b"12345678"))
    seeds.add("h2frames", b"\x30" + settings + frame(1, 0, 1, b"\x82") + frame(9, 4, 1, b"\x84") + frame(0, 1, 1, b"x" * 20) + frame(3, 0, 1, b"\0\0\0\x08"))


KEYS = {
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "k1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "explicit": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
    "ed25519": ["-algorithm", "ED25519"],
    "ed448": ["-algorithm", "ED448"],
    "x25519": ["-algorithm", "X25519"],
    "pss": ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:1024", "-pkeyopt", "rsa_pss_keygen_md:sha256"],
}


def key(seeds, folder, name, options):
    pem = folder / f"{name}.key"
    run("openssl", "genpkey", *options, "-out", pem)
    seeds.add_file("pem", pem)
    der = folder / f"{name}.der"
    run("openssl", "pkey", "-in", pem, "-outform", "DER", "-out", der)
    seeds.add_file("key", der)
    # `openssl pkey` writes RSA and EC in their own formats.
    run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pem, "-outform", "DER", "-out", folder / f"{name}.p8")
    seeds.add_file("key", folder / f"{name}.p8")
    if "RSA" in options or "EC" in options:
        run("openssl", "pkey", "-in", pem, "-traditional", "-out", folder / f"{name}.trad")
        seeds.add_file("pem", folder / f"{name}.trad")
    if name == "x25519":
        return
    certificate(seeds, folder, name)


def certificate(seeds, folder, name):
    subject = "/CN=example.org/O=S\u00ebrval/C=DE"
    extras = [
        "-addext", "subjectAltName=DNS:example.org,IP:127.0.0.1,email:a@b.c,URI:http://a/,RID:1.2.3,dirName:dir", "-addext", "keyUsage=critical,keyCertSign",
        "-addext", "extendedKeyUsage=serverAuth,1.2.3.4", "-addext", "authorityInfoAccess=OCSP;URI:http://o/",
        "-addext", "crlDistributionPoints=URI:http://c/", "-addext", "certificatePolicies=1.2.3.4,1.2.3.5",
        "-addext", "nameConstraints=permitted;DNS:example.org",
    ]  # fmt: skip
    configuration = folder / "openssl.cnf"
    configuration.write_text("[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[dir]\nCN=x\n[v3]\nbasicConstraints=critical,CA:true,pathlen:2\n")
    common = ["-config", configuration, "-utf8", "-subj", subject, "-key", folder / f"{name}.key"]
    run("openssl", "req", "-x509", "-days", "30", *common, *extras, "-out", folder / f"{name}.crt")
    run("openssl", "x509", "-in", folder / f"{name}.crt", "-outform", "DER", "-out", folder / f"{name}.cer")
    run("openssl", "req", "-new", *common, "-outform", "DER", "-out", folder / f"{name}.csr")
    run("openssl", "crl2pkcs7", "-nocrl", "-certfile", folder / f"{name}.crt", "-outform", "DER", "-out", folder / f"{name}.p7b")
    run("openssl", "crl2pkcs7", "-nocrl", "-certfile", folder / f"{name}.crt", "-out", folder / f"{name}.p7")
    seeds.add_file("pem", folder / f"{name}.crt")
    seeds.add_file("certificate pkcs7", folder / f"{name}.cer")
    seeds.add_file("request", folder / f"{name}.csr")
    seeds.add_file("pkcs7", folder / f"{name}.p7b")
    seeds.add_file("pem", folder / f"{name}.p7")


def encrypted_keys(seeds, folder):
    for number, options in enumerate(
        [["-v2", "aes-256-cbc"], ["-v2", "des3"], ["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"], ["-v1", "PBE-SHA1-3DES"], ["-v1", "PBE-MD5-DES"],
         ["-scrypt", "-scrypt_N", "16", "-scrypt_r", "1", "-scrypt_p", "1"]]
    ):  # fmt: skip
        for form in ("DER", "PEM"):
            target = folder / f"encrypted{number}.{form}"
            iterations = [] if "-scrypt" in options else ["-iter", "2"]
            legacy = ["-provider", "legacy", "-provider", "default"] if "PBE-MD5-DES" in options else []
            run("openssl", "pkcs8", "-topk8", "-in", folder / "p256.key", *options, *iterations, *legacy, "-passout", f"pass:{PASSWORD}", "-outform", form,
                "-out", target)  # fmt: skip
            seeds.add_file("key" if form == "DER" else "pem", target)
    for cipher in ("-aes256", "-des3"):
        target = folder / f"traditional{cipher}.pem"
        run("openssl", "ec", "-in", folder / "p256.key", cipher, "-passout", f"pass:{PASSWORD}", "-out", target)
        seeds.add_file("pem", target)


def pkcs12(seeds, folder):
    key, chain = folder / "p256.key", folder / "p256.crt"
    common = ["-passout", f"pass:{PASSWORD}"]
    entry = ["-inkey", key, "-in", chain, "-name", "one", "-certfile", folder / "rsa.crt"]
    for number, options in enumerate(
        [
            entry + ["-iter", "1"], entry + ["-iter", "1", "-nomac"], entry + ["-keypbe", "NONE", "-certpbe", "NONE", "-nomac"],
            entry + ["-keypbe", "NONE", "-certpbe", "NONE", "-iter", "1"], entry + ["-legacy", "-iter", "1", "-nomac"],
            entry + ["-certpbe", "NONE", "-iter", "1", "-nomac"], ["-nokeys", "-in", chain, "-certpbe", "NONE", "-nomac"],
            ["-nokeys", "-in", folder / "rsa.crt", "-iter", "1", "-caname", "x", "-macalg", "sha512"],
            entry + ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "AES-128-CBC", "-iter", "1", "-macalg", "sha1"],
        ]
    ):  # fmt: skip
        target = folder / f"openssl{number}.p12"
        run("openssl", "pkcs12", "-export", *options, *common, "-out", target)
        seeds.add_file("pkcs12", target)


def java(seeds, folder):
    rounds = [f"-J-Dkeystore.pkcs12.{name}IterationCount=1" for name in ("keyPbe", "certPbe", "mac")]
    rounds += ["-J-Djdk.jceks.iterationCount=10000", "-J-XX:TieredStopAtLevel=1"]
    both = ["-storepass", PASSWORD, "-noprompt"]
    for kind in ("jks", "jceks", "pkcs12"):
        store = folder / f"java.{kind}"
        common = [*rounds, "-keystore", store, "-storetype", kind, *both]
        run("keytool", "-genkeypair", "-alias", "one", "-keyalg", "EC", "-dname", "CN=one", *common)
        seeds.add_file(kind, store)
        run("keytool", "-importcert", "-alias", "Trusted", "-file", folder / "rsa.cer", *common)
        if kind != "jks":
            run("keytool", "-genseckey", "-alias", "secret", "-keyalg", "AES", "-keysize", "128", *common)
        seeds.add_file(kind, store)
        if kind == "jceks":
            contents = store.read_bytes()
            seeds.add("java", contents[contents.index(b"\xac\xed\x00\x05") : -20])


PYTHON = """
import base64, json, sys, warnings
warnings.simplefilter("ignore")
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
folder, password = sys.argv[1:]
read = lambda name: open(f"{folder}/{name}", "rb").read()
key = serialization.load_der_private_key(read("p256.p8"), None)
chain = [x509.load_der_x509_certificate(read(name)) for name in ("p256.cer", "rsa.cer")]
protections = {
    "none": serialization.NoEncryption(), "best": serialization.BestAvailableEncryption(password.encode()),
    "legacy": serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2).key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
    .build(password.encode()),
    "rounds": serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2).key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
    .build(password.encode()),
}
for name, protection in protections.items():
    open(f"{folder}/cryptography-{name}.pkcs12", "wb").write(pkcs12.serialize_key_and_certificates(b"one", key, chain[0], chain[1:], protection))
import jks
private = jks.PrivateKeyEntry.new("one", [read("p256.cer"), read("rsa.cer")], read("p256.p8"))
other = jks.PrivateKeyEntry.new("two", [read("rsa.cer")], read("rsa.p8"))
other.encrypt("another")
trusted = jks.TrustedCertEntry.new("trusted", read("rsa.cer"))
for name, entries in {"all": [private, other, trusted], "trusted": [trusted], "none": []}.items():
    jks.KeyStore.new("jks", entries).save(f"{folder}/pyjks-{name}.jks", password)
"""


def python(seeds, folder):
    # The system's Python, for which the packages are installed.
    run("/usr/bin/python3", "-c", PYTHON, folder, PASSWORD)
    for kind in ("jks", "pkcs12"):
        for path in sorted([*folder.glob(f"pyjks-*.{kind}"), *folder.glob(f"cryptography-*.{kind}")]):
            seeds.add_file(kind, path)


def serval(seeds, folder):
    """What the key tool of this package writes, if it has been built."""
    build = pathlib.Path(__file__).resolve().parent.parent / ".build"
    tool = next((path for path in (build / "release" / "serval-keytool", build / "debug" / "serval-keytool") if path.exists()), None)
    if tool is None:
        raise OSError("serval-keytool has not been built")
    for kind in ("jks", "jceks", "pkcs12"):
        store = folder / f"serval.{kind}"
        run(tool, "-importkeystore", "-noprompt", "-srckeystore", folder / f"java.{kind}", "-srcstorepass", PASSWORD, "-destkeystore", store,
            "-deststoretype", kind, "-deststorepass", PASSWORD)  # fmt: skip
        seeds.add_file(kind, store)


def inspected(seeds):
    """Every kind of file is one to look into."""
    for kind in ("jks", "jceks", "pkcs12", "pem", "key", "certificate", "pkcs7", "request", "crl"):
        for path in sorted((seeds.directory / kind).glob("*")):
            seeds.add_file("inspect", path)
    text = next((seeds.directory / "pem").glob("*")).read_bytes()
    seeds.add("inspect", base64.encodebytes((next((seeds.directory / "pkcs12").glob("*"))).read_bytes()))
    seeds.add("inspect", text.replace(b"\n", b"\\n"))
    seeds.add("inspect", text.decode().encode("utf-16"))
    for beginning in (b"ssh-rsa AAAA", b"PuTTY-User-Key-File-3: ", b"-----BEGIN OPENSSH PRIVATE KEY-----\n", b"-----BEGIN PGP MESSAGE-----\n", b"<html>"):
        seeds.add("inspect", beginning)


def crls(seeds, folder):
    (folder / "index.txt").write_text("R\t300101000000Z\t260101000000Z,keyCompromise\t01\tunknown\t/CN=a\n")
    (folder / "number").write_text("01\n")
    configuration = folder / "ca.cnf"
    configuration.write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\ncrlnumber={folder}/number\ndefault_md=sha256\ndefault_crl_days=9\ncrl_extensions=e\n"
        "[e]\nauthorityKeyIdentifier=keyid\n"
    )
    run("openssl", "ca", "-gencrl", "-config", configuration, "-keyfile", folder / "rsa.key", "-cert", folder / "rsa.crt", "-out", folder / "crl.pem")
    run("openssl", "crl", "-in", folder / "crl.pem", "-outform", "DER", "-out", folder / "crl.der")
    seeds.add_file("crl", folder / "crl.der")
    seeds.add_file("pem", folder / "crl.pem")


def archives(seeds, folder):
    text = b"Manifest-Version: 1.0\r\n\r\nName: a.txt\r\nSHA-256-Digest: AAAA\r\n" * 4
    for level in (0, 1, 9):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        seeds.add("inflate", packer.compress(text) + packer.flush())
    run("openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", folder / "number", "-signer", folder / "p256.crt", "-inkey", folder / "p256.key",
        "-out", folder / "signed.p7")  # fmt: skip
    seeds.add_file("pkcs7", folder / "signed.p7")
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = folder / f"archive{method}.jar"
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("META-INF/MANIFEST.MF", text)
            archive.writestr("META-INF/ONE.SF", text)
            archive.write(folder / "signed.p7", "META-INF/ONE.EC")
        seeds.add_file("jar", path)


def make(directory):
    """Writes a folder of seeds for each target."""
    shutil.rmtree(directory, ignore_errors=True)
    seeds = Seeds(directory)
    with tempfile.TemporaryDirectory(prefix="serval-fuzz-") as name:
        folder = pathlib.Path(name)
        attempt(texts, seeds)
        attempt(sessions, seeds)
        attempt(http2, seeds)
        for kind, options in KEYS.items():
            attempt(key, seeds, folder, kind, options)
        bundle = folder / "bundle.pem"
        bundle.write_bytes(b"\xef\xbb\xbfa comment\r\n" + b"".join(path.read_bytes() for path in sorted(folder.glob("*.crt"))))
        seeds.add_file("pem", bundle)
        for step in (encrypted_keys, pkcs12, java, python, serval, crls, archives):
            attempt(step, seeds, folder)
        attempt(inspected, seeds)
    return seeds.count
