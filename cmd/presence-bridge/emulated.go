package main

import (
	"fmt"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// What an emulator is called and takes unless it is told otherwise.
const (
	emulatedClientID     = "id"
	emulatedClientSecret = "secret"
	emulatedOperator     = "svc-1"
	defaultPeople        = 200
)

var emulatedApp = bridge.App{Org: "demo", Name: "presence"}

// emulatedPeople is the range of the first n people of an emulator.
func emulatedPeople(n int) string { return fmt.Sprintf("user-0001..user-%04d", n) }
