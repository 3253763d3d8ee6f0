package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	asked, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	// Who asks twice does not want to wait: the second signal kills, from before anything says that it is stopping.
	context.AfterFunc(asked, func() { stop(); cancel() })
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
