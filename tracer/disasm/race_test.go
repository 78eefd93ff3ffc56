//go:build race

package disasm

func init() { share = 8 }
