package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Markdown returns the contents of report.md: the clusters in a table and one by one.
func (r *Report) Markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", inline(r.Title))
	var parts []string
	outcomes := r.Outcomes()
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		parts = append(parts, fmt.Sprintf("%d %s", outcomes[name], name))
	}
	fmt.Fprintf(&b, "%s: %s. %s of %s.\n", count(len(r.Cases), "case"), strings.Join(parts, ", "), count(len(r.Clusters.Clusters), "cluster"), count(r.Unique, "different stack"))
	if len(r.Clusters.Clusters) > 0 {
		b.WriteString("\n| cluster | class | severity | cases | stacks | where |\n|--:|---|---|--:|--:|---|\n")
	}
	for _, c := range r.Clusters.Clusters {
		fmt.Fprintf(&b, "| %d | %s | %s | %d | %d | %s |\n", c.ID, inline(c.Name), c.Severity, c.Size, c.Unique, inline(top(c.Stack)))
	}
	for _, c := range r.Clusters.Clusters {
		fmt.Fprintf(&b, "\n## %d. %s: %s\n\n", c.ID, inline(c.Name), inline(top(c.Stack)))
		if x := c.Best.Crash; x != nil {
			fmt.Fprintf(&b, "%s\n\n", inline(x.Explanation))
		}
		if x := c.Best.Certainty; x != nil {
			fmt.Fprintf(&b, "The same in %v runs, with random addresses in %v.\n\n", x.Fixed, x.Random)
		}
		b.WriteString(block(c.Best.Command()))
		b.WriteString(block(strings.Join(c.Stack, "\n")))
		if c.Led != "" {
			b.WriteString(block(strings.TrimSuffix(c.Led, "\n")))
		}
	}
	for _, c := range r.Cases {
		if c.Outcome == "" {
			fmt.Fprintf(&b, "\n%s failed: %s\n", inline(c.Case), inline(c.Error))
		}
	}
	return b.Bytes()
}

// top returns the innermost frame.
func top(stack []string) string {
	if len(stack) == 0 {
		return "?"
	}
	return stack[0]
}

// inline returns text as code in a line or a cell of a table, which nothing in it can
// end.
func inline(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	fence := fenceOf(text, 1)
	return fence + " " + strings.ReplaceAll(text, "|", "\\|") + " " + fence
}

// block returns text as a block of code.
func block(text string) string {
	fence := fenceOf(text, 3)
	return "\n" + fence + "\n" + text + "\n" + fence + "\n"
}

// fenceOf returns at least n backticks, more than any that stand together in text.
func fenceOf(text string, n int) string {
	fence := strings.Repeat("`", n)
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}
