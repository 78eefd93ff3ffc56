package report

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tracelark/tracelark/tracer/triage"
)

// The parts of SARIF 2.1.0 (OASIS) that are used.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Stacks       []sarifStack      `json:"stacks,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
		Properties   map[string]any    `json:"properties"`
	}
	sarifStack struct {
		Frames []sarifFrame `json:"frames"`
	}
	sarifFrame struct {
		Location sarifLocation `json:"location"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region sarifRegion `json:"region"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
)

// sarifLevels are the levels of severities.
var sarifLevels = map[triage.Severity]string{
	triage.Exploitable: "error", triage.ProbablyExploitable: "error",
	triage.NotExploitable: "warning", triage.Undefined: "note",
}

// SARIF returns the contents of report.sarif: a result for each cluster.
func (r *Report) SARIF() ([]byte, error) {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "tracelark", InformationURI: "https://github.com/tracelark/tracelark", Rules: []sarifRule{}}
	rules := make(map[string]int)
	for _, c := range r.Clusters.Clusters {
		rule, ok := rules[c.Name]
		if !ok {
			rule = len(rules)
			rules[c.Name] = rule
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{c.Name})
		}
		result := sarifResult{
			RuleID: c.Name, RuleIndex: rule, Level: sarifLevels[c.Severity],
			Message:      sarifText{c.Name + " in " + top(c.Stack)},
			Fingerprints: c.Best.Keys,
			Properties:   map[string]any{"cluster": c.ID, "severity": c.Severity, "cases": c.Cases, "reproduce": c.Best.Command()},
		}
		if x := c.Best.Crash; x != nil && x.Explanation != "" {
			result.Message.Text += ". " + x.Explanation
		}
		var stack sarifStack
		for _, frame := range c.Stack {
			location := sarifLocation{Physical: physical(frame, c.Best.Crash), Message: &sarifText{frame}}
			if len(result.Locations) == 0 && location.Physical != nil {
				result.Locations = []sarifLocation{{Physical: location.Physical}}
			}
			stack.Frames = append(stack.Frames, sarifFrame{location})
		}
		if len(stack.Frames) > 0 {
			result.Stacks = []sarifStack{stack}
		}
		run.Results = append(run.Results, result)
	}
	text, err := json.MarshalIndent(sarifLog{
		Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}, "", "  ")
	return append(text, '\n'), err
}

// lineOf matches the end of a frame's text.
var lineOf = regexp.MustCompile(` at (.+?):([0-9]+)(?::([0-9]+))?$`)

// physical returns where a frame of a crash is in the source, if its text says that. The
// text has no more than the name of the file, and the frames the path.
func physical(frame string, x *Crash) *sarifPhysical {
	m := lineOf.FindStringSubmatch(frame)
	if m == nil {
		return nil
	}
	line, err := strconv.Atoi(m[2])
	if err != nil || line < 1 {
		return nil
	}
	p := &sarifPhysical{Region: sarifRegion{Line: line}}
	p.Region.Column, _ = strconv.Atoi(m[3])
	uri := url.URL{Path: m[1]}
	if x != nil {
		for _, f := range x.Frames {
			if f.Line == line && filepath.IsAbs(f.File) && strings.HasSuffix(f.File, "/"+m[1]) {
				uri = url.URL{Scheme: "file", Path: f.File}
				break
			}
		}
	}
	p.Artifact.URI = uri.String()
	return p
}
