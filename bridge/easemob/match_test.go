package easemob

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	const (
		a, b, c  = `{"uid":"a","status":{"x":"1"}}`, `{"uid":"b","status":{"x":"2"}}`, `{"uid":"c","status":{"x":"3"}}`
		nameless = `{"uid":"","status":{"x":"9"}}`
	)
	for name, tt := range map[string]struct {
		entries string
		want    map[string]string // uid -> status of device x
		missing []string
	}{
		"in order":                     {a + "," + b + "," + c, devices{"a": "1", "b": "2", "c": "3"}, nil},
		"by uid, not position":         {c + "," + a + "," + b, devices{"a": "1", "b": "2", "c": "3"}, nil},
		"empty":                        {``, devices{}, []string{"a", "b", "c"}},
		"one lost":                     {a + "," + c, devices{"a": "1", "c": "3"}, []string{"b"}},
		"never asked for":              {a + "," + b + "," + c + `,{"uid":"d","status":{}}`, devices{"a": "1", "b": "2", "c": "3"}, nil},
		"never asked, not a stand-in":  {a + "," + b + `,{"uid":"d","status":{}}`, devices{"a": "1", "b": "2"}, []string{"c"}},
		"upper case":                   {a + "," + b + `,{"uid":"C","status":{"x":"3"}}`, devices{"a": "1", "b": "2", "c": "3"}, nil},
		"twice alike":                  {a + "," + a + "," + b + "," + c, devices{"a": "1", "b": "2", "c": "3"}, nil},
		"twice, in conflict":           {a + `,{"uid":"a","status":{"x":"0"}},` + b + "," + c, devices{"b": "2", "c": "3"}, []string{"a"}},
		"a third does not decide":      {a + `,{"uid":"a","status":{"x":"0"}},` + a + "," + b + "," + c, devices{"b": "2", "c": "3"}, []string{"a"}},
		"once good, once spoilt":       {a + `,{"uid":"a","status":1},` + b + "," + c, devices{"b": "2", "c": "3"}, []string{"a"}},
		"spoilt":                       {a + `,{"uid":"b","status":7},` + c, devices{"a": "1", "c": "3"}, []string{"b"}},
		"nameless, one lacking":        {nameless + "," + b + "," + c, devices{"a": "9", "b": "2", "c": "3"}, nil},
		"nameless, none lacking":       {a + "," + b + "," + c + "," + nameless, devices{"a": "1", "b": "2", "c": "3"}, nil},
		"nameless, two lacking":        {nameless + "," + c, devices{"c": "3"}, []string{"a", "b"}},
		"two nameless, one lacking":    {nameless + "," + nameless + "," + b + "," + c, devices{"b": "2", "c": "3"}, []string{"a"}},
		"two nameless, two lacking":    {nameless + "," + nameless + "," + c, devices{"c": "3"}, []string{"a", "b"}},
		"nameless and spoilt":          {`{"uid":"","status":1},` + b + "," + c, devices{"b": "2", "c": "3"}, []string{"a"}},
		"nameless beside a spoilt":     {nameless + `,{"uid":"a","status":1},` + b + "," + c, devices{"b": "2", "c": "3"}, []string{"a"}},
		"nameless beside unreadable":   {nameless + `,17,` + b + "," + c, devices{"b": "2", "c": "3"}, []string{"a"}},
		"nameless, conflict elsewhere": {nameless + `,{"uid":"b","status":{}},` + b + "," + c, devices{"c": "3"}, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := decodePresences([]byte("[" + tt.entries + "]"))
			require.NoError(t, err)
			got := match([]string{"a", "b", "c"}, entries)
			x := devices{}
			for uid, p := range got.Presences {
				assert.Equal(t, uid, p.UID)
				x[uid] = p.Status["x"]
			}
			assert.Equal(t, tt.want, x)
			assert.Equal(t, tt.missing, got.Missing)
		})
	}
}
