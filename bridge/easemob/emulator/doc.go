// Package emulator is Easemob's (and Agora Chat's) presence REST API as a real server, in memory.
package emulator
