package bridge

import (
	"errors"
	"fmt"
	"strings"
)

const subjectPrefix = "presence.v1."

// App names one app at the vendor, and so its place among the subjects. An app that is reached by its app id
// (/app-id/{id}) is App{"app-id", id}: both kinds are two path segments there, and two tokens here.
type App struct{ Org, Name string }

// Validate says whether the app can be a place among the subjects.
func (a App) Validate() error {
	if a.Org == "" || a.Name == "" {
		return errors.New("an app needs both its org and its name")
	}
	return nil
}

// String is the app as the vendor writes it, org#app.
func (a App) String() string { return a.Org + "#" + a.Name }

// Tokens is the app's part of a subject: <org>.<app>.
func (a App) Tokens() string { return EncodeToken(a.Org) + "." + EncodeToken(a.Name) }

// Subject is where the changes of a user are published: presence.v1.<org>.<app>.<uid>.
func (a App) Subject(uid UID) string {
	return a.subjectsBegin() + EncodeToken(string(uid))
}

// subjectsBegin is what the subject of every user of the app begins with.
func (a App) subjectsBegin() string { return subjectPrefix + a.Tokens() + "." }

// Subjects matches the subject of every user of the app.
func (a App) Subjects() string { return subjectPrefix + a.Tokens() + ".*" }

// FeedSubject carries the health of the feed, once a second, see [Feed].
func (a App) FeedSubject() string { return "presence.feed.v1." + a.Tokens() }

// HintSubject carries reasons to look at somebody now, see [Hint].
func (a App) HintSubject() string { return "presence.hint.v1." + a.Tokens() }

// UIDOf reads the user back out of a subject that [App.Subject] made.
func (a App) UIDOf(subject string) (UID, error) {
	token, ok := strings.CutPrefix(subject, a.subjectsBegin())
	if !ok {
		return "", fmt.Errorf("subject %q is not of app %s", subject, a)
	}
	return uidFromToken(token)
}

func uidFromToken(token string) (UID, error) {
	name, err := DecodeToken(token)
	if err != nil {
		return "", err
	}
	uid, err := ParseUID(name)
	if err == nil && string(uid) != name {
		err = fmt.Errorf("%w: %q is not lower case", ErrUID, name)
	}
	return uid, err
}
