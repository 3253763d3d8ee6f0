package main

import (
	"net/url"
	"os"
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
		wrong.check(s.NATSReplicas == 1, "NATS_REPLICAS is %d, and NATS_URL is not set: the server inside this process is alone", s.NATSReplicas)
		wrong.add(checkListen("NATS_LISTEN", s.NATSListen))
	}
	return wrong.list
}

// checkNATSURL never repeats the URL, which may hold a password.
func checkNATSURL(urls string) error {
	var wrong problems
	for _, one := range list([]string{urls}) {
		u, err := url.Parse(one)
		bare := err != nil || u.Host == ""
		wrong.check(!bare || !strings.ContainsAny(one, "/ "), "NATS_URL cannot be read: want nats://host:4222, several separated by commas")
	}
	return wrong.err()
}

func checkFile(variable, name string) error {
	var wrong problems
	if name != "" {
		_, err := os.Stat(name)
		wrong.check(err == nil, "%s: %v", variable, err)
	}
	return wrong.err()
}
