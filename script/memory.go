package script

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
)

// This file bounds the memory of scripts. The heap is one for the whole process, so the
// limit is on that. It is looked at beside the script, by what the runtime counts anyway:
// nothing is stopped and nothing collected for it.

// memoryPoll is how often the heap is looked at.
const memoryPoll = 5 * time.Millisecond

// heap returns the size of the heap in bytes: with what is garbage by now, and what was
// none when it was last collected.
func heap() (all, live uint64) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}

// watchMemory ends r if the heap grows over the limit, until done is closed. What is not
// garbage is known of the last collection only, which the runtime makes whenever the heap
// has doubled; so it is over the limit too at twice the size. An operation of the
// interpreter, or a builtin, cannot be ended: beyond three times the limit Stuck is called.
func (s *Session) watchMemory(r *run, done <-chan struct{}) {
	limit := s.opts.Memory
	ticker := time.NewTicker(memoryPoll)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		all, live := heap()
		if live <= limit && all <= 2*limit {
			continue
		}
		cause := fmt.Errorf("script takes %d MiB of memory, the limit of --memory is %d MiB", max(live, all/2)>>20, limit>>20)
		s.fail(r, cause)
		if all > 3*limit && s.opts.Stuck != nil {
			s.opts.Stuck(cause)
			return
		}
	}
}

// tidy makes what earlier runs have left count no more for the one that begins.
func (s *Session) tidy() {
	if all, live := heap(); max(all, live) > s.opts.Memory/2 {
		runtime.GC()
	}
}
