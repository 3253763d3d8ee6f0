package main

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// natsSettings say where NATS is.
type natsSettings struct {
	NATSURL      string `name:"nats-url" variable:"NATS_URL" group:"nats" placeholder:"URL" help:"A NATS server or cluster with JetStream, several URLs separated by commas. Where it is empty, a server runs inside this process."`
	NATSCreds    string `name:"nats-creds" variable:"NATS_CREDS" group:"nats" placeholder:"FILE" help:"Credentials file for NATS_URL."`
	NATSReplicas int    `name:"nats-replicas" variable:"NATS_REPLICAS" group:"nats" default:"1" help:"Copies of the stream and the buckets in a cluster."`
	NATSListen   string `name:"nats-listen" variable:"NATS_LISTEN" group:"nats" default:"127.0.0.1:4222" help:"Where the server inside this process listens for backends."`
	DataDir      string `variable:"DATA_DIR" group:"nats" default:"./data" help:"Where the server inside this process stores."`
}

func (s natsSettings) problems() []error {
	var wrong problems
	wrong.add(checkNATSURL(s.NATSURL), checkFile("NATS_CREDS", s.NATSCreds))
	wrong.check(s.NATSReplicas >= 1 && s.NATSReplicas <= 5, "NATS_REPLICAS is %d: want 1 to 5", s.NATSReplicas)
	if s.NATSURL == "" {
		wrong.check(s.NATSCreds == "", "NATS_CREDS is set, and NATS_URL is not: the server inside this process takes no credentials")
		wrong.check(s.NATSReplicas <= 1 || s.NATSReplicas > 5, "NATS_REPLICAS is %d, and NATS_URL is not set: the server inside this process is alone", s.NATSReplicas)
		wrong.add(checkListen("NATS_LISTEN", s.NATSListen))
	}
	return wrong.list
}

// checkNATSURL never repeats the URL, which may hold a password.
func checkNATSURL(urls string) error {
	var wrong problems
	for _, one := range list([]string{urls}) {
		wrong.check(isNATSURL(one), "NATS_URL cannot be read: want nats://host:4222, several separated by commas")
	}
	return wrong.err()
}

// hostName is what a machine can be called, or its address.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)

// isNATSURL takes what the client of NATS takes: a scheme and a port may be left out.
func isNATSURL(one string) bool {
	if !strings.Contains(one, "://") {
		one = "nats://" + one
	}
	u, err := url.Parse(one)
	return err == nil && slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) && hostName.MatchString(u.Hostname())
}

func checkFile(variable, name string) error {
	var wrong problems
	if name != "" {
		_, err := os.Stat(name)
		wrong.check(err == nil, "%s: %v", variable, err)
	}
	return wrong.err()
}
