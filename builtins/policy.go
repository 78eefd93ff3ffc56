package builtins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"
)

// A Permission is a set of things that scripts may do besides computing and what
// needs none: looking at the processes that they hold, and making them run and stop.
type Permission uint8

// The permissions. The manual's topic "permissions" has their meanings.
const (
	MayLaunch Permission = 1 << iota
	MayAttach
	MayWrite
	MayFS
	MayEnv
	MaySyscall

	MayAll = MayLaunch | MayAttach | MayWrite | MayFS | MayEnv | MaySyscall
)

// permissionRows are the names and the meanings of the bits of a Permission, in their
// order.
var permissionRows = []struct{ name, doc string }{
	{"launch", "Start programs. They may do all that the user may."},
	{"attach", "List the processes of the machine and trace those that run already."},
	{"write", "Change the memory and the registers of targets, their signals' records and masks, where they go on (pc of a request), and call their functions. With it a script can make a target do anything that the target may do."},
	{"fs", "Read and write files, cores, modules that are not in std, and standard streams that are paths. Folders that are given as roots bound it to what is in them; symbolic links do not lead out. The ELF files of targets and cores need no permission."},
	{"env", "Read the environment of the debugger. Without it, programs start with no variables but those that launch is given."},
	{"syscall", "Have targets make system calls, and change those that they make."},
}

func init() {
	chapters = append(chapters, func() {
		all := newTopic("permissions", "", "What scripts may do besides computing, and looking at, running and stopping the processes that they hold. tracelark gives all of them unless --deny or --allow names some, a session in Go gives those of its Options.Policy. Whatever a script may do, a target does what its program and its user may do.")
		for i, row := range permissionRows {
			var builtins []string
			for _, p := range permissions {
				if p.need == 1<<i {
					builtins = strings.Fields(p.builtins)
				}
			}
			doc := row.doc
			if len(builtins) > 0 {
				doc += " Needed by " + strings.Join(builtins, ", ") + "."
			}
			all.members = append(all.members, &topic{name: row.name, doc: doc})
		}
	})
}

func init() {
	chapters = append(chapters, func() {
		newTopic("limits", "", "What a script may take. --steps bounds the steps of the interpreter, --deadline the time, and --memory the memory; in Go they are Options.Steps, Options.Deadline and Options.Memory of package script. "+
			"A limit ends a script as an interrupt does: what attempt calls is ended too. Steps are exact, and time is but for what a single operation takes. "+
			"The memory is that of the whole process, with what other sessions take and with the symbols of targets, but without the targets themselves. It is looked at 200 times a second, and garbage counts only from twice the limit on. "+
			"By default the command's limit is a quarter of the machine's memory, 4 GiB at most, and a session in Go has none. "+
			"What makes much of little, as [0] * 1000000000, list(range(1000000000)) or s.replace, asks first whether there is the memory, and fails if not. A product of ints has at most 4194304 bits. "+
			"Other operations that take long, as comparing values that refer to others a billion times, cannot be interrupted. If one takes three times the memory, or goes on for 3 seconds after a limit, the command ends at once; what it launched dies with it, and what it attached to is let go without breakpoints, but may keep watchpoints. A program in Go that embeds sessions is told by Options.Stuck. "+
			"The REPL's limits are for each line.")
	})
}

// String returns the names of the permissions, such as "launch, fs".
func (p Permission) String() string {
	var names []string
	for i, row := range permissionRows {
		if p>>i&1 != 0 {
			names = append(names, row.name)
		}
	}
	return strings.Join(names, ", ")
}

