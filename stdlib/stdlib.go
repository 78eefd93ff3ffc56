// Package stdlib carries the Starlark modules that come with tracelark. A script
// loads them by names such as "std/crash.star".
package stdlib

import "embed"

// FS holds the modules by file name, without "std/".
//
//go:embed *.star
var FS embed.FS
