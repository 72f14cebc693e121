"""Runs sslyze, testssl.sh and sslscan on a server, and says what of their findings counts."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree
from dataclasses import dataclass, field


@dataclass
class Report:
    """What a scanner found: what counts, and what does not, with the reason."""

    scanner: str
    findings: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)

    def add(self, name: str, words: str, excuses: dict[str, str]) -> None:
        if name in excuses:
            self.excused.append(f"{name}: {excuses[name]}")
        else:
            self.findings.append(f"{name}: {words}")


@dataclass
class Target:
    """A server to look at."""

    port: int
    # The profile of Mozilla that sslyze holds it against.
    profile: str
    # The authority that clients trust; None where the certificate is self-signed.
    authority: pathlib.Path | None


class ScannerFailed(Exception):
    pass


def run(command: list[str], timeout: int = 900) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout)


# What it means that nobody but the server itself has signed its certificate.
SELF_SIGNED_SSLYZE = {"certificate_path_validation": "nobody's list of authorities has a self-signed certificate"}
SELF_SIGNED_TESTSSL = {
    "cert_chain_of_trust": "nobody's list of authorities has a self-signed certificate",
    "overall_grade": "testssl.sh 3.2 gives the lowest grade to every self-signed certificate",
    "cert_revocation": "nobody but its owner could revoke a self-signed certificate, so it names no list and no responder",
}
# What testssl.sh says about itself.
OF_ITS_OWN_TESTSSL = {
    "engine_problem": "testssl.sh misses GOST ciphers in its own openssl, which is none of the server's business",
    "sessionresumption_ticket": "testssl.sh 3.0 mostly hangs up before a ticket of TLS 1.3 arrives, and then has none to come back with",
}
SELF_SIGNED_SSLSCAN = {"self-signed": "it is"}


def sslyze(python: str, target: Target) -> Report:
    report = Report("sslyze " + target.profile)
    command = [python, "-W", "ignore", "-m", "sslyze", "--mozilla_config", target.profile]
    if target.authority:
        command += ["--certinfo_ca_file", str(target.authority)]
    result = run([*command, f"localhost:{target.port}" + "{127.0.0.1}"])
    verdict = result.stdout.partition("COMPLIANCE AGAINST TLS CONFIGURATION")[2]
    if not verdict:
        raise ScannerFailed(f"sslyze has not come to a verdict:\n{result.stdout}{result.stderr}")
    excuses = {} if target.authority else SELF_SIGNED_SSLYZE
    lines = [line.strip() for line in verdict.splitlines()]
    for line in lines:
        if line.startswith("* "):
            name, _, words = line[2:].partition(": ")
            report.add(name, words, excuses)
    passed = any("OK - Compliant" in line for line in lines)
    if passed != (result.returncode == 0) or passed == bool(report.findings or report.excused):
        raise ScannerFailed(f"sslyze's verdict is not understood (exit code {result.returncode}):\n{verdict}")
    return report


# Results that have to be there, so that a scan that was cut short does not pass.
TESTSSL_COVERS = {
    "SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_LOW",
    "cipher_order", "cert_keySize", "cert_signatureAlgorithm", "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego",
    "secure_client_renego", "CRIME_TLS", "BREACH", "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4",
}  # fmt: skip


def testssl(target: Target, everything: bool = True) -> Report:
    report = run_testssl(target, everything)
    if report.findings and all(": WARN: " in finding for finding in report.findings):
        # Something was not found out, as happens on a busy machine; once more.
        report = run_testssl(target, everything)
    return report


def run_testssl(target: Target, everything: bool) -> Report:
    report = Report("testssl.sh")
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if not program:
        raise ScannerFailed("testssl.sh is not installed")
    # Protocols and kinds of ciphers; forward secrecy, preferences, defaults and certificate, header fields, vulnerabilities.
    checks = ["-p", "-s"] + (["-f", "-P", "-S", "-h", "-U"] if everything else [])
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "results.json"
        command = [program, "--quiet", "--warnings", "off", "--color", "0", "--ip", "127.0.0.1", "-n", "none", "--jsonfile", str(output)]
        if target.authority:
            command += ["--add-ca", str(target.authority)]
        result = run([*command, *checks, f"localhost:{target.port}"])
        try:
            results = json.loads(output.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ScannerFailed(f"testssl.sh has no results: {error}\n{result.stdout[-2000:]}{result.stderr}") from error
    excuses = OF_ITS_OWN_TESTSSL | ({} if target.authority else SELF_SIGNED_TESTSSL)
    seen = set()
    for entry in results:
        # With several certificates the name is followed by the certificate's number.
        name = entry["id"].split(" ")[0]
        seen.add(name)
        if entry["severity"] not in ("OK", "INFO", "LOW", "DEBUG"):
            report.add(name, f"{entry['severity']}: {entry['finding']}", excuses)
    # testssl.sh 3.0 looks at SWEET32 with TLS 1.3 alone, too, and forgets to write it down.
    missing = TESTSSL_COVERS - seen - ({"SWEET32"} if target.profile == "modern" else set())
    if everything and missing:
        raise ScannerFailed(f"testssl.sh has left out {', '.join(sorted(missing))}:\n{result.stdout[-2000:]}")
    return report


def sslscan(target: Target) -> Report:
    report = Report("sslscan")
    excuses = {} if target.authority else SELF_SIGNED_SSLSCAN
    result = run(["sslscan", "--no-colour", "--xml=-", "--connect-timeout=20", "--sni-name=localhost", f"127.0.0.1:{target.port}"])
    begin = result.stdout.find("<?xml")
    try:
        test = xml.etree.ElementTree.fromstring(result.stdout[begin:]).find("ssltest")
    except xml.etree.ElementTree.ParseError as error:
        raise ScannerFailed(f"sslscan's answer is no XML: {error}\n{result.stdout}{result.stderr}") from error
    if test is None or test.find("cipher") is None or test.find(".//certificate") is None:
        raise ScannerFailed(f"sslscan has not found ciphers and a certificate:\n{result.stdout}")

    def attribute(path: str, name: str) -> str | None:
        element = test.find(path)
        return element.get(name) if element is not None else None

    for protocol in test.findall("protocol"):
        name = f"{protocol.get('type')}{protocol.get('version')}"
        if protocol.get("enabled") == "1" and name not in ("tls1.2", "tls1.3"):
            report.add(name, "is spoken", excuses)
    if attribute("renegotiation", "supported") == "1" and attribute("renegotiation", "secure") != "1":
        report.add("renegotiation", "is insecure", excuses)
    if attribute("compression", "supported") == "1":
        report.add("compression", "is there (CRIME)", excuses)
    if attribute("fallback", "supported") == "0":
        report.add("fallback", "TLS_FALLBACK_SCSV is not obeyed", excuses)
    for heartbleed in test.findall("heartbleed"):
        if heartbleed.get("vulnerable") != "0":
            report.add("heartbleed", heartbleed.get("sslversion", ""), excuses)
    for cipher in test.findall("cipher"):
        if cipher.get("strength") not in ("strong", "acceptable") or int(cipher.get("bits", "0")) < 128:
            report.add("cipher", f"{cipher.get('cipher')} of {cipher.get('sslversion')} is {cipher.get('strength')}", excuses)
    for group in test.findall("group"):
        if int(group.get("bits", "0")) < 112:
            report.add("group", f"{group.get('name')} has {group.get('bits')} bits", excuses)
    for certificate in test.findall(".//certificate"):
        signature = certificate.findtext("signature-algorithm", "")
        if any(word in signature.lower() for word in ("md5", "sha1", "none")):
            report.add("signature-algorithm", signature, excuses)
        key = certificate.find("pk")
        if key is None or key.get("error") != "false" or key.get("type") == "RSA" and int(key.get("bits", "0")) < 2048:
            report.add("key", "is short, or not understood", excuses)
        for name in ("self-signed", "expired"):
            if certificate.findtext(name) != "false":
                report.add(name, "it is", excuses)
    return report
