"""Sends a log's checkpoint to a witness with the log side of the package aics-witness, and prints the cosigned note.

Arguments: the log's folder, the witness's URL, the witness's verifier key, a file for the client's memory.
"""

import sys
from pathlib import Path

from aics_tlog import FileSystemTileReader, consistency_proof_from_tiles
from aics_witness.feeder import WitnessClient, merge_cosignatures

folder = Path(sys.argv[1])
note = (folder / "checkpoint").read_bytes()
tiles = FileSystemTileReader(folder)
with WitnessClient(sys.argv[2], sys.argv[3], state_path=sys.argv[4]) as client:
    lines = client.submit(note, lambda old, new: consistency_proof_from_tiles(tiles, old, new))
sys.stdout.buffer.write(merge_cosignatures(note, lines))
