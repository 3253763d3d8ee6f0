package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The names that backends and operators find at NATS.
const (
	StreamName          = "PRESENCE"
	StreamSubjects      = subjectPrefix + ">"
	WatchBucket         = "presence_watch"
	HoldersBucket       = "presence_holders"
	SubscriptionsBucket = "presence_subscriptions"
	RolesBucket         = "presence_roles"
)

// MessagesPerUser is how much of a user's history the stream keeps.
const MessagesPerUser = 8

// markersFor is how long the mark of a deleted key stays for those who follow a bucket.
const markersFor = 10 * time.Minute

// Settings are what a deployment chooses of the stream and the buckets. The zero value is one copy on disk.
type Settings struct {
	Replicas  int           // copies in a cluster; 1
	InMemory  bool          // keep nothing on disk, for demo and tests
	HolderTTL time.Duration // how long a holder that says nothing still counts; 30 s
	RoleTTL   time.Duration // how long a role of a holder that says nothing is kept; 10 s
}

func (s Settings) withDefaults() Settings {
	s.Replicas = max(s.Replicas, 1)
	if s.HolderTTL == 0 {
		s.HolderTTL = 30 * time.Second
	}
	if s.RoleTTL == 0 {
		s.RoleTTL = 10 * time.Second
	}
	return s
}

func (s Settings) storage() jetstream.StorageType {
	if s.InMemory {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}

func (s Settings) stream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              StreamName,
		Description:       "presence changes, one subject a user; the last message is the user's state",
		Subjects:          []string{StreamSubjects},
		Storage:           s.storage(),
		Replicas:          s.Replicas,
		MaxMsgsPerSubject: MessagesPerUser,
		AllowDirect:       true,
	}
}

func (s Settings) watchBucket() jetstream.KeyValueConfig {
	return s.bucket(WatchBucket, "who watches whom: <holder>.<uid>", 0)
}

func (s Settings) holdersBucket() jetstream.KeyValueConfig {
	return s.bucket(HoldersBucket, "who is there to watch: <holder>", s.HolderTTL)
}

func (s Settings) subscriptionsBucket() jetstream.KeyValueConfig {
	return s.bucket(SubscriptionsBucket, "which operator subscribes whom at the vendor, until when", 0)
}

func (s Settings) rolesBucket() jetstream.KeyValueConfig {
	return s.bucket(RolesBucket, "which process is the active poller, and the active keeper", s.RoleTTL)
}

func (s Settings) leasesBucket() jetstream.KeyValueConfig {
	return s.bucket(LeasesBucket, "whom backends want watched, until when: <holder>.<uid>", 0)
}

func (s Settings) learnedBucket() jetstream.KeyValueConfig {
	return s.bucket(LearnedBucket, "what pollers have learned of how people change", 0)
}

// bucket lets the marks of deleted keys vanish by themselves: browsers come and go for years, and a bucket
// that remembers each of them would only grow.
func (s Settings) bucket(name, description string, ttl time.Duration) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket:         name,
		Description:    description,
		TTL:            ttl,
		Storage:        s.storage(),
		Replicas:       s.Replicas,
		LimitMarkerTTL: markersFor,
	}
}

// checkStream tells everything of a stream made by somebody else that would break a promise.
func checkStream(c jetstream.StreamConfig) error {
	var wrong []error
	complain := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	complain(!slices.Contains(c.Subjects, StreamSubjects), "its subjects are %q, %q is missing (nats stream edit %s --subjects=%q)", c.Subjects, StreamSubjects, StreamName, StreamSubjects)
	complain(c.MaxMsgsPerSubject != MessagesPerUser, "it keeps %d messages a subject, want %d (nats stream edit %s --max-msgs-per-subject=%d)", c.MaxMsgsPerSubject, MessagesPerUser, StreamName, MessagesPerUser)
	complain(!c.AllowDirect, "direct get is off (nats stream edit %s --allow-direct)", StreamName)
	complain(c.MaxAge > 0, "it forgets messages after %s, and with them users (nats stream edit %s --max-age=0)", c.MaxAge, StreamName)
	complain(c.MaxMsgs > 0, "it forgets users beyond %d messages (nats stream edit %s --max-msgs=-1)", c.MaxMsgs, StreamName)
	complain(c.MaxBytes > 0, "it forgets users beyond %d bytes (nats stream edit %s --max-bytes=-1)", c.MaxBytes, StreamName)
	complain(c.MaxMsgSize > 0 && c.MaxMsgSize < maxChange, "it takes messages of %d bytes only (nats stream edit %s --max-msg-size=-1)", c.MaxMsgSize, StreamName)
	complain(c.Sealed || c.Mirror != nil || c.SubjectTransform != nil, "it is sealed, a mirror or transforms subjects: delete it and let the bridge make it anew")
	complain(c.Retention != jetstream.LimitsPolicy, "its retention is %s, want limits: delete it and let the bridge make it anew", c.Retention)
	complain(c.DiscardNewPerSubject, "it refuses what is new of a user whose history is full (nats stream edit %s --no-discard-per-subject --discard=old)", StreamName)
	complain(c.MaxConsumers > 0, "it has room for %d consumers, and each process needs one: delete it and let the bridge make it anew", c.MaxConsumers)
	complain(c.NoAck, "it acknowledges nothing (nats stream edit %s --ack)", StreamName)
	return errors.Join(wrong...)
}

// checkBucket tells what would break a promise: a holder or a role that never expires, or expires elsewhere,
// and a bucket that cannot let go of the marks of deleted keys, which would refuse every deletion.
func checkBucket(got jetstream.KeyValueStatus, want jetstream.KeyValueConfig) error {
	var wrong []error
	if got.TTL() != want.TTL {
		wrong = append(wrong, fmt.Errorf("its keys live for %s, want %s", got.TTL(), want.TTL))
	}
	if got.LimitMarkerTTL() <= 0 {
		wrong = append(wrong, errors.New("the marks of its deleted keys stay for ever"))
	}
	if s, ok := got.(*jetstream.KeyValueBucketStatus); ok {
		wrong = append(wrong, checkBeneath(s.StreamInfo().Config)...)
	}
	if len(wrong) > 0 {
		wrong = append(wrong, fmt.Errorf("delete it (nats kv del %s) and let the bridge make it anew", want.Bucket))
	}
	return errors.Join(wrong...)
}

// checkBeneath tells what of the stream beneath a bucket would lose keys, or take none.
func checkBeneath(c jetstream.StreamConfig) (wrong []error) {
	complain := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	own := "$KV." + strings.TrimPrefix(c.Name, "KV_") + ".>"
	complain(c.Sealed || c.Mirror != nil || c.SubjectTransform != nil, "it is sealed, a mirror or transforms its keys")
	complain(c.Mirror == nil && !slices.Contains(c.Subjects, own), "it takes %q, and not %q", c.Subjects, own)
	complain(c.Retention != jetstream.LimitsPolicy, "its retention is %s, want limits", c.Retention)
	complain(c.MaxMsgs > 0, "it has room for %d keys", c.MaxMsgs)
	complain(c.MaxBytes > 0, "it has room for %d bytes", c.MaxBytes)
	complain(c.MaxConsumers > 0, "it has room for %d consumers", c.MaxConsumers)
	complain(c.NoAck, "it acknowledges nothing")
	return wrong
}

// noBucket says what to do with a stream that has the name of a bucket and is none.
func noBucket(name string) error {
	return fmt.Errorf("it is no bucket: delete it (nats stream rm KV_%s) and let the bridge make it anew", name)
}
