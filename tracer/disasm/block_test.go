package disasm

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func TestBlocks(t *testing.T) {
	for _, test := range []struct {
		name, code string
		want       []Block
	}{
		{"straight", "55 4889e5 e800000000 5d c3", []Block{{0x1000, 11}}},
		{"branch", "85ff 7402 ffc7 c3", []Block{{0x1000, 4}, {0x1004, 2}, {0x1006, 1}}},
		{"loop", "31c0 ffc0 39f8 75fa c3", []Block{{0x1000, 2}, {0x1002, 6}, {0x1008, 1}}},
		{"padding", "eb05 0f1f4000 90 c3 c3", []Block{{0x1000, 2}, {0x1007, 1}, {0x1008, 1}}},
		{"table", "ffe0 ffc0 c3 ffc8 c3", []Block{{0x1000, 2}, {0x1002, 3}, {0x1005, 3}}},
		{"data", "eb03 060606 c3 06", []Block{{0x1000, 2}, {0x1005, 1}}},
		{"jump into an instruction", "7401 f0480fb10f c3", []Block{{0x1000, 2}, {0x1002, 6}}},
		{"cut", "eb01 e8 c3 e800", []Block{{0x1000, 2}, {0x1003, 1}}},
		{"jump to the end", "7401 c3", []Block{{0x1000, 2}, {0x1002, 1}}},
		{"none", "", nil},
		{"no code", "06", nil},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(test.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := Blocks(code, 0x1000); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %x, want %x", test.name, got, test.want)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add([]byte("\x85\xff\x74\x02\xff\xc7\xc3"))
	f.Add([]byte("\xeb\x03\x06\x06\x06\xc3\x06"))
	f.Fuzz(func(t *testing.T, code []byte) {
		before := bytes.Clone(code)
		end := uint64(0x1000)
		for _, b := range Blocks(code, 0x1000) {
			if b.Addr < end || b.Size <= 0 || b.Addr+uint64(b.Size) > 0x1000+uint64(len(code)) {
				t.Fatalf("block of %d bytes at %#x, the one before ends at %#x", b.Size, b.Addr, end)
			}
			end = b.Addr + uint64(b.Size)
			if _, err := Skim(code[b.Addr-0x1000:], b.Addr); err != nil {
				t.Fatalf("no instruction at %#x: %v", b.Addr, err)
			}
		}
		if !bytes.Equal(code, before) {
			t.Error("the code was changed")
		}
	})
}
