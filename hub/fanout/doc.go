// Package fanout measures what it costs a hub to tell many clients of one change, beside what it costs anybody. It has
// nothing to import: it is tests and benchmarks, for Linux.
package fanout
