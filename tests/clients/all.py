"""Clients of others against one real server. Arguments are the names of those that are wanted; without any, all."""

import importlib
import sys
import time

from house import House

ALL = ["openapi", "with_proxmoxer", "fuzz"]

wanted = [name for name in sys.argv[1:] if name in ALL] or ALL
sys.argv[1:] = [argument for argument in sys.argv[1:] if argument not in ALL]
with House() as house:
    for name in wanted:
        start = time.monotonic()
        importlib.import_module(name).check(house)
        print(f"{name}: done in {time.monotonic() - start:.1f} s", flush=True)
