package bridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSubjects(t *testing.T) {
	app := App{Org: "easemob-demo", Name: "chat.demo"}
	require.NoError(t, app.Validate())
	require.Equal(t, "presence.v1.easemob-demo.chat=2Edemo.alice=2Eb", app.Subject("alice.b"))
	require.Equal(t, "presence.v1.easemob-demo.chat=2Edemo.*", app.Subjects())
	require.Equal(t, "presence.feed.v1.easemob-demo.chat=2Edemo", app.FeedSubject())
	require.Equal(t, "presence.hint.v1.easemob-demo.chat=2Edemo", app.HintSubject())
	require.Equal(t, "easemob-demo#chat.demo", app.String())
	require.Error(t, App{Org: "x"}.Validate())
	require.Error(t, App{Name: "x"}.Validate())
}

func TestOnlyOurOwnSubjectsNameUsers(t *testing.T) {
	for _, subject := range []string{
		"", "presence.v1.demo.presence", "presence.v1.demo.presence.", "presence.v1.demo.other.a", "presence.v1.demo.presence.a.b",
		"presence.v1.demo.presence.Alice", "presence.v1.demo.presence.=61", "presence.v1.demo.presence.=20", "presence.v2.demo.presence.a",
	} {
		_, err := demoApp.UIDOf(subject)
		require.Error(t, err, subject)
	}
}

func FuzzUIDOf(f *testing.F) {
	f.Add("presence.v1.demo.presence.a=2Eb")
	f.Add("presence.v1.demo.presence.A")
	f.Fuzz(func(t *testing.T, subject string) {
		if uid, err := demoApp.UIDOf(subject); err == nil {
			require.Equal(t, subject, demoApp.Subject(uid), "one user has one subject")
		}
	})
}
