//go:build linux && amd64

package main

import (
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// BenchmarkInterrupt measures how long it takes from ^C to a prompt, each time in a new
// session, which shows for the first time where a target has stopped.
func BenchmarkInterrupt(b *testing.B) {
	busy := tracertest.Build(b, "testdata/busy.c", "-O1", "-pthread")
	interrupts(b, []interruption{
		{"Script", nil, []string{"while True: pass\n"}},
		{"Thread", []string{busy, "1", "0"}, []string{"c"}},
		{"100Threads", []string{busy, "100", "0"}, []string{"c"}},
		{"Steps", []string{busy, "1", "0"}, []string{"si 1000000000"}},
		{"Find", []string{busy, "1", "1024"}, []string{"tb run", "c", "p.find(regex('[a-z]*nothing has this'))"}},
		{"Disassembly", []string{busy, "1", "0"}, []string{"tb run", "c", "while True: [p.disasm(f) for f in p.images[1].functions()]\n"}},
		{"Index", []string{built(b)}, []string{"p.main_image.types('main.*')"}},
	})
}

// BenchmarkInterruptLookup measures it for lookups in a program of 257 MB.
func BenchmarkInterruptLookup(b *testing.B) {
	big := []string{tracertest.BuildUnits(b, "testdata/big", bigUnits)}
	interrupts(b, []interruption{
		{"Breakpoint", big, []string{"b nothing_has_this"}},
		{"Expression", big, []string{"p nothing_has_this"}},
		{"Type", big, []string{"ptype big::Store<28>"}},
		{"Stack", big, []string{"tb big::bottom", "c", "bt"}},
		{"Symbols", big, []string{"p.symbols('*nothing_has_this')"}},
	})
}

// An interruption is a line that goes on, the last one, and what comes before it.
type interruption struct {
	name   string
	target []string
	lines  []string
}

func interrupts(b *testing.B, tests []interruption) {
	for _, test := range tests {
		b.Run(test.name, func(b *testing.B) {
			var worst, sum time.Duration
			n := 0
			for b.Loop() {
				args := []string{"repl"}
				if test.target != nil {
					args = append(append(args, "--"), test.target...)
				}
				c := newConsole(b, "NO_COLOR=1", args...)
				c.expect(">>> ")
				for _, line := range append([]string{"set context off"}, test.lines[:len(test.lines)-1]...) {
					c.send(line + "\r")
					c.expect(">>> ")
				}
				c.send(test.lines[len(test.lines)-1] + "\r")
				if len(test.lines) == 1 && test.lines[0] == "c" {
					c.expect("ready")
				}
				c.shows("nothing, as it goes on", 100*time.Millisecond)
				c.unread = nil
				start := time.Now()
				c.send("\x03")
				c.expect(">>> ")
				took := time.Since(start)
				worst, sum, n = max(worst, took), sum+took, n+1
				c.cmd.Process.Kill()
				c.cmd.Wait()
			}
			b.ReportMetric(worst.Seconds()*1000, "ms/worst")
			b.ReportMetric(sum.Seconds()*1000/float64(n), "ms/mean")
			b.ReportMetric(0, "ns/op")
		})
	}
}
