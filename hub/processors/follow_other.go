//go:build !linux

package processors

import "context"

// Follow changes nothing until ctx is done, and returns nil.
func Follow(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
