//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script/report"
	"github.com/tracelark/tracelark/tracer/triage"
)

func newCluster() *cobra.Command {
	var oneLine bool
	var out string
	var distance float64
	cmd := &cobra.Command{
		Use:   "cluster [-o FILE] [--json] [--distance D] DIR|FILE...",
		Short: "Group crashes by their stacks",
		Long: "Group the crashes of CASREP files (*.casrep) and of cases.jsonl, as tracelark triage\n" +
			"leaves it, by their stacks, and print the groups as JSON, the worst first. In\n" +
			"directories, files of these names are looked for; the CASREP files of a triage do not\n" +
			"count beside its cases.jsonl.",
		Example: "  tracelark cluster out\n  tracelark cluster -o clusters.json a.casrep b.casrep",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("cluster: no DIR and no FILE")
			}
			if !(distance >= 0 && distance <= 1) {
				return usageErrorf("cluster: --distance is %v, want 0 to 1", distance)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var cases []triage.Case
			seen := make(map[string]bool)
			for _, arg := range args {
				files, err := caseFiles(arg)
				if err != nil {
					return fmt.Errorf("cluster: %w", err)
				}
				for _, file := range files {
					if seen[filepath.Clean(file)] {
						continue
					}
					seen[filepath.Clean(file)] = true
					found, err := readCaseFile(file)
					if err != nil {
						return fmt.Errorf("cluster: %w", err)
					}
					cases = append(cases, found...)
				}
			}
			indent := "  "
			if oneLine {
				indent = ""
			}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", indent)
			if err := enc.Encode(triage.Summarize(cases, distance)); err != nil {
				return err
			}
			if out != "" {
				return os.WriteFile(out, b.Bytes(), 0o666)
			}
			_, err := os.Stdout.Write(b.Bytes())
			return said(err)
		},
	}
	cmd.Flags().BoolVar(&oneLine, "json", false, "print JSON in one line")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to `FILE` instead of standard output")
	cmd.Flags().Float64Var(&distance, "distance", triage.DefaultDistance, "the distance that two stacks of a group do not reach, 0 to 1")
	return cmd
}

// caseFiles returns a file, or the files of a directory that have cases.
func caseFiles(path string) (files []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		return []string{path}, nil
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(file, ".casrep") && d.Name() != "cases.jsonl" {
			return err
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), "cases.jsonl")); err == nil && report.IsCASREP(d.Name()) {
			return nil // of one of its cases
		}
		files = append(files, file)
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no *.casrep and no cases.jsonl is there", path)
	}
	return files, err
}

// maxCaseFile bounds the bytes of a CASREP.
const maxCaseFile = 64 << 20

// readCaseFile returns the cases of a file: of JSON lines if its name ends in .jsonl,
// or else of a CASREP.
func readCaseFile(path string) ([]triage.Case, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if strings.HasSuffix(path, ".jsonl") {
		cases, err := triage.ReadCases(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return cases, nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxCaseFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxCaseFile {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxCaseFile>>20)
	}
	c, err := triage.ReadCASREP(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Case = path
	return []triage.Case{*c}, nil
}
