package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// handedOver is the address of a socket that systemd holds and hands over, LISTEN=systemd. It outlives the process, so
// whoever comes when one process has ended and the next has not begun waits a moment. While the first drains it says 503.
const handedOver = "systemd"

// firstHanded is the file descriptor of the first socket that is handed over (sd_listen_fds(3)).
const firstHanded = 3

// inherit takes the one socket that was handed over to this process.
func (e environment) inherit() (net.Listener, error) {
	if e["LISTEN_PID"] != strconv.Itoa(os.Getpid()) {
		return nil, fmt.Errorf("no socket was handed over to this process (LISTEN_PID is %q): a .socket unit hands it over", e["LISTEN_PID"])
	}
	if n := e["LISTEN_FDS"]; n != "1" {
		return nil, fmt.Errorf("LISTEN_FDS is %q: want one socket, which is the public listener", n)
	}
	file := os.NewFile(firstHanded, "LISTEN")
	defer func() { _ = file.Close() }() // the listener has a copy
	return net.FileListener(file)
}
