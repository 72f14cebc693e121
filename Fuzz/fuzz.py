#!/usr/bin/env python3
"""Feeds each parser with hostile bytes for a while, several at a time, and tells what came of it.

What libFuzzer finds (a trap, a hang, too much memory, a result that contradicts itself) is left below .build/fuzz/findings; the exit code is then 1.
To run one again: SERVAL_FUZZ_TARGET=jks .build/fuzz/release/serval-fuzz FILE. A finding that is mended becomes a test in Fuzz/Tests.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

import seeds

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE.parent / ".build" / "fuzz"
# The largest inputs, in bytes, where the default is not enough or too much.
LENGTHS = {"name": 4096, "ext": 4096, "startdate": 64, "pkcs11uri": 4096, "pkcs11config": 8192}
DEFAULT_LENGTH = 32768


def targets():
    text = (HERE / "Targets" / "FuzzTarget.swift").read_text()
    names = []
    for line in re.findall(r"^    case ([\w ,=\"]+)$", text, re.MULTILINE):
        for case in line.split(","):
            name, _, raw = case.partition("=")
            names.append(raw.strip().strip('"') or name.strip())
    return names


def fuzz(target, seconds, binary):
    corpus, findings = WORK / "corpus" / target, WORK / "findings"
    for folder in (corpus, findings, WORK / "seeds" / target, WORK / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    command = [
        str(binary), f"-max_total_time={seconds}", f"-max_len={LENGTHS.get(target, DEFAULT_LENGTH)}", "-timeout=10", "-rss_limit_mb=512",
        "-malloc_limit_mb=64", "-print_final_stats=1", f"-artifact_prefix={findings}/{target}-",
    ]  # fmt: skip
    dictionary = HERE / "Dictionaries" / f"{target}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    command += [str(corpus), str(WORK / "seeds" / target)]
    log = WORK / "logs" / f"{target}.log"
    variables = {
        "SERVAL_FUZZ_TARGET": target,
        # What was freed must not be taken for memory that a parser asks for.
        "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=8:malloc_context_size=3",
        # libFuzzer has its own way of telling about a crash.
        "SWIFT_BACKTRACE": "enable=no",
    }
    with open(log, "wb") as output:
        code = subprocess.run(command, stdout=output, stderr=output, env=os.environ | variables).returncode
    return target, code, facts(log.read_text(errors="replace"))


def facts(log):
    def last(pattern):
        found = re.findall(pattern, log)
        return found[-1] if found else "?"

    return {
        "runs": last(r"stat::number_of_executed_units: +(\d+)"), "coverage": last(r"cov: (\d+)"), "features": last(r"ft: (\d+)"),
        "corpus": last(r"corp: (\d+)"), "peak": last(r"stat::peak_rss_mb: +(\d+)"), "heap": last(r"in one run: (\d+), for an input"),
        "heap_input": last(r"for an input of (\d+)"),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help="how long each target runs (default: 600)")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time (default: 2)")
    parser.add_argument("--targets", help="only these, separated by commas; default: all of them (" + ", ".join(targets()) + ")")
    parser.add_argument("--binary", default=WORK / "release" / "serval-fuzz", help=argparse.SUPPRESS)
    options = parser.parse_args()
    chosen = options.targets.split(",") if options.targets else targets()
    for name in chosen:
        if name not in targets():
            parser.error(f"there is no target {name}; there are {', '.join(targets())}")

    print(f"fuzz: {seeds.make(WORK / 'seeds')} seeds", flush=True)
    failures = 0
    print("| target | runs | coverage (edges) | corpus | peak memory (MiB) | most heap in one run | result |\n| --- | --- | --- | --- | --- | --- | --- |")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for target, code, fact in pool.map(lambda name: fuzz(name, options.seconds, options.binary), chosen):
            failures += code != 0
            heap = f"{int(fact['heap']):,} bytes for an input of {int(fact['heap_input']):,}" if fact["heap"].isdigit() else "?"
            runs = f"{int(fact['runs']):,}" if fact["runs"].isdigit() else "?"
            result = "nothing found" if code == 0 else f"exit {code}: see .build/fuzz/logs/{target}.log"
            print(f"| {target} | {runs} | {fact['coverage']} | {fact['corpus']} | {fact['peak']} | {heap} | {result} |", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
