package easemob

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidateNamesEveryProblemAndItsVariable(t *testing.T) {
	good := Config{URL: "https://a1.easemob.com", Org: "o", App: "a", Token: "t"}
	require.NoError(t, good.Validate())
	with := func(change func(*Config)) Config { c := good; change(&c); return c }
	for name, tt := range map[string]struct {
		c    Config
		want []string // one problem each
	}{
		"nothing":              {Config{}, []string{"EASEMOB_URL", "EASEMOB_APP_ID", "EASEMOB_TOKEN"}},
		"not a URL":            {with(func(c *Config) { c.URL = "http://a b:c" }), []string{"EASEMOB_URL"}},
		"no scheme":            {with(func(c *Config) { c.URL = "a1.easemob.com" }), []string{"EASEMOB_URL"}},
		"another scheme":       {with(func(c *Config) { c.URL = "ftp://a1" }), []string{"EASEMOB_URL"}},
		"password and query":   {with(func(c *Config) { c.URL = "http://u:hunter2@h/?x=1" }), []string{"EASEMOB_URL", "EASEMOB_URL"}},
		"app key as org":       {with(func(c *Config) { c.Org = "o#a" }), []string{"EASEMOB_ORG"}},
		"no org":               {with(func(c *Config) { c.Org = "" }), []string{"EASEMOB_ORG"}},
		"no app":               {with(func(c *Config) { c.App = "" }), []string{"EASEMOB_APP"}},
		"dots":                 {with(func(c *Config) { c.App = ".." }), []string{"EASEMOB_APP"}},
		"both prefixes":        {with(func(c *Config) { c.AppID = "x" }), []string{"EASEMOB_APP_ID"}},
		"both credentials":     {with(func(c *Config) { c.ClientID, c.ClientSecret = "i", "s" }), []string{"EASEMOB_TOKEN"}},
		"id alone":             {with(func(c *Config) { c.Token, c.ClientID = "", "i" }), []string{"EASEMOB_CLIENT_SECRET"}},
		"secret alone":         {with(func(c *Config) { c.Token, c.ClientSecret = "", "s" }), []string{"EASEMOB_CLIENT_ID"}},
		"token with a newline": {with(func(c *Config) { c.Token = "t\n" }), []string{"EASEMOB_TOKEN"}},
		"negative rate":        {with(func(c *Config) { c.Rate = -1 }), []string{"EASEMOB_RATE"}},
		"endless rate":         {with(func(c *Config) { c.Rate = math.Inf(1) }), []string{"EASEMOB_RATE"}},
		"no number":            {with(func(c *Config) { c.Rate = math.NaN() }), []string{"EASEMOB_RATE"}},
		"negative timeout":     {with(func(c *Config) { c.Timeout = -time.Second }), []string{"timeout"}},
		"all at once": {Config{URL: "x", Org: "o", ClientID: "i", Rate: -1},
			[]string{"EASEMOB_URL", "EASEMOB_APP", "EASEMOB_CLIENT_SECRET", "EASEMOB_RATE"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.c.Validate()
			require.Error(t, err)
			problems := strings.Split(err.Error(), "\n")
			require.Len(t, problems, len(tt.want), err.Error())
			for i, want := range tt.want {
				assert.Contains(t, problems[i], want)
			}
			assert.NotContains(t, err.Error(), "hunter2")
			_, newErr := New(tt.c)
			assert.EqualError(t, newErr, err.Error())
		})
	}
}

func TestZeroConfigMeansTheDefaults(t *testing.T) {
	assert.Equal(t, 40.0, Config{}.rate())
	assert.Equal(t, 10*time.Second, Config{}.timeout())
	assert.NotNil(t, Config{}.logger())
}

func TestBothPathPrefixes(t *testing.T) {
	assert.Equal(t, "http://h/o/a", Config{URL: "http://h/", Org: "o", App: "a"}.base())
	assert.Equal(t, "http://h:8089/pre/app-id/x1", Config{URL: "http://h:8089/pre", AppID: "x1"}.base())
}

func TestUnknownKinds(t *testing.T) {
	assert.Equal(t, "Kind(-1)", Kind(-1).String())
	c := newClient(t, Config{}, always(200, `{}`))
	for _, k := range []Kind{-1, kindToken, 99} {
		assert.True(t, errors.Is(c.Wait(t.Context(), k), ErrInvalid), k)
	}
}
