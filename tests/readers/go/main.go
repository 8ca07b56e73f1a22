// Reads a log of Fiducia with the Go project's own packages for signed notes and transparency logs, and says in one line of JSON
// what it found. It shares no code with Fiducia: tiles, checkpoint and proofs are read as the C2SP specifications say.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// files reads tiles from a log's folder: tile/<level>/<number>, without the height that the Go checksum database has in its paths.
type files struct{ folder string }

func (f files) Height() int { return tileHeight }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
		bytes, err := os.ReadFile(filepath.Join(f.folder, path))
		if err != nil {
			return nil, err
		}
		all[i] = bytes
	}
	return all, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

// entries gives the entries of the bundles, in their order.
func (f files) entries(size int64) ([][]byte, error) {
	var all [][]byte
	for bundle := int64(0); bundle*256 < size; bundle++ {
		width := size - bundle*256
		tile := tlog.Tile{H: tileHeight, L: 0, N: bundle, W: 256}
		if width < 256 {
			tile.W = int(width)
		}
		path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/0/", tileHeight))
		bytes, err := os.ReadFile(filepath.Join(f.folder, "tile/entries", path))
		if err != nil {
			return nil, err
		}
		count := 0
		for len(bytes) > 0 {
			if len(bytes) < 2 || len(bytes) < 2+int(binary.BigEndian.Uint16(bytes)) {
				return nil, fmt.Errorf("bundle %d is cut short", bundle)
			}
			length := int(binary.BigEndian.Uint16(bytes))
			all = append(all, bytes[2:2+length])
			bytes = bytes[2+length:]
			count++
		}
		if count != tile.W {
			return nil, fmt.Errorf("bundle %d has %d entries instead of %d", bundle, count, tile.W)
		}
	}
	return all, nil
}

// tree opens a signed checkpoint.
func tree(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("the checkpoint is of another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// proof checks a .tlog-proof file against the entry that it is about.
func proof(path string, entries [][]byte, verifier note.Verifier) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, signed, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("it is no proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	var hashes tlog.RecordProof
	for _, line := range lines[1:] {
		bytes, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(bytes) != tlog.HashSize {
			return errors.New("a hash is malformed")
		}
		var hash tlog.Hash
		copy(hash[:], bytes)
		hashes = append(hashes, hash)
	}
	under, err := tree([]byte(signed), verifier)
	if err != nil {
		return err
	}
	if index < 0 || index >= int64(len(entries)) {
		return errors.New("it is about an entry that is not there")
	}
	return tlog.CheckRecord(hashes, under.N, under.Hash, index, tlog.RecordHash(entries[index]))
}

func read(folder, key string, others []string) (map[string]int, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	head, err := tree(signed, verifier)
	if err != nil {
		return nil, err
	}
	tiles := files{folder}
	hashes := tlog.TileHashReader(head, tiles)
	root, err := tlog.TreeHash(head.N, hashes)
	if err != nil {
		return nil, err
	}
	if root != head.Hash {
		return nil, errors.New("the tiles do not give the root")
	}
	entries, err := tiles.entries(head.N)
	if err != nil {
		return nil, err
	}
	for index, entry := range entries {
		included, err := tlog.ProveRecord(head.N, int64(index), hashes)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckRecord(included, head.N, head.Hash, int64(index), tlog.RecordHash(entry)); err != nil {
			return nil, fmt.Errorf("entry %d: %w", index, err)
		}
	}
	counts := map[string]int{"entries": len(entries)}
	for _, path := range others {
		if strings.HasSuffix(path, ".tlog-proof") {
			if err := proof(path, entries, verifier); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			counts["proofs"]++
			continue
		}
		kept, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		old, err := tree(kept, verifier)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if old.N > head.N {
			return nil, fmt.Errorf("%s: it has %d entries and the log %d", path, old.N, head.N)
		}
		extends, err := tlog.ProveTree(head.N, old.N, hashes)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckTree(extends, head.N, head.Hash, old.N, old.Hash); err != nil {
			return nil, fmt.Errorf("%s: the log does not continue it: %w", path, err)
		}
		counts["checkpoints"]++
	}
	return counts, nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: reader LOG-FOLDER VERIFIER-KEY [PROOF.tlog-proof | KEPT-CHECKPOINT]...")
		os.Exit(2)
	}
	counts, err := read(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	line, _ := json.Marshal(counts)
	fmt.Println(string(line))
}
