//go:build race

package hub

const raced = true // frames on the stack are larger
