package script

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// maxTail bounds what is kept of a worker's standard error, in bytes.
const maxTail = 64 << 10

// memoryEach is how often the memory of a worker is looked at.
const memoryEach = 100 * time.Millisecond

// A worker is the batch's side of a worker process.
type worker struct {
	b       *Batch
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies chan []*batchReply // that came together; closed when the worker has ended
	came    []*batchReply      // of them, those that nobody has looked at
	sent    []*batchCase       // that it has not answered, the oldest first
	noise   *os.File           // what it and its targets print
	over    bool               // it takes no more cases

	mu   sync.Mutex
	tail []byte // of noise
}

// start starts a worker and waits until it is ready. If it does not get so far, the
// reply says why; both are nil if the run is over.
func (b *Batch) start() (*worker, *batchReply) {
	w, err := b.spawn()
	if err != nil {
		return nil, &batchReply{Error: "start a worker: " + err.Error()}
	}
	if err := json.NewEncoder(w.in).Encode(&b.job); err != nil {
		w.kill()
		return nil, &batchReply{Error: "start a worker: " + w.death("it does not listen").Error}
	}
	reply := w.await(nil)
	if reply == nil || reply.Error != "" {
		if !w.over {
			w.end()
		}
		return nil, reply
	}
	b.mu.Lock()
	b.ready = true
	b.mu.Unlock()
	return w, nil
}

// spawn starts the process. It has a session of its own: no terminal to change, and
// no signals that are meant for others.
func (b *Batch) spawn() (*worker, error) {
	if len(b.opts.Worker) == 0 {
		return nil, errors.New("no command is given for it")
	}
	cmd := exec.Command(b.opts.Worker[0], b.opts.Worker[1:]...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	var pipes [4]*os.File
	for i := 0; i < len(pipes); i += 2 {
		if pipes[i], pipes[i+1], err = os.Pipe(); err != nil {
			return nil, err
		}
		defer pipes[i+1].Close()
	}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = pipes[3], pipes[3], []*os.File{pipes[1]}
	if err := cmd.Start(); err != nil {
		pipes[0].Close()
		pipes[2].Close()
		return nil, err
	}
	w := &worker{b: b, cmd: cmd, in: in, replies: make(chan []*batchReply), noise: pipes[2]}
	go w.listen(pipes[0])
	go w.drain()
	return w, nil
}

// listen takes in what the worker answers, until it ends.
func (w *worker) listen(f *os.File) {
	defer f.Close()
	defer close(w.replies)
	r := bufio.NewReaderSize(f, 1<<16)
	for {
		var came []*batchReply
		for len(came) == 0 || r.Buffered() > 0 {
			reply, err := readReply(r)
			if err != nil {
				return
			}
			came = append(came, reply)
		}
		w.replies <- came
	}
}

// drain takes in what the worker and its targets print.
func (w *worker) drain() {
	buf := make([]byte, 1<<15)
	for {
		n, err := w.noise.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.tail = append(w.tail, buf[:n]...)
		w.tail = w.tail[max(0, len(w.tail)-maxTail):]
		w.mu.Unlock()
		if w.b.opts.Targets != nil {
			w.b.opts.Targets.Write([]byte(builtins.Escape(string(buf[:n]), false)))
		}
	}
}

// send gives the worker cases. One that has died says so when it is asked to answer.
func (w *worker) send(cases ...*batchCase) {
	var text bytes.Buffer
	for _, c := range cases {
		json.NewEncoder(&text).Encode(c)
	}
	w.sent = append(w.sent, cases...)
	if text.Len() > 0 {
		w.in.Write(text.Bytes())
	}
}

// answered reports whether look need not wait.
func (w *worker) answered() bool { return len(w.came) > 0 }

// look returns what the worker answers about the oldest case that it was sent. It
// returns nil if the run is over.
func (w *worker) look() *batchReply {
	c := w.sent[0]
	w.sent = w.sent[1:]
	return w.await(c)
}

// await returns what the worker answers about a case, or, without one, about its start.
func (w *worker) await(c *batchCase) *batchReply {
	var limit, memory <-chan time.Time
	what := "the case has ended its worker"
	if c == nil {
		what = "the worker ended before it was ready"
	}
	for {
		for len(w.came) > 0 {
			reply := w.came[0]
			w.came = w.came[1:]
			if reply.Print != "" {
				w.b.print(c, reply.Print)
				continue
			}
			if reply.Last {
				w.end()
			}
			return reply
		}
		if memory == nil {
			if w.b.opts.Timeout > 0 {
				timer := time.NewTimer(w.b.opts.Timeout + batchPatience)
				defer timer.Stop()
				limit = timer.C
			}
			ticker := time.NewTicker(memoryEach)
			defer ticker.Stop()
			memory = ticker.C
		}
		select {
		case came, ok := <-w.replies:
			if !ok {
				w.kill()
				return w.death(what)
			}
			w.came = came
		case <-limit:
			w.kill()
			return &batchReply{lost: true, Error: fmt.Sprintf("the case ran for %v, the limit of --timeout, and its worker did not end it", w.b.opts.Timeout)}
		case <-memory:
			if size, err := procfs.Resident(w.cmd.Process.Pid); err == nil && w.b.opts.Memory > 0 && size > w.b.opts.Memory {
				w.kill()
				return &batchReply{lost: true, Error: fmt.Sprintf("the worker took more than %d MB of memory, the limit of --memory", w.b.opts.Memory>>20)}
			}
		case <-w.b.quit:
			w.end()
			return nil
		}
	}
}

// end lets the worker end: it finds that there are no more cases, lets its targets go
// and exits.
func (w *worker) end() {
	w.in.Close()
	patience := time.NewTimer(2 * batchPatience)
	defer patience.Stop()
	for {
		select {
		case _, ok := <-w.replies:
			if ok {
				continue
			}
		case <-patience.C:
		}
		w.kill()
		return
	}
}

// kill ends the worker at once, with those of its targets that are in its group.
func (w *worker) kill() {
	if w.over {
		return
	}
	w.over = true
	w.in.Close()
	// Before it was waited for, its ID stands for nothing else.
	unix.Kill(-w.cmd.Process.Pid, unix.SIGKILL)
	w.cmd.Process.Kill()
	for range w.replies { // until the last of those that have its descriptor is gone
	}
	w.cmd.Wait()
	w.noise.SetReadDeadline(time.Now())
	w.noise.Close()
	// One that was killed leaves its folders behind.
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), builtins.TempPrefix(w.cmd.Process.Pid)+"*"))
	for _, dir := range dirs {
		os.RemoveAll(dir)
	}
}

// death returns the reply for a worker that has ended: what it was about, and how.
func (w *worker) death(what string) *batchReply {
	text := what + ": " + w.cmd.ProcessState.String()
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range lines(string(w.tail)) {
		if strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "tracelark: ") {
			text += ": " + line
			break
		}
	}
	return &batchReply{lost: true, Error: builtins.Escape(text, false)}
}

// lines returns the lines of a text, without their ends.
func lines(text string) iter.Seq[string] {
	return strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n")
}
