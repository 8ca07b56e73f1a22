//! Other people's implementations read what we write.

use std::path::PathBuf;

use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::tile::{Tile, TileHashReader, TileReader};
use tlog_tiles::tlog;

use super::log;

struct Folder(PathBuf);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        let path = |tile: &Tile| self.0.join(tile.path().replacen("tile/8/", "tile/", 1));
        Ok(tiles.iter().map(|tile| std::fs::read(path(tile)).unwrap()).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

#[test]
fn signed_note_and_tlog_tiles_verify_our_log() {
    let log = log(&[100, 700]);
    let bytes = std::fs::read(log.directory.join("checkpoint")).unwrap();
    let note = Note::from_bytes(&bytes).unwrap();
    let verifier = StandardVerifier::new(&log.key.to_string()).unwrap();
    let (known, unknown) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((known.len(), unknown.len()), (1, 0));
    let checkpoint = tlog_tiles::checkpoint::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), (log.key.name(), 700));
    assert_eq!(checkpoint.extension(), "");

    let (folder, root) = (Folder(log.directory.clone()), *checkpoint.hash());
    let hashes = TileHashReader::new(700, root, &folder);
    let mut ours = log.reader();
    for index in (0..700).step_by(31).chain([255, 256, 699]) {
        let leaf = tlog::record_hash(&ours.entry(index).unwrap());
        let proof = tlog::prove_record(700, index, &hashes).unwrap();
        tlog::check_record(&proof, 700, root, index, leaf).unwrap();
        let path: Vec<_> = ours.inclusion_proof(index).unwrap().into_iter().map(tlog::Hash).collect();
        tlog::check_record(&path, 700, root, index, leaf).unwrap();
    }
    for old in (1..700).step_by(41) {
        let (old_root, path) = ours.consistency_proof(old).unwrap();
        let path = path.into_iter().map(tlog::Hash).collect();
        tlog::check_tree(&path, 700, root, old, tlog::Hash(old_root)).unwrap();
    }
}
