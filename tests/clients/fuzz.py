"""schemathesis makes up requests from the description, as an administrator: whatever it sends, the server neither fails nor ends."""

import collections
import os
import re
import subprocess
import sys
from pathlib import Path

import requests

HERE = Path(__file__).resolve().parent
# Bounds: a run of all tests must stay affordable. The variables widen them; the phase `coverage` tries each border of each parameter.
SECONDS = float(os.environ.get("STRONGROOM_FUZZ_S", "300"))
EXAMPLES = os.environ.get("STRONGROOM_FUZZ_EXAMPLES", "5")
PHASES = os.environ.get("STRONGROOM_FUZZ_PHASES", "fuzzing")
# Python 3.11 breaks now and then when several threads compile what hypothesis makes.
WORKERS = "1"


def statuses(house):
    """From the access log: what was really tried."""
    counts = collections.Counter()
    for log in sorted((house.data / "log" / "api").glob("access.log*")):
        for line in log.read_text(errors="replace").splitlines():
            counts[line.rsplit('" ', 1)[-1].split(" ")[0]] += 1
    return dict(sorted(counts.items()))


def may_be_missing(house):
    """Rows of the description that may answer 501: verb and a pattern of the path."""
    document = requests.get(f"{house.url}/api2/openapi.json", verify=False, timeout=30).json()
    rows = []
    for path, item in document["paths"].items():
        pattern = re.compile("/api2/[a-z]+" + re.sub(r"\\{[^}]*\\}", "[^/]*", re.escape(path)) + "/*")
        rows += [(verb.upper(), pattern) for verb, operation in item.items() if "501" in operation["responses"]]
    assert 20 < len(rows) < 90, len(rows)
    return rows


def missing(house):
    """Verb and path of each request that was answered with 501, by the access log."""
    for log in sorted((house.data / "log" / "api").glob("access.log*")):
        for line in log.read_text(errors="replace").splitlines():
            found = re.search(r'\] "([A-Z]+) ([^ ?]*)[^"]*" 501 ', line)
            if found:
                yield found.groups()


def check_missing(house):
    rows, told = may_be_missing(house), set(missing(house))
    wrong = sorted((verb, path) for verb, path in told if not any(verb == v and p.fullmatch(path) for v, p in rows))
    assert not wrong, f"501 where the description does not tell of it: {wrong[:20]}"
    print(f"501 from {len(told)} paths, all of rows that may ({len(rows)})", flush=True)


def check(house):
    command = [
        Path(sys.executable).with_name("st"),
        "--config-file", HERE / "schemathesis.toml",
        "run", f"{house.url}/api2/openapi.json",
        "--url", f"{house.url}/api2/json",
        "--header", f"Authorization: {house.token_header}",
        "--tls-verify", "false",
        "--checks", "not_a_server_error",
        "--phases", PHASES,
        "--workers", WORKERS,
        "--max-examples", EXAMPLES,
        "--request-timeout", "60",
        "--continue-on-failure",
        "--suppress-health-check", "all",
        "--warnings", "off",
        "--no-shrink",
        "--seed", "1",
        *sys.argv[1:],
    ]
    scratch = Path(house.folder.name) / "scratch"
    scratch.mkdir()
    environment = dict(os.environ, SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HERE), STRONGROOM_SCRATCH=str(scratch))
    ended = subprocess.run(command, env=environment, cwd=house.folder.name, timeout=SECONDS)
    assert ended.returncode == 0, f"schemathesis ended with {ended.returncode}"
    print("requests by status:", statuses(house), flush=True)
    check_missing(house)
    pong = requests.get(f"{house.url}/api2/json/ping", verify=False, timeout=30).json()
    assert pong == {"data": {"pong": True}}, pong
    version = requests.get(f"{house.url}/api2/json/version", headers={"Authorization": house.token_header}, verify=False, timeout=30)
    assert version.status_code == 200, "the administrator's token was lost on the way, so not everything was tried"
