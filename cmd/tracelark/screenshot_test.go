//go:build linux && amd64

package main

import (
	"encoding/xml"
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var screenshots = flag.Bool("screenshots", false, "draw the pictures of README anew")

// TestScreenshots draws the pictures of README, which show the REPL as a terminal does.
func TestScreenshots(t *testing.T) {
	dir := t.TempDir()
	if *screenshots {
		dir = "testdata"
	}
	s := prepare(t, "NO_COLOR=", "TERM=screen-256color")
	s.start(100, 46, "cd ../..; "+s.env+" repl -- examples/targets/crash")
	s.do("b find_option", "breakpoint 1")
	s.do("c", "-- trace -", "#3 ", ">>>")
	s.draw(filepath.Join(dir, "context.svg"), 46)
	s.do("bt", "#5 ")
	s.lines("x/4gx $rsp", "p *options@2", "p.finish().value")
	s.expect("p.finish().value", "-- trace -")
	s.prompt("", "")
	s.keys("C-l")
	s.lines("telescope $rsp 6", "frame 1", "info args", "[hex(f.pc) for f in p.frames]", "checksec")
	s.expect("telescope $rsp 6", "fortify")
	s.prompt("", "")
	s.typed("p.read_")
	s.keys("Tab", "Tab")
	s.expect("read_cstr", "read_u8")
	s.draw(filepath.Join(dir, "commands.svg"), 40)
}

// lines enters lines, each at a prompt.
func (s *screen) lines(lines ...string) {
	s.t.Helper()
	for _, line := range lines {
		s.prompt("", "")
		s.enter(line)
	}
}

// draw writes the first lines of the screen to an SVG file.
func (s *screen) draw(file string, lines int) {
	s.t.Helper()
	text := strings.TrimRight(s.tmux("capture-pane", "-p", "-e"), "\n")
	drawn := drawing(strings.SplitN(text, "\n", lines+1)[:min(lines, strings.Count(text, "\n")+1)])
	if err := xml.Unmarshal([]byte(drawn), new(any)); err != nil {
		s.t.Errorf("%s: %v", file, err)
	}
	if err := os.WriteFile(file, []byte(drawn), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// rendition matches the sequences that set colors and fonts.
var rendition = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// palette holds the colors 30 to 37.
var palette = []string{"#484f58", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#c9d1d9"}

// drawing returns lines of a terminal as an SVG document.
func drawing(lines []string) string {
	const advance, leading, margin = 7.8, 17, 12
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="monospace" font-size="13" fill="%s">`+"\n",
		int(100*advance)+2*margin, len(lines)*leading+2*margin, palette[7])
	b.WriteString(`<rect width="100%" height="100%" rx="6" fill="#0d1117"/>` + "\n")
	style := map[string]string{}
	for n, line := range lines {
		column := 0
		for line != "" {
			part := line
			mark := rendition.FindStringSubmatchIndex(line)
			if mark != nil {
				part = line[:mark[0]]
			}
			if width := utf8.RuneCountInString(part); strings.TrimSpace(part) != "" {
				fmt.Fprintf(&b, `<text x="%.1f" y="%d" textLength="%.1f" xml:space="preserve"`, margin+float64(column)*advance, margin+n*leading+13, float64(width)*advance)
				for _, name := range []string{"fill", "font-weight", "opacity"} {
					if style[name] != "" {
						fmt.Fprintf(&b, ` %s="%s"`, name, style[name])
					}
				}
				fmt.Fprintf(&b, ">%s</text>\n", html.EscapeString(part))
			}
			column += utf8.RuneCountInString(part)
			if mark == nil {
				break
			}
			for code := range strings.SplitSeq(line[mark[2]:mark[3]], ";") {
				switch number, _ := strconv.Atoi(code); {
				case number == 0:
					clear(style)
				case number == 1:
					style["font-weight"] = "bold"
				case number == 2:
					style["opacity"] = "0.6"
				case number == 22:
					delete(style, "font-weight")
					delete(style, "opacity")
				case number == 39:
					delete(style, "fill")
				case number >= 30 && number <= 37:
					style["fill"] = palette[number-30]
				}
			}
			line = line[mark[1]:]
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
