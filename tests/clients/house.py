"""A real strongroomd on a free port of loopback, with everything that it has in a scratch folder: made by `strongroomd quickstart`."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
USER = "admin@pbs"
TOKEN = "quickstart"
STORE = "main"
START_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class House:
    """Starts the server on entry; on exit ends it and looks whether it lived until then."""

    def __enter__(self):
        binary = os.environ.get("STRONGROOMD", ROOT / "target/debug/strongroomd")
        self.folder = tempfile.TemporaryDirectory(prefix="strongroom-clients-")
        self.data = Path(self.folder.name) / "house"
        source = Path(self.folder.name) / "source"
        source.mkdir()
        (source / "file").write_text("what is backed up\n")
        self.port = free_port()
        listen = f"127.0.0.1:{self.port}"
        made = [binary, "quickstart", "--once", "--data", self.data, "--listen", listen, source]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=START_S)
        self.log = open(Path(self.folder.name) / "server.log", "w+", encoding="utf-8", errors="replace")
        serve = [binary, "--listen", listen, "--shutdown-limit", "5"]
        for name, part in [("config", "config"), ("state", "state"), ("log", "log")]:
            serve += [f"--{name}-dir", self.data / part]
        self.process = subprocess.Popen(serve, stdout=self.log, stderr=self.log)
        # The certificate is the server's own; what is tested here is not TLS.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        self.wait()
        return self

    def wait(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                if requests.get(f"{self.url}/api2/json/ping", verify=False, timeout=5).json() == {"data": {"pong": True}}:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
            assert self.process.poll() is None, "the server ended while it started"
        raise AssertionError("the server does not answer")

    def __exit__(self, kind, *_):
        code = self.process.poll()
        self.process.terminate()
        try:
            ended = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            ended = "killed after 30 seconds"
        self.log.seek(0)
        text = self.log.read()
        self.log.close()
        broken = [line for line in text.splitlines() if "panicked" in line or "a handler broke" in line]
        self.folder.cleanup()
        if kind is None:
            assert code is None, f"the server ended by itself with {code}:\n{text[-4000:]}"
            assert not broken, "\n".join(broken)
            assert ended == 0, f"the server ended with {ended}:\n{text[-4000:]}"
        else:
            print(text[-4000:], file=sys.stderr)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def secret(self, name):
        return (self.data / f"admin.{name}").read_text().strip()

    @property
    def password(self):
        return self.secret("password")

    @property
    def token_header(self):
        return f"PBSAPIToken={USER}!{TOKEN}:{self.secret('token')}"
