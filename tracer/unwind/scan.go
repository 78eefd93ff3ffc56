package unwind

// maxScan limits how far up the stack a return address is looked for, in bytes.
const maxScan = 32 << 10

// byScan finds the caller of f, which nothing else could because of err, as the
// next word on the stack that may be a return address. It may be one left by a call
// that is over. f's own frame ends below it.
func (u *unwinder) byScan(f, caller *Frame, err error) (bool, error) {
	start := (f.SP + 7) &^ 7
	for slot := start; slot-start < maxScan; slot += 8 {
		if _, readErr := u.mem.word(slot); readErr != nil {
			break
		}
		if !u.returns(slot) {
			continue
		}
		if more, popErr := u.pop(f, caller, slot, Guess, volatile|preserved); popErr == nil {
			return more, nil
		}
	}
	f.CFA = 0
	return false, err
}
