"""Reads a log of Fiducia with the package aics-tlog, and says in one line of JSON what it found.

Arguments: the log's folder, its verifier key, then any of: PROOF.tlog-proof, a kept checkpoint, and `--witness VKEY` for
cosignatures that must be under every checkpoint that is named after it.
"""

import base64
import json
import sys
from pathlib import Path

from aics_tlog import (
    FileSystemTileReader,
    VerifiedTileReader,
    audit_tiles,
    consistency_proof_from_tiles,
    inclusion_proof_from_tiles,
    parse_note,
    parse_vkey,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
)


def checkpoint(note: bytes, key, witnesses) -> tuple[int, bytes]:
    """Size and root of a signed checkpoint, which as many witnesses must have cosigned as are named."""
    result = verify_checkpoint(parse_note(note), key, witnesses, len(witnesses), expected_origin=key.name)
    if not result.ok:
        sys.exit(f"checkpoint: {result.error or 'not cosigned as it must be'}")
    return result.size, result.root


def proof(path: Path, entry, key, witnesses) -> None:
    """Checks one .tlog-proof file; the package has no reader for that form, so the lines are taken apart here."""
    head, note = path.read_text().split("\n\n", 1)
    lines = head.split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1":
        sys.exit(f"{path}: it is no proof")
    if lines[0].startswith("extra "):
        lines.pop(0)
    index = int(lines.pop(0).removeprefix("index "))
    hashes = [base64.b64decode(line, validate=True) for line in lines]
    size, root = checkpoint(note.encode(), key, witnesses)
    if not verify_leaf_inclusion(entry(index), index, size, hashes, root):
        sys.exit(f"{path}: it does not lead from the entry to the checkpoint")


def main() -> None:
    folder, key = Path(sys.argv[1]), parse_vkey(sys.argv[2])
    tiles = FileSystemTileReader(folder)
    size, root = checkpoint((folder / "checkpoint").read_bytes(), key, [])
    try:
        audit_tiles(tiles, size, root)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    proven = VerifiedTileReader(tiles, size, root)
    for index in range(size):
        included = inclusion_proof_from_tiles(proven, index, size)
        if not verify_leaf_inclusion(proven.entry(index), index, size, included, root):
            sys.exit(f"entry {index} is not included")
    counts = {"entries": size, "proofs": 0, "checkpoints": 0}
    witnesses = []
    rest = iter(sys.argv[3:])
    for argument in rest:
        if argument == "--witness":
            witnesses.append(parse_vkey(next(rest)))
        elif argument.endswith(".tlog-proof"):
            proof(Path(argument), proven.entry, key, witnesses)
            counts["proofs"] += 1
        else:
            old, old_root = checkpoint(Path(argument).read_bytes(), key, witnesses)
            if old > size:
                sys.exit(f"{argument}: it has {old} entries and the log {size}")
            extends = consistency_proof_from_tiles(proven, old, size)
            if not verify_consistency(old, size, old_root, root, extends):
                sys.exit(f"{argument}: the log does not continue it")
            counts["checkpoints"] += 1
    print(json.dumps(counts))


main()
