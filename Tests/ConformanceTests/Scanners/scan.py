"""Has sslyze, testssl.sh and sslscan look at Serval's TLS connectors, and fails if one of them finds something.

Looked at are: the connector as `serval init` lays it down, the same with an RSA certificate of an authority, and the modern one as docs/tls.md has it.
Before that the scanners look at a server that is bad on purpose: whoever finds nothing there would find nothing here.
"""

import argparse
import concurrent.futures
import pathlib
import re
import sys
import tempfile
import time

from scanners import Report, ScannerFailed, Target, sslscan, sslyze, testssl
from servers import Serval, WeakServer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent

AUTHORITY = """
umask 077; echo authority > authority.pass
serval-keytool -genkeypair -alias authority -keyalg EC -groupname secp256r1 -dname CN=Authority -ext bc:c=ca:true -ext ku:c=keyCertSign \
    -validity 365 -keystore authority.p12 -storepass:file authority.pass
serval-keytool -exportcert -rfc -alias authority -file authority.pem -keystore authority.p12 -storepass:file authority.pass
"""

# The lists that it names are not fetched.
CERTIFY = """
serval-keytool -certreq -alias {alias} -ext san=dns:localhost,dns:www.example.com -file request.csr -keystore {store} -storepass:file {password}
serval-keytool -gencert -alias authority -infile request.csr -outfile reply.pem -rfc -validity {days} \
    -ext san=dns:localhost,dns:www.example.com -ext ku:c=digitalSignature -ext eku=serverAuth -ext crl=uri:http://127.0.0.1/authority.crl \
    -keystore authority.p12 -storepass:file authority.pass
cat reply.pem authority.pem > chain.pem
serval-keytool -importcert -noprompt -alias {alias} -file chain.pem -keystore {store} -storepass:file {password}
"""


def section(title: str) -> tuple[str, str]:
    """The commands and the connector of a section of docs/tls.md."""
    page = (ROOT / "docs/tls.md").read_text(encoding="utf-8")
    text = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = dict(re.findall(r"```(sh|xml)\n(.*?)```", text, flags=re.DOTALL))
    if set(blocks) != {"sh", "xml"}:
        raise RuntimeError(f'docs/tls.md has no section "{title}" with commands and a connector')
    return blocks["sh"], blocks["xml"]


def as_laid_down(serval: Serval) -> Target:
    return Target(serval.start(), "intermediate", None)


def with_an_authority(serval: Serval) -> Target:
    serval.shell(
        AUTHORITY
        + "serval-keytool -genkeypair -alias rsa -keyalg RSA -keysize 2048 -dname CN=localhost -keystore conf/rsa.p12 -storepass:file conf/keystore.pass\n"
        + CERTIFY.format(alias="rsa", store="conf/rsa.p12", password="conf/keystore.pass", days=365)
    )
    text = serval.server_file.read_text(encoding="utf-8")
    serval.server_file.write_text(text.replace("conf/localhost.p12", "conf/rsa.p12"), encoding="utf-8")
    return Target(serval.start(), "intermediate", serval.base / "authority.pem")


def modern(serval: Serval) -> Target:
    commands, connector = section("Modern clients only")
    serval.replace_secure_connector(connector)
    serval.shell(commands + AUTHORITY + CERTIFY.format(alias="tomcat", store="conf/modern.p12", password="conf/modern.pass", days=90))
    return Target(serval.start(), "modern", serval.base / "authority.pem")


def describe(name: str, reports: list[Report], seconds: float) -> bool:
    """Prints what the scanners say; whether they found something."""
    print(f"\n{name} ({seconds:.0f} s)")
    for report in reports:
        print(f"  {report.scanner:<20} {'FOUND' if report.findings else 'passes'}")
        for finding in report.findings:
            print(f"    ! {finding}")
        for excuse in report.excused:
            print(f"      does not count: {excuse}")
    sys.stdout.flush()
    return any(report.findings for report in reports)


def scan(pool: concurrent.futures.Executor, python: str, target: Target, everything: bool = True) -> list[Report]:
    futures = [pool.submit(testssl, target, everything), pool.submit(sslyze, python, target), pool.submit(sslscan, target)]
    return [future.result() for future in futures]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="where serval and serval-keytool are")
    parser.add_argument("--python", required=True, help="a Python that has sslyze")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        begin = time.monotonic()
        weak = WeakServer(pathlib.Path(folder))
        # As if its certificate were an authority's: nothing of it is excused.
        target = Target(weak.port, "intermediate", pathlib.Path(folder) / "weak.pem")
        reports = scan(pool, options.python, target, everything=False)
        weak.stop()
        print(f"A server that is bad on purpose ({time.monotonic() - begin:.0f} s)")
        for report in reports:
            print(f"  {report.scanner:<20} FOUND {len(report.findings)} things")
        blind = [report.scanner for report in reports if not report.findings]
        if blind:
            print(f"test-tls: {', '.join(blind)} found nothing wrong with a bad server", file=sys.stderr)
            return 1
        for name, prepare in (
            ("As serval init lays it down", as_laid_down),
            ("The same with an RSA certificate of an authority", with_an_authority),
            ("docs/tls.md, modern clients only", modern),
        ):
            begin = time.monotonic()
            serval = Serval(options.binaries.resolve(), pathlib.Path(tempfile.mkdtemp(dir=folder)))
            try:
                reports = scan(pool, options.python, prepare(serval))
            finally:
                serval.stop()
            failed = describe(name, reports, time.monotonic() - begin) or failed
    print("\ntest-tls: " + ("the scanners found something" if failed else "the scanners found nothing"))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ScannerFailed, RuntimeError) as error:
        sys.exit(f"test-tls: {error}")
