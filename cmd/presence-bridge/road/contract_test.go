package road

import (
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/hub/contract/contracttest"
)

// spoken is what is said on the road is held against.
var spoken = sync.OnceValues(func() (*contracttest.Contract, error) {
	return contracttest.Parse(hub.OpenAPI("road"), hub.AsyncAPI("road"))
})

// conforms may be called from any goroutine.
func (r *road) conforms(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Errorf("not as documented: %v", err)
	}
}

// listens holds all that is published at NATS from here on against the document. The returned function says that there was
// something of each kind.
func (r *road) listens() (requireHeard func()) {
	r.t.Helper()
	contract, err := spoken()
	require.NoError(r.t, err)
	nc, err := r.nats.Connect(nil)
	require.NoError(r.t, err)
	r.t.Cleanup(nc.Close)
	var changes, feeds atomic.Int64
	for subject, count := range map[string]*atomic.Int64{app.Subjects(): &changes, app.FeedSubject(): &feeds} {
		_, err = nc.Subscribe(subject, func(m *nats.Msg) {
			count.Add(1)
			r.conforms(contract.Published(m.Subject, m.Header, m.Data))
		})
		require.NoError(r.t, err)
	}
	require.NoError(r.t, nc.Flush())
	return func() {
		r.t.Helper()
		require.Positive(r.t, changes.Load())
		require.Positive(r.t, feeds.Load())
		r.t.Logf("%d changes and %d words on the feed were as documented", changes.Load(), feeds.Load())
	}
}
