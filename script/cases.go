package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Case is an input that a batch looks at.
type Case struct {
	Path string   // of its file
	Argv []string // the command that found it, in which @@ stands for the file, if a fuzzer left that beside it
	Err  error    // why there is no such file, or nil
}

// maxList bounds a list of cases that is read, and a file that tells of a fuzzer's
// command, in bytes.
const (
	maxList = 1 << 30
	maxNote = 1 << 20
)

// FindCases returns the cases that paths name, in their order and each once. A path is
// a file, a folder, or "-" for a list of paths that is read from list: one a line, or,
// if a zero byte is in it, with a zero byte behind each. Of a folder and those below
// it they are all files, in the order of their names, but for hidden ones and those
// that tell of others. Of the folders of fuzzers they are the finds alone: crashes and
// hangs of AFL++, also of all instances in a folder that they share, and what is named
// as by libFuzzer or honggfuzz. A path that is not there is a case with an Err.
//
// What is in the folder results is of an earlier run and no case; it is an error to name
// that folder. "" is none.
func FindCases(paths []string, list io.Reader, results string) ([]Case, error) {
	f := &caseFinder{seen: make(map[string]bool), commands: make(map[string][]string)}
	if results != "" {
		f.results, _ = os.Stat(results) // which need not be there yet
	}
	for _, path := range paths {
		if path != "-" {
			f.add(path)
			continue
		}
		data, err := io.ReadAll(io.LimitReader(list, maxList+1))
		if err == nil && len(data) > maxList {
			err = fmt.Errorf("it has more than %d bytes", maxList)
		}
		if err != nil {
			return nil, fmt.Errorf("read the list of cases: %w", err)
		}
		end := "\n"
		if bytes.IndexByte(data, 0) >= 0 {
			end = "\x00"
		}
		for path := range strings.SplitSeq(string(data), end) {
			if end == "\n" {
				path = strings.TrimSuffix(path, "\r")
			}
			if path != "" {
				f.add(path)
			}
		}
	}
	return f.cases, f.err
}

// A caseFinder collects cases.
type caseFinder struct {
	cases    []Case
	seen     map[string]bool     // paths
	commands map[string][]string // what command has returned
	results  os.FileInfo         // of the folder of results, or nil
	err      error
}

// add adds what a user has named.
func (f *caseFinder) add(path string) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		f.put(Case{Path: path, Err: err})
	case info.IsDir() && f.results != nil && os.SameFile(info, f.results):
		f.err = fmt.Errorf("%s: it is the folder of results too: name another with -o", path)
	case info.IsDir():
		f.folder(path, nil)
	case !info.Mode().IsRegular():
		f.put(Case{Path: path, Err: fmt.Errorf("%s: not a regular file", path)})
	default:
		f.put(Case{Path: path, Argv: f.command(filepath.Dir(path))})
	}
}

func (f *caseFinder) put(c Case) {
	if !f.seen[c.Path] {
		f.seen[c.Path] = true
		f.cases = append(f.cases, c)
	}
}

// artifact matches the names of libFuzzer's finds, and find those of honggfuzz.
var (
	artifact = regexp.MustCompile(`^(crash|leak|timeout|oom|slow-unit|minimized-from)-[0-9a-f]{40}$`)
	find     = regexp.MustCompile(`^SIG[A-Z0-9]+\.PC\..*\.fuzz(\.verified)?$`)
)

