package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzMagic starts an xz file (The .xz File Format, 2.1.1.1).
const xzMagic = "\xfd7zXZ\x00"

var errXZ = errors.New("xz: not as xz compresses symbols")

// unxz decompresses an xz file of blocks with the LZMA2 filter alone, which is
// how symbols are compressed. It reads the container itself, since package xz
// takes as much memory as a header asks for; it leaves the checksums to whoever
// parses the contents.
func unxz(data []byte) ([]byte, error) {
	const header = 12
	if len(data) < header || string(data[:len(xzMagic)]) != xzMagic {
		return nil, errXZ
	}
	checkSize := [...]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[data[7]&15]

	// Symbols shrink to a fifth.
	limit := min(64*len(data)+1<<20, maxRead)
	var out []byte
	for rest := data[header:]; ; {
		if len(rest) == 0 {
			return nil, fmt.Errorf("xz: %w", io.ErrUnexpectedEOF)
		}
		if rest[0] == 0 { // the index, which follows the last block
			return out, nil
		}
		n := (int(rest[0]) + 1) * 4
		if n > len(rest) {
			return nil, fmt.Errorf("xz: %w", io.ErrUnexpectedEOF)
		}
		dict, err := xzDictionary(rest[1:n])
		if err != nil {
			return nil, err
		}
		block := bytes.NewReader(rest[n:])
		config := lzma.Reader2Config{DictCap: int(max(lzma.MinDictCap, min(dict, int64(limit))))}
		r, err := config.NewReader2(block)
		if err != nil {
			return nil, fmt.Errorf("xz: %w", err)
		}
		plain, err := io.ReadAll(io.LimitReader(r, int64(limit-len(out)+1)))
		if err != nil {
			return nil, fmt.Errorf("xz: %w", err)
		}
		if out = append(out, plain...); len(out) > limit {
			return nil, fmt.Errorf("xz: %d bytes would become more than %d", len(data), limit)
		}
		used := len(rest[n:]) - block.Len()
		rest = rest[min(n+(used+3)&^3+checkSize, len(rest)):]
	}
}

// xzDictionary returns the size of the dictionary that a block header, without
// its first byte, asks for (The .xz File Format, 3.1 and 5.3.1).
func xzDictionary(header []byte) (int64, error) {
	flags, fields := header[0], header[1:]
	const lzma2 = 0x21
	for _, size := range []byte{0x40, 0x80} { // compressed, uncompressed
		if flags&size == 0 {
			continue
		}
		_, n := binary.Uvarint(fields)
		if n <= 0 {
			return 0, errXZ
		}
		fields = fields[n:]
	}
	if flags&0x3f != 0 || len(fields) < 3 || fields[0] != lzma2 || fields[1] != 1 {
		return 0, errXZ
	}
	size, err := lzma.DecodeDictCap(fields[2])
	if err != nil {
		return 0, fmt.Errorf("xz: %w", err)
	}
	return size, nil
}
