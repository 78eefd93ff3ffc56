package syscalls

import (
	"strings"
	"sync"
)

// signatureLines are the arguments of the system calls, one call or variant a line: its
// name, the kind of each argument, and after = that of what it returns, if it is no
// decimal number. Kinds are those of kinds.go, and sets. A kind may have a parameter
// after a colon, which is the number of another argument. > is before an argument that
// the kernel fills in, and that is shown when the call has returned.
// - is one that is not shown. KIND?N&FLAG,... is there only if argument N has one of the flags.
//
// A line "@N NAME" says that NAME has variants by its argument N, whose lines begin
// with the name, a dot and the name of a value. A call that has no line is shown with
// six words.
const signatureLines = `
read fd >data:ret size
write fd data:2 size
open path open mode?1&O_CREAT,O_TMPFILE =fd
close fd
stat path >stat
fstat fd >stat
lstat path >stat
poll pollfds:1 uint int =poll
lseek fd long whence =long
mmap ptr size prot map fd offset =ptr
mprotect ptr size prot
munmap ptr size
brk ptr =ptr
rt_sigaction sig sigaction >sigaction size
rt_sigprocmask sigmask sigset:3 >sigset:3 size
rt_sigreturn sigframe
@1 ioctl
ioctl fd ioctl hex
ioctl.TCGETS fd ioctl >termios
ioctl.TCSETS fd ioctl termios
ioctl.TCSETSW fd ioctl termios
ioctl.TCSETSF fd ioctl termios
ioctl.TIOCGWINSZ fd ioctl >winsize
ioctl.TIOCSWINSZ fd ioctl winsize
ioctl.TIOCGPGRP fd ioctl >int*
ioctl.TIOCSPGRP fd ioctl int*
ioctl.TIOCGSID fd ioctl >int*
ioctl.TIOCGPTN fd ioctl >int*
ioctl.TIOCSPTLCK fd ioctl int*
ioctl.TIOCOUTQ fd ioctl >int*
ioctl.FIONREAD fd ioctl >int*
ioctl.FIONBIO fd ioctl int*
ioctl.FIOASYNC fd ioctl int*
ioctl.FIOCLEX fd ioctl
ioctl.FIONCLEX fd ioctl
ioctl.FICLONE fd ioctl fd
pread64 fd >data:ret size long
pwrite64 fd data:2 size long
readv fd >iovec:2 uint
writev fd iovec:2 uint
access path access
pipe >fds
select int fdset:0 fdset:0 fdset:0 timeval =select
sched_yield
mremap ptr size size mremap ptr?3&MREMAP_FIXED =ptr
msync ptr size msync
mincore ptr size ptr
madvise ptr size madvise
shmget hex size hex
shmat int ptr hex =ptr
shmctl int ipc ptr
dup fd =fd
dup2 fd fd =fd
pause
nanosleep timespec >rem
getitimer itimer >itimerval
alarm uint
setitimer itimer itimerval >itimerval
getpid
sendfile fd fd long* size
socket family socktype protocol =fd
connect fd sockaddr:2 int
accept fd >sockaddr*:2 >len* =fd
sendto fd data:2 size msg sockaddr:5 uint
recvfrom fd >data:ret size msg >sockaddr*:5 >len*
sendmsg fd msghdr msg
recvmsg fd >msghdr msg
shutdown fd shutdown
bind fd sockaddr:2 int
listen fd int
getsockname fd >sockaddr*:2 >len*
getpeername fd >sockaddr*:2 >len*
socketpair family socktype protocol >fds
setsockopt fd level sockopt:1 optval:4 int
getsockopt fd level sockopt:1 >optval*:4 >len*
clone clone_stack clone_flags >clone_parent?0&CLONE_PARENT_SETTID,CLONE_PIDFD >clone_tls?0&CLONE_SETTLS >clone_child?0&CLONE_CHILD_SETTID,CLONE_CHILD_CLEARTID
fork
vfork
execve path argv envp
exit int
wait4 int >wstatus wait >rusage
kill int sig
uname >utsname
semget hex int hex
semop int ptr uint
semctl int int hex hex
shmdt ptr
msgget hex hex
msgsnd int ptr size hex
msgrcv int ptr size long hex
msgctl int ipc ptr
@1 fcntl
fcntl fd fcntl hex
fcntl.F_DUPFD fd fcntl int =fd
fcntl.F_DUPFD_CLOEXEC fd fcntl int =fd
fcntl.F_GETFD fd fcntl =getfd
fcntl.F_SETFD fd fcntl fdflags
fcntl.F_GETFL fd fcntl =getfl
fcntl.F_SETFL fd fcntl open
fcntl.F_GETLK fd fcntl >flockp
fcntl.F_SETLK fd fcntl flockp
fcntl.F_SETLKW fd fcntl flockp
fcntl.F_OFD_GETLK fd fcntl >flockp
fcntl.F_OFD_SETLK fd fcntl flockp
fcntl.F_OFD_SETLKW fd fcntl flockp
fcntl.F_SETOWN fd fcntl int
fcntl.F_GETOWN fd fcntl
fcntl.F_SETSIG fd fcntl sig
fcntl.F_GETSIG fd fcntl
fcntl.F_SETPIPE_SZ fd fcntl int
fcntl.F_GETPIPE_SZ fd fcntl
fcntl.F_ADD_SEALS fd fcntl seals
fcntl.F_GET_SEALS fd fcntl
flock fd flock
fsync fd
fdatasync fd
truncate path long
ftruncate fd long
getdents fd >dirents uint
getcwd >name size
chdir path
fchdir fd
rename path path
mkdir path mode
rmdir path
creat path mode =fd
link path path
unlink path
symlink path path
readlink path >data:ret size
chmod path mode
fchmod fd mode
chown path int int
fchown fd int int
lchown path int int
umask mode =mode
gettimeofday >timeval ptr
getrlimit rlimit >limits
getrusage usage >rusage
sysinfo >sysinfo
times >tms =long
ptrace ptrace int ptr ptr
getuid
syslog int ptr int
getgid
setuid int
setgid int
geteuid
getegid
setpgid int int
getppid
getpgrp
setsid
setreuid int int
setregid int int
getgroups int ptr
setgroups int ptr
setresuid int int int
getresuid >int* >int* >int*
setresgid int int int
getresgid >int* >int* >int*
getpgid int
setfsuid int
setfsgid int
getsid int
capget ptr ptr
capset ptr ptr
rt_sigpending >sigset:1 size
rt_sigtimedwait sigset:3 >siginfo timespec size
rt_sigqueueinfo int sig siginfo
rt_sigsuspend sigset:1 size
sigaltstack stack >stack
utime path ptr
mknod path mode hex
personality personality =personality
ustat hex ptr
statfs path >statfs
fstatfs fd >statfs
getpriority priority int
setpriority priority int int
sched_setparam int int*
sched_getparam int >int*
sched_setscheduler int sched int*
sched_getscheduler int
sched_get_priority_max sched
sched_get_priority_min sched
sched_rr_get_interval int >timespec
mlock ptr size
munlock ptr size
mlockall mlockall
munlockall
vhangup
pivot_root path path
@0 prctl
prctl prctl hex hex hex hex
prctl.PR_SET_NAME prctl path
prctl.PR_GET_NAME prctl >name
prctl.PR_SET_PDEATHSIG prctl sig
prctl.PR_GET_DUMPABLE prctl
prctl.PR_SET_DUMPABLE prctl int
prctl.PR_SET_CHILD_SUBREAPER prctl int
prctl.PR_SET_VMA prctl prctl_vma ptr size path
prctl.PR_CAPBSET_READ prctl int
@0 arch_prctl
arch_prctl arch_prctl hex
arch_prctl.ARCH_GET_FS arch_prctl >ptr*
arch_prctl.ARCH_GET_GS arch_prctl >ptr*
adjtimex ptr
setrlimit rlimit limits
chroot path
sync
acct path
settimeofday timeval ptr
mount path path path mount ptr
umount2 path umount
swapon path hex
swapoff path
reboot hex hex hex ptr
sethostname data:1 size
setdomainname data:1 size
init_module ptr size path
delete_module path hex
quotactl hex path int ptr
gettid
readahead fd long size
setxattr path path data:3 size xattr
lsetxattr path path data:3 size xattr
fsetxattr fd path data:3 size xattr
getxattr path path >data:ret size
lgetxattr path path >data:ret size
fgetxattr fd path >data:ret size
listxattr path >data:ret size
llistxattr path >data:ret size
flistxattr fd >data:ret size
removexattr path path
lremovexattr path path
fremovexattr fd path
tkill int sig
time >long* =long
@1 futex
futex ptr futex uint hex hex hex
futex.FUTEX_WAIT ptr futex uint timespec
futex.FUTEX_WAKE ptr futex uint
futex.FUTEX_REQUEUE ptr futex uint uint ptr
futex.FUTEX_CMP_REQUEUE ptr futex uint uint ptr uint
futex.FUTEX_WAKE_OP ptr futex uint uint ptr futex_op
futex.FUTEX_LOCK_PI ptr futex - timespec
futex.FUTEX_UNLOCK_PI ptr futex
futex.FUTEX_TRYLOCK_PI ptr futex
futex.FUTEX_WAIT_BITSET ptr futex uint timespec - futex_bits
futex.FUTEX_WAKE_BITSET ptr futex uint - - futex_bits
sched_setaffinity int size cpus:1
sched_getaffinity int size >cpus:ret
io_setup uint ptr
io_destroy hex
io_getevents hex long long ptr timespec
io_submit hex long ptr
io_cancel hex ptr ptr
epoll_create int =fd
getdents64 fd >dirents uint
set_tid_address ptr
restart_syscall
semtimedop int ptr uint timespec
fadvise64 fd long size fadvise
timer_create clock ptr >int*
timer_settime int settime itimerspec >itimerspec
timer_gettime int >itimerspec
timer_getoverrun int
timer_delete int
clock_settime clock timespec
clock_gettime clock >timespec
clock_getres clock >timespec
clock_nanosleep clock abstime timespec >rem
exit_group int
epoll_wait fd >epoll_events:ret int int
epoll_ctl fd epoll_ctl fd epoll_event
tgkill int int sig
utimes path timeval2
mbind ptr size hex ptr size hex
set_mempolicy hex ptr size
get_mempolicy ptr ptr size ptr hex
mq_open path open mode?1&O_CREAT ptr =fd
mq_unlink path
mq_timedsend fd data:2 size uint timespec
mq_timedreceive fd >data:ret size >int* timespec
waitid idtype int >siginfo wait >rusage
ioprio_set int int hex
ioprio_get int int
inotify_init =fd
inotify_add_watch fd path inotify_mask
inotify_rm_watch fd int
openat dirfd path open mode?2&O_CREAT,O_TMPFILE =fd
mkdirat dirfd path mode
mknodat dirfd path mode hex
fchownat dirfd path int int at
futimesat dirfd path timeval2
newfstatat dirfd path >stat at
unlinkat dirfd path at
renameat dirfd path dirfd path
linkat dirfd path dirfd path at
symlinkat path dirfd path
readlinkat dirfd path >data:ret size
fchmodat dirfd path mode
faccessat dirfd path access
pselect6 int fdset:0 fdset:0 fdset:0 timespec sigset_arg =select
ppoll pollfds:1 uint timespec sigset:4 size =poll
unshare clone
set_robust_list ptr size
get_robust_list int >ptr* >long*
splice fd long* fd long* size splice
tee fd fd size splice
sync_file_range fd long long hex
vmsplice fd iovec:2 uint splice
move_pages int size ptr ptr ptr hex
utimensat dirfd path timespec2 at
epoll_pwait fd >epoll_events:ret int int sigset:5 size
signalfd fd sigset:2 size =fd
timerfd_create clock timerfd =fd
eventfd uint =fd
fallocate fd fallocate long long
timerfd_settime fd settime itimerspec >itimerspec
timerfd_gettime fd >itimerspec
accept4 fd >sockaddr*:2 >len* sockflag =fd
signalfd4 fd sigset:2 size signalfd =fd
eventfd2 uint eventfd =fd
epoll_create1 epoll_flags =fd
dup3 fd fd oflags =fd
pipe2 >fds oflags
inotify_init1 inotify =fd
preadv fd >iovec:2 uint long
pwritev fd iovec:2 uint long
rt_tgsigqueueinfo int int sig siginfo
perf_event_open ptr int int fd hex =fd
recvmmsg fd ptr uint msg timespec
fanotify_init hex hex =fd
fanotify_mark fd hex hex dirfd path
prlimit64 int rlimit limits >limits
name_to_handle_at dirfd path ptr ptr at
open_by_handle_at fd ptr open =fd
clock_adjtime clock ptr
syncfs fd
sendmmsg fd ptr uint msg
setns fd clone
getcpu >int* >int* ptr
process_vm_readv int ptr size ptr size hex
process_vm_writev int ptr size ptr size hex
kcmp int int int hex hex
finit_module fd path hex
sched_setattr int ptr hex
sched_getattr int ptr size hex
renameat2 dirfd path dirfd path rename
seccomp seccomp hex ptr
getrandom >bytes:ret size random
memfd_create path memfd =fd
kexec_file_load fd fd size path hex
bpf int ptr size
execveat dirfd path argv envp at
userfaultfd oflags =fd
membarrier membarrier hex
mlock2 ptr size hex
copy_file_range fd long* fd long* size hex
preadv2 fd >iovec:2 uint long long rwf
pwritev2 fd iovec:2 uint long long rwf
pkey_mprotect ptr size prot int
pkey_alloc hex hex
pkey_free int
statx dirfd path statx_flags statx >statxp
io_pgetevents hex long long ptr timespec ptr
rseq ptr hex hex hex
pidfd_send_signal fd sig siginfo hex
io_uring_setup uint ptr =fd
io_uring_enter fd uint uint hex ptr size
io_uring_register fd hex ptr uint
open_tree dirfd path hex =fd
move_mount dirfd path dirfd path hex
fsopen path hex =fd
fsconfig fd hex path ptr int
fsmount fd hex hex =fd
fspick dirfd path hex =fd
pidfd_open int hex =fd
clone3 clone3 size
close_range uint uint hex
openat2 dirfd path open_how size =fd
pidfd_getfd fd int hex =fd
faccessat2 dirfd path access eaccess
process_madvise fd iovec:2 size madvise hex
epoll_pwait2 fd >epoll_events:ret int timespec sigset:5 size
mount_setattr dirfd path at ptr size
memfd_secret hex =fd
process_mrelease fd hex
futex_waitv ptr uint hex timespec clock
set_mempolicy_home_node ptr size hex hex
cachestat fd ptr ptr hex
fchmodat2 dirfd path mode at
map_shadow_stack ptr size hex =ptr
futex_wake ptr hex int hex
futex_wait ptr hex hex hex timespec clock
mseal ptr size hex
`