// ParsePermission returns the permission with a name such as "fs"; "all" is all of
// them.
func ParsePermission(name string) (Permission, error) {
	if name == "all" {
		return MayAll, nil
	}
	for i, row := range permissionRows {
		if name == row.name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("no permission is named %q, want all or some of %s", name, MayAll)
}

// A Policy says what scripts may do. The zero value allows nothing.
type Policy struct {
	Allow Permission
	Roots []string // with MayFS, the folders below which files must be; nil means anywhere
}

// A DeniedError says that a script may not do something.
type DeniedError struct {
	Op   string     // builtin or attribute
	Need Permission // what is missing
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("%s: not allowed here, it needs the permission %s (tracelark --allow %s, or Options.Policy of package script)",
		e.Op, e.Need, strings.ReplaceAll(e.Need.String(), " ", ""))
}

// Unwrap returns fs.ErrPermission.
func (e *DeniedError) Unwrap() error { return fs.ErrPermission }

// check returns an error unless op, which needs permissions, is allowed.
func (p *Policy) check(op string, need Permission) error {
	if missing := need &^ p.Allow; missing != 0 {
		return &DeniedError{op, missing}
	}
	return nil
}

// Open opens a file for reading, for an operation op of a script. It does not wait for
// the writer of a pipe.
func (p *Policy) Open(op, name string) (*os.File, error) {
	return p.openFile(op, name, os.O_RDONLY|syscall.O_NONBLOCK)
}

// create makes or empties a file for an operation op.
func (p *Policy) create(op, name string) (*os.File, error) {
	return p.openFile(op, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (p *Policy) openFile(op, name string, flag int) (*os.File, error) {
	if err := p.check(op, MayFS); err != nil {
		return nil, err
	}
	if p.Roots == nil {
		return open(name, flag)
	}
	root, name, err := p.root(op, name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenFile(name, flag, 0o666)
}

// open is os.OpenFile without the four system calls by which that finds out whether the
// runtime can wait for the file: a script waits for none but those opened not to block.
func open(name string, flag int) (*os.File, error) {
	for {
		fd, err := unix.Open(name, flag|unix.O_CLOEXEC, 0o666)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), name), nil
		case unix.EINTR:
		default:
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

// file checks that a file, or the folder of one that is to be made, may be used by
// its name.
func (p *Policy) file(op, name string) error {
	if err := p.check(op, MayFS); err != nil || p.Roots == nil {
		return err
	}
	root, name, err := p.root(op, name)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err = root.Stat(name); errors.Is(err, fs.ErrNotExist) {
		_, err = root.Stat(filepath.Dir(name))
	}
	return err
}

// root opens the folder below which a file must be, and returns the file's name
// there. The folder keeps symbolic links from leading out of it.
func (p *Policy) root(op, name string) (*os.Root, string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return nil, "", err
	}
	for _, dir := range p.Roots {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, "", err
		}
		if rel, err := filepath.Rel(dir, full); err == nil && filepath.IsLocal(rel) {
			root, err := os.OpenRoot(dir)
			return root, rel, err
		}
	}
	return nil, "", fmt.Errorf("%s: %s is outside of the folders in which files may be used: %s (tracelark --root, or Options.Policy of package script)",
		op, name, strings.Join(p.Roots, ", "))
}

// permissions says what builtins need, by patterns as those of path.Match. One that
// is not here needs everything. Attributes need nothing to be read.
var permissions = []struct {
	need     Permission
	builtins string
}{
	{MayLaunch, "launch ptrace.launch process.restart shell"},
	{MayAttach, "attach observe processes ptrace.attach"},
	{MayFS, "core program list_dir read_file tempdir write_file process.save_core process.dump core.dump observed.dump program.dump process.use_debug core.use_debug observed.use_debug program.use_debug"},
	{MayWrite, "process.write process.write_* process.call thread.call value.set_ ptrace.write_? ptrace.poke ptrace.set*regs ptrace.setxstate ptrace.set?sbase"},
	{MaySyscall, "process.syscall thread.syscall stop.replace stop.fail stop.set_args stop.set_nr process.checkpoint checkpoint.*"},
	{0, "[iu]16 [iu]32 [iu]64 [iu]8 apropos attempt command exit fit float format groups help hex hex_pattern hexdump int log matches module pack paint printer range regex run_command shown sleep sorted split_commands split_words struct " +
		"syscalls unpack write " +
		"core.addr core.disasm core.eval core.find core.line core.name_code core.probes core.reach core.read core.read_* core.symbol core.scope core.symbols core.type core.unwinder core.var " +
		"image.blocks image.functions image.lines image.probes image.symbols image.types " +
		"observed.addr observed.disasm observed.eval observed.find observed.line observed.name_code observed.probes observed.reach observed.read observed.read_* observed.symbol observed.scope observed.symbols " +
		"observed.type observed.unwinder observed.var " +
		"program.addr program.disasm program.eval program.find program.line program.name_code program.probes program.reach program.read program.read_* program.symbol program.scope program.symbols program.type program.var " +
		"process.addr process.background process.breakpoint process.catch process.cont process.cont_fatal process.cover process.descriptor process.detach " +
		"process.disasm process.eval process.expect process.find process.finish process.interrupt process.kill process.line process.name_code process.next process.next_line " +
		"process.on process.probes process.reach process.read process.read_* process.resume process.set_follow process.set_step process.clear_step process.suspend process.step process.step_line process.symbol process.scope process.symbols process.type process.until process.unwinder " +
		"process.var process.wait process.watch " +
		"ptrace.clearstep ptrace.cont ptrace.detach ptrace.get* ptrace.io ptrace.kill ptrace.lwpinfo ptrace.lwps ptrace.numlwps ptrace.peek ptrace.read_? " +
		"ptrace.request ptrace.resume ptrace.setstep ptrace.step ptrace.suspend ptrace.syscall ptrace.to_sc? ptrace.wait " +
		"thread.clear_step thread.cont thread.eval thread.finish thread.next thread.next_line thread.resume thread.set_step thread.step thread.step_line " +
		"thread.suspend thread.until thread.unwind thread.var " +
		"value.bytes_ value.cast_ value.deref_ value.read_ value.string_ " +
		"breakpoint.change breakpoint.remove coverage.remove crash.casrep crashes.* focus.constant frame.eval frame.finish frame.var hook.remove input.close input.write json.* " +
		"observed_thread.* output.read output.read_until stop.drop syscall.decode syscall.show type.* watchpoint.change watchpoint.remove"},
}

// patterns holds the patterns of permissions for the members of a type or module, or for
// what is predeclared under "", and declared the permissions of those that are just names.
var patterns, declared = func() (patterns map[string][]pattern, declared map[string]Permission) {
	patterns, declared = make(map[string][]pattern), make(map[string]Permission)
	for _, row := range permissions {
		for text := range strings.FieldsSeq(row.builtins) {
			if strings.ContainsAny(text, "*?[") {
				patterns[owner(text)] = append(patterns[owner(text)], pattern{text, row.need})
			} else {
				declared[text] = row.need
			}
		}
	}
	return patterns, declared
}()

type pattern struct {
	text string
	need Permission
}

// owner returns what stands before the dot of a name, or "" if there is none.
func owner(name string) string { return name[:max(0, strings.IndexByte(name, '.'))] }

// needs returns the permission that the builtin called name needs, which for a
// method is that of its type. It reports whether one is declared.
func needs(name string) (need Permission, ok bool) {
	if need, ok := declared[name]; ok {
		return need, true
	}
	for _, p := range patterns[owner(name)] {
		if ok, _ := path.Match(p.text, name); ok {
			return p.need, true
		}
	}
	return MayAll, false
}

// A guarded value has methods that need permissions.
type guarded interface{ policy() *Policy }

func (p *process) policy() *Policy { return &p.env.allowed }
func (f *focus) policy() *Policy   { return &f.env.allowed }
func (t *thread) policy() *Policy  { return &t.p.env.allowed }
func (s *stop) policy() *Policy    { return &s.p.env.allowed }
func (v *typed) policy() *Policy   { return &v.e.allowed }

// allows returns an error unless a method called name, of the receiver's type, is
// allowed.
func allows(receiver starlark.Value, name string, need Permission) error {
	if need == 0 {
		return nil
	}
	op := receiver.Type() + "." + name
	if v, ok := receiver.(guarded); ok {
		return v.policy().check(op, need)
	}
	return &DeniedError{op, need} // a method that is to be declared
}
