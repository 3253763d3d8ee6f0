package road

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJavaScript runs the tests of the browser client and the page's own logic.
func TestJavaScript(t *testing.T) {
	c := exec.Command(program(t, "node"), "--test", "web/")
	c.Dir = root
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Regexp(t, `(?m)^# pass [1-9]`, string(out))
}
