package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/tracelark/tracelark/tracer/triage"
)

//go:embed index.html
var page string

// pageTemplate escapes what it is given for where it stands (html/template).
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("index.html").Funcs(template.FuncMap{
		"count": count,
		"top":   top,
		"lines": func(list []string) string { return strings.Join(list, "\n") },
		"show":  visible,
		"words": func(list []string) string { return strings.Join(list, ", ") },
	}).Parse(page))
})

// A bar is one of a chart.
type bar struct {
	Label  string
	N      int
	Height float64 // in percent of the highest
	Class  string
}

// A chart has bars beside each other.
type chart struct {
	Title string
	Bars  []bar
}

// newChart returns a chart, whose bars get their heights.
func newChart(title string, bars []bar) chart {
	most := 1
	for _, b := range bars {
		most = max(most, b.N)
	}
	for i := range bars {
		bars[i].Height = 100 * float64(bars[i].N) / float64(most)
	}
	return chart{title, bars}
}

// Ends returns the first bar and the last, where there are too many to name all.
func (c chart) Ends() []bar { return []bar{c.Bars[0], c.Bars[len(c.Bars)-1]} }

// HTML returns the contents of index.html, which needs no other file.
func (r *Report) HTML() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate().Execute(&b, struct {
		*Report
		Severities []triage.Severity
		Charts     []chart
		Failed     []*Case
	}{r, r.severities(), []chart{r.outcomeChart(), r.timeChart(), r.sizeChart(), r.inputChart()}, slices.DeleteFunc(slices.Clone(r.Cases), func(c *Case) bool { return c.Outcome != "" })})
	return b.Bytes(), err
}

// severities returns those of the clusters, the worst first.
func (r *Report) severities() (list []triage.Severity) {
	for _, c := range r.Clusters.Clusters {
		if !slices.Contains(list, c.Severity) {
			list = append(list, c.Severity)
		}
	}
	return list
}

func (r *Report) outcomeChart() chart {
	n := r.Outcomes()
	var bars []bar
	for _, name := range slices.Sorted(maps.Keys(n)) {
		bars = append(bars, bar{Label: name, N: n[name], Class: name})
	}
	return newChart("Outcomes", bars)
}

// timeBars is how many bars a chart of the run has.
const timeBars = 40

// timeChart shows how many clusters the first cases have, the more of them the further
// to the right.
func (r *Report) timeChart() chart {
	seen := make(map[*Cluster]bool)
	var bars []bar
	n := min(timeBars, len(r.Cases))
	next := 0
	for i := range n {
		end := (i + 1) * len(r.Cases) / n
		for ; next < end; next++ {
			if c := r.clusterOf[next]; c != nil {
				seen[c] = true
			}
		}
		label := fmt.Sprintf("first %d cases", end)
		if end == 1 {
			label = "first case"
		}
		bars = append(bars, bar{Label: label, N: len(seen), Class: "crash"})
	}
	return newChart("Clusters by cases looked at", bars)
}

func (r *Report) sizeChart() chart {
	var bars []bar
	for _, c := range r.Clusters.Clusters[:min(timeBars, len(r.Clusters.Clusters))] {
		bars = append(bars, bar{Label: fmt.Sprintf("cluster %d", c.ID), N: c.Size, Class: string(c.Severity)})
	}
	return newChart("Cases by cluster", bars)
}

// inputChart shows how large inputs are, by powers of two.
func (r *Report) inputChart() chart {
	n := make(map[int]int)
	for _, c := range r.Cases {
		if c.Outcome != "" {
			n[int(math.Ceil(math.Log2(float64(max(1, c.Size)))))]++
		}
	}
	var bars []bar
	for _, power := range slices.Sorted(maps.Keys(n)) {
		bars = append(bars, bar{Label: "up to " + count(1<<power, "byte"), N: n[power], Class: "exit"})
	}
	return newChart("Sizes of inputs", bars)
}

// count writes a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// visible returns text with what would not show written out.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unseen(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unseen reports whether a character does not show: a control character, but a newline and a tab, or
// one that changes the direction of writing.
func unseen(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x200e && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
