//go:build !(linux && amd64)

package main

// The build stops here, and the compiler's message says why.
func main() { tracelark_needs_Linux_on_x86_64() }
