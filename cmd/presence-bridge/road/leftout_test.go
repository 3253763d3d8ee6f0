package road

import "github.com/presence-bridge/presence-bridge/cmd/presence-bridge/leftout"

var (
	program  = leftout.Program
	leaveOut = leftout.Test
	without  = leftout.Part
)