// A parameter is an argument of a system call, or what it returns.
type parameter struct {
	kind  string
	show  func(c *call, v uint64, arg int) // nil for
	set   *set
	arg   int      // its parameter: the number of an argument, or returned
	out   bool     // the kernel fills it in
	if1   int      // an argument that has to have
	flags []uint64 // all bits of one of these; nil if it is always there
}

// returned is the parameter "ret" of a kind: what the call returns.
const returned = -1

// A signature is what a system call takes and returns.
type signature struct {
	params []parameter
	ret    string // its kind
	by     int    // the argument that its variants depend on
	of     map[string]*signature
}

// signatures are those of signatureLines by name.
var signatures = sync.OnceValue(func() map[string]*signature {
	all := make(map[string]*signature)
	variants := make(map[string]int)
	for line := range strings.SplitSeq(strings.TrimSpace(signatureLines), "\n") {
		words := strings.Fields(line)
		if by, ok := strings.CutPrefix(words[0], "@"); ok {
			variants[words[1]] = int(by[0] - '0')
			continue
		}
		s := &signature{ret: "long"}
		for _, word := range words[1:] {
			if ret, ok := strings.CutPrefix(word, "="); ok {
				s.ret = ret
				continue
			}
			s.params = append(s.params, parseParameter(word))
		}
		name, variant, ok := strings.Cut(words[0], ".")
		if ok {
			all[name].of[variant] = s
			continue
		}
		if by, ok := variants[name]; ok {
			s.by, s.of = by, make(map[string]*signature)
		}
		all[name] = s
	}
	return all
})

func parseParameter(word string) (p parameter) {
	word, condition, _ := strings.Cut(word, "?")
	word, p.out = strings.CutPrefix(word, ">")
	var arg string
	p.kind, arg, _ = strings.Cut(word, ":")
	p.show, p.set = kinds[p.kind], setOf(p.kind)
	switch arg {
	case "":
	case "ret":
		p.arg = returned
	default:
		p.arg = int(arg[0] - '0')
	}
	if condition != "" {
		p.if1 = int(condition[0] - '0')
		for flag := range strings.SplitSeq(condition[2:], ",") {
			p.flags = append(p.flags, constants[flag])
		}
	}
	return p
}
