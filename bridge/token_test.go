package bridge

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokens(t *testing.T) {
	for name, token := range map[string]string{
		"alice": "alice", "A-Z_9": "A-Z_9", "a.b": "a=2Eb", "a b*>": "a=20b=2A=3E", "é": "=C3=A9", "=": "=3D", "\x00": "=00",
	} {
		require.Equal(t, token, EncodeToken(name))
		back, err := DecodeToken(token)
		require.NoError(t, err)
		require.Equal(t, name, back)
	}
	for token, why := range map[string]string{
		"": "empty", "a.b": "at 1", "=2e": "upper-case", "=2": "want A-Z", "=": "want A-Z", "=ZZ": "hex", "=61": "stands for itself", "é": "at 0",
	} {
		_, err := DecodeToken(token)
		require.ErrorContains(t, err, why, token)
	}
}

var legal = regexp.MustCompile(`^[-_=a-zA-Z0-9]+$`) // in a subject's token and in a KV key alike

func FuzzToken(f *testing.F) {
	for _, s := range []string{"alice", "a.b", "=2E", "é", "\xff\x00", "=61"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s != "" {
			token := EncodeToken(s)
			require.Regexp(t, legal, token)
			back, err := DecodeToken(token)
			require.NoError(t, err)
			require.Equal(t, s, back, "reversible")
		}
		if name, err := DecodeToken(s); err == nil {
			require.Equal(t, s, EncodeToken(name), "one name has one token")
		}
	})
}

func BenchmarkEncodeToken(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		EncodeToken("alice.liddell_1865")
	}
}