// folder adds the cases of a folder, which the command argv found if it is not nil.
func (f *caseFinder) folder(dir string, argv []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.put(Case{Path: dir, Err: err})
		return
	}
	hasFind := func(pattern *regexp.Regexp) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return pattern.MatchString(e.Name()) })
	}
	wanted := func(fs.DirEntry) bool { return true }
	switch {
	case isAFL(entries):
		argv = aflCommand(dir)
		wanted = func(e fs.DirEntry) bool {
			return e.IsDir() && (strings.HasPrefix(e.Name(), "crashes") || strings.HasPrefix(e.Name(), "hangs"))
		}
	case hasFind(artifact):
		wanted = func(e fs.DirEntry) bool { return artifact.MatchString(e.Name()) }
	case hasFind(find):
		wanted = func(e fs.DirEntry) bool { return find.MatchString(e.Name()) }
	case argv == nil:
		argv = f.command(dir)
	}
	for _, e := range entries {
		name, path := e.Name(), filepath.Join(dir, e.Name())
		if strings.HasPrefix(name, ".") || !wanted(e) || name == "HONGGFUZZ.REPORT.TXT" || name == readme && argv != nil {
			continue
		}
		info, err := os.Stat(path) // of what a link leads to
		switch {
		case err != nil:
			f.put(Case{Path: path, Err: err})
		case f.results != nil && os.SameFile(info, f.results):
		case info.IsDir() && e.IsDir(): // links to folders may lead round
			f.folder(path, argv)
		case info.Mode().IsRegular():
			f.put(Case{Path: path, Argv: argv})
		}
	}
}

// isAFL reports whether the entries are those of a folder that an instance of AFL++
// writes to.
func isAFL(entries []fs.DirEntry) bool {
	var state, crashes bool
	for _, e := range entries {
		switch e.Name() {
		case "fuzzer_stats", "fuzzer_setup", "queue":
			state = true
		case "crashes", "hangs":
			crashes = true
		}
	}
	return state && crashes
}

// command returns the command that found what is in dir, if that is a folder of crashes
// or hangs of AFL++, or a copy of one, or else nil.
func (f *caseFinder) command(dir string) []string {
	argv, known := f.commands[dir]
	if known {
		return argv
	}
	if path, err := filepath.Abs(dir); err == nil {
		if name := filepath.Base(path); strings.HasPrefix(name, "crashes") || strings.HasPrefix(name, "hangs") {
			argv = aflCommand(filepath.Dir(path))
		}
	}
	if argv == nil {
		argv = at(aflTarget(lineAfter(filepath.Join(dir, readme), readmeTells)))
	}
	f.commands[dir] = argv
	return argv
}

// aflCommand returns the command that the instance of AFL++ that writes to dir runs, or
// nil if it does not tell. A file of -f is told of by its own command line alone.
func aflCommand(dir string) []string {
	argv, input := aflTarget(lineAfter(filepath.Join(dir, "fuzzer_stats"), "\ncommand_line      : "))
	if argv == nil {
		argv, input = aflTarget(lineAfter(filepath.Join(dir, "crashes", readme), readmeTells))
	}
	if text := readNote(filepath.Join(dir, "cmdline")); text != "" {
		argv = strings.Split(strings.TrimRight(text, "\n"), "\n")
	}
	return at(argv, input)
}

// readme is the file that AFL++ leaves in a folder of crashes. Its command line is behind
// what is in readmeTells.
const (
	readme      = "README.txt"
	readmeTells = "Command line used to find this crash:"
)

// lineAfter returns the words of the first line of a file behind text, or nil.
func lineAfter(path, text string) []string {
	_, rest, _ := strings.Cut(readNote(path), text)
	line, _, _ := strings.Cut(strings.TrimLeft(rest, "\r\n"), "\n")
	return strings.Fields(line)
}

// aflOptions are those options of afl-fuzz that take a value.
const aflOptions = "bBcefFgGiIlLmMoPpstTVwxE"

// aflTarget returns what a command line of afl-fuzz runs, and the file of -f, where the
// program reads its input, or "".
func aflTarget(words []string) (argv []string, input string) {
	for i := 1; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--":
			return words[i+1:], input
		case !strings.HasPrefix(word, "-") || word == "-":
			return words[i:], input
		}
		if o := strings.IndexAny(word[1:], aflOptions) + 1; o > 0 {
			value := word[o+1:]
			if value == "" && i+1 < len(words) {
				i++
				value = words[i]
			}
			if word[o] == 'f' {
				input = value
			}
		}
	}
	return nil, ""
}

// at returns argv with @@ in the place of the input.
func at(argv []string, input string) []string {
	argv = slices.Clone(argv)
	for i := range argv {
		if input != "" && argv[i] == input {
			argv[i] = "@@"
		}
	}
	return argv
}

// readNote returns what is in a small file, or "".
func readNote(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNote))
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return string(data)
}
