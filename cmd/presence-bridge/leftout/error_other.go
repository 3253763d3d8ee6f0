//go:build !linux

package leftout

import (
	"errors"
	"os"
)

func errorOf(int) (*os.File, error) { return nil, errors.ErrUnsupported }
