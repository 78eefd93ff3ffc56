//go:build linux && amd64

package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chzyer/readline"
	"github.com/schollz/progressbar/v3"

	"github.com/tracelark/tracelark/script"
)

// A progress shows how far a batch is: on a terminal as a bar, else as a line every
// now and then.
type progress struct {
	f      *os.File
	quiet  bool
	mu     sync.Mutex               // of bar, whose methods do not all lock
	bar    *progressbar.ProgressBar // nil where f is no terminal
	status func() script.BatchStatus
	began  time.Time
	stop   func() // shows it no more
}

// barWidth is how many columns a bar takes that is of no length, without the outcomes.
const barWidth = 50

// How often progress is shown.
const (
	barEach  = 100 * time.Millisecond
	lineEach = 10 * time.Second
)

// newProgress returns a progress that is shown on f from start to end, but not where
// quiet is set.
func newProgress(f *os.File, quiet bool) *progress {
	return &progress{f: f, quiet: quiet, stop: func() {}}
}

// start begins to show how far b is.
func (p *progress) start(b *script.Batch) {
	p.status, p.began = b.Status, time.Now()
	if p.quiet {
		return
	}
	each := lineEach
	if readline.IsTerminal(int(p.f.Fd())) {
		s := p.status()
		each = barEach
		bar := progressbar.NewOptions(s.Cases-s.Resumed,
			progressbar.OptionSetWriter(p.f),
			progressbar.OptionSetWidth(20),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("cases"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionUseANSICodes(true), // else a bar is wiped out as wide as one was before the terminal got narrower
			progressbar.OptionClearOnFinish())
		p.mu.Lock()
		p.bar = bar
		p.mu.Unlock()
	}
	p.stop = repeat(each, p.show)
}

// repeat calls show every now and then, until the function that it returns is called.
func repeat(each time.Duration, show func()) (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(each)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				show()
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

func (p *progress) show() {
	s := p.status()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		text := outcomes(s)
		if width, _, err := readline.GetSize(int(p.f.Fd())); err == nil && width > 0 && len(text) > width-barWidth {
			text = text[:max(0, width-barWidth-len("..."))]
			text = text[:max(0, strings.LastIndex(text, ", "))] + "..." // no number is cut
		}
		p.bar.Describe(text)
		p.bar.Set(s.Done - s.Resumed)
		return
	}
	took := time.Since(p.began).Seconds()
	rate := float64(s.Done-s.Resumed) / took
	left := ""
	if rate > 0 {
		left = fmt.Sprintf(", %.0f s left", float64(s.Cases-s.Done)/rate)
	}
	fmt.Fprintf(p.f, "%d of %d cases, %.1f a second%s: %s\n", s.Done, s.Cases, rate, left, outcomes(s))
}

// end takes the bar away and says what came of the cases.
func (p *progress) end() {
	p.stop()
	p.mu.Lock()
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
	p.mu.Unlock()
	if p.quiet {
		return
	}
	s := p.status()
	took := time.Since(p.began).Seconds()
	text := fmt.Sprintf("%d of %d cases in %.1f s", s.Done-s.Resumed, s.Cases-s.Resumed, took)
	if s.Resumed > 0 {
		text += fmt.Sprintf(", %d were done before", s.Resumed)
	}
	fmt.Fprintf(p.f, "%s: %s\n", text, outcomes(s))
}

// outcomes returns how many cases had which outcome.
func outcomes(s script.BatchStatus) string {
	var parts []string
	other := s.Done - s.Errors
	for _, name := range slices.Sorted(maps.Keys(s.Outcomes)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Outcomes[name], printable(name)))
		other -= s.Outcomes[name]
	}
	if other > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d done", other))
	}
	if s.Errors > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", s.Errors))
	}
	return strings.Join(parts, ", ")
}

// printable returns text that a script made without what a terminal might act upon.
func printable(text string) string {
	const most = 60
	quoted := fmt.Sprintf("%+q", text)
	quoted = quoted[1 : len(quoted)-1]
	return quoted[:min(most, len(quoted))]
}

// A progressWriter writes lines that may go to the terminal that has the bar.
type progressWriter struct {
	*progress
	w io.Writer
}

func (w progressWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bar == nil {
		return w.w.Write(p)
	}
	w.bar.Clear()
	n, err := w.w.Write(p)
	if bytes.HasSuffix(p, []byte("\n")) {
		w.bar.RenderBlank() // at once: where lines come fast, it would be gone most of the time
	}
	return n, err
}
