//go:build linux && amd64

package tracer

import "io"

// Dump writes n bytes of memory from addr on to w, as ReadAt reads them. It returns
// how many it has written; where that is less than n, the error says why.
// Interrupt ends it with ErrInterrupted.
func (x *target) Dump(w io.Writer, addr, n uint64) (done uint64, err error) {
	const piece = 256 << 10
	buf := make([]byte, min(n, piece))
	for done < n {
		if x.tr.interrupted() {
			return done, &Error{Op: "dump", TID: x.of.id(), Addr: addr + done, At: true, Err: ErrInterrupted}
		}
		got, err := x.of.ReadAt(addr+done, buf[:min(n-done, piece)])
		written, werr := w.Write(buf[:got])
		done += uint64(written)
		if werr != nil {
			return done, werr
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
