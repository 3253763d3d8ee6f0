package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// tellStream says whether serve can work with the stream as it is, or make it.
func (l *line) tellStream(ctx context.Context, part bridge.Part) {
	switch {
	case !l.fit(ctx, "stream", part, part.Name):
	case part.Missing:
		l.fine("stream", "%s is not there yet: serve makes it", part.Name)
	default:
		l.fine("stream", "%s is as it must be", part.Name)
	}
}

// tellBuckets says the same of the buckets, in one line of all that are right, and one of all that serve makes.
func (l *line) tellBuckets(ctx context.Context, buckets []bridge.Part) {
	var right, made []string
	for _, b := range buckets {
		switch {
		case !l.fit(ctx, "buckets", b, "KV_"+b.Name):
		case b.Missing:
			made = append(made, b.Name)
		default:
			right = append(right, b.Name)
		}
	}
	if len(right) > 0 {
		l.fine("buckets", "as they must be: %s", strings.Join(right, ", "))
	}
	if len(made) > 0 {
		l.fine("buckets", "not there yet, serve makes them: %s", strings.Join(made, ", "))
	}
}

// fit says what keeps serve from working with a part, or from making it.
func (l *line) fit(ctx context.Context, check string, part bridge.Part, stream string) bool {
	switch {
	case part.Missing:
		return l.canMake(ctx, check, part.Name, stream)
	case len(part.Wrong) > 0:
		l.tellWrong(check, part)
	case part.Headless:
		l.fail(check, "start the servers of the cluster that are down: more than half have to run", "%s has no leader and takes nothing", part.Name)
	case len(part.Away) > 0:
		l.warn(check, "start them again, or look at their logs", "%s: copies are away or behind, at %s", part.Name, names(part.Away))
	default:
		return true
	}
	return false
}

// tellWrong names each deviation of the stream, which can be mended one by one. A bucket is made anew for all its
// own, which the last of them says.
func (l *line) tellWrong(check string, part bridge.Part) {
	if check == "stream" {
		for _, wrong := range part.Wrong {
			l.fail(check, "", "%s: %v", part.Name, wrong)
		}
		return
	}
	last := len(part.Wrong) - 1
	if last == 0 {
		l.fail(check, "", "%s: %v", part.Name, part.Wrong[0])
		return
	}
	words := make([]string, last)
	for i, wrong := range part.Wrong[:last] {
		words[i] = wrong.Error()
	}
	l.fail(check, part.Wrong[last].Error(), "%s: %s", part.Name, strings.Join(words, "; "))
}

func (l *line) canMake(ctx context.Context, check, name, stream string) bool {
	err := l.mayMake(ctx, stream)
	switch {
	case errors.Is(err, errDenied):
		l.fail(check, "permit this user to publish to $JS.API.STREAM.CREATE."+stream+", or let one who may run serve once",
			"%s is not there, and this user may not make it", name)
	case err != nil:
		l.warn(check, "try again", "%s is not there, and whether serve may make it was not to be found out: %v", name, err)
	}
	return err == nil
}

// tellReplicas says where there are fewer or more copies than NATS_REPLICAS asks for. It says nothing of one copy,
// the default, where nothing differs.
func (l *line) tellReplicas(parts []bridge.Part) {
	want := max(l.NATS.Settings.Replicas, 1)
	var other []string
	for _, p := range parts {
		if !p.Missing && p.Replicas != want {
			other = append(other, fmt.Sprintf("%s has %d", p.Name, p.Replicas))
		}
	}
	if want > 1 && l.nc.ConnectedClusterName() == "" {
		l.fail("replicas", "set NATS_REPLICAS=1, or NATS_URL to a cluster of "+fmt.Sprint(want), "NATS_REPLICAS is %d, and this server is alone", want)
		return
	}
	if len(other) > 0 {
		l.warn("replicas", fmt.Sprintf("nats stream edit PRESENCE --replicas=%d, and the same of KV_presence_...: serve leaves them as they are", want),
			"NATS_REPLICAS is %d: %s", want, names(other))
		return
	}
	if want > 1 {
		l.fine("replicas", "%d copies of each in cluster %s", want, l.nc.ConnectedClusterName())
	}
}
