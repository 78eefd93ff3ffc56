package image

// Size returns the size of the file in bytes.
func (f *File) Size() uint64 { return f.size }

// ReadAt implements io.ReaderAt: it reads the file's bytes. A file that was
// written to since it was opened is an error.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.r.ReadAt(p, off) }
