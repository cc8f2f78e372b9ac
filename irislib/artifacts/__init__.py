"""Artifacts on disk: Zarr stores, files and folders that exist whole or not at all, and say what they are."""

from irislib.artifacts.content import digest
from irislib.artifacts.files import (
    check_readable,
    check_writable,
    locked,
    read_file,
    replacing,
    write_atomically,
)
from irislib.artifacts.json_files import plain_json, write_json
from irislib.artifacts.reading import Store, open_store
from irislib.artifacts.schema import Array, Schema
from irislib.artifacts.writing import StoreWriter, writing

__all__ = [
    "Array",
    "Schema",
    "Store",
    "StoreWriter",
    "check_readable",
    "check_writable",
    "digest",
    "locked",
    "open_store",
    "plain_json",
    "read_file",
    "replacing",
    "write_atomically",
    "write_json",
    "writing",
]
