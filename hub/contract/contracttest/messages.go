package contracttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
)

// place is a channel of NATS that has an address.
type place struct {
	channel string
	matches *regexp.Regexp
}

func placesOf(asyncAPI map[string]any) (places []place) {
	channels, _ := asyncAPI["channels"].(map[string]any)
	for name, channel := range channels {
		if address, _ := channel.(map[string]any)["address"].(string); address != "" {
			places = append(places, place{name, pattern(address, ".")})
		}
	}
	return places
}

// Types are the messages of tellClients, or of hearClients: name -> schema.
func (c *Contract) Types(operation string) map[string]string { return c.types[operation] }

func typesOf(asyncAPI map[string]any, operation string) map[string]string {
	list, _ := At(asyncAPI, pointer("operations", operation, "messages")).([]any)
	types := map[string]string{}
	for _, item := range list {
		message, _ := At(asyncAPI, refOf(item)).(map[string]any)
		name, _ := message["name"].(string)
		types[name] = schemaOf(message["payload"])
	}
	return types
}

// FromHub holds a message of a hub to a client, over a WebSocket or as the data of an event, against the document.
func (c *Contract) FromHub(data []byte) error { return c.message("tellClients", data) }

// ToHub is for what a client says.
func (c *Contract) ToHub(data []byte) error { return c.message("hearClients", data) }

func (c *Contract) message(operation string, data []byte) error {
	var head struct{ Type string }
	_ = json.Unmarshal(data, &head)
	schema, ok := c.Types(operation)[head.Type]
	if !ok {
		return fmt.Errorf("there is no message %q: %.300s", head.Type, data)
	}
	return c.Schema(schema, data)
}

// Published holds a message that the bridge has published at NATS, with its headers, against the document.
func (c *Contract) Published(subject string, header map[string][]string, data []byte) error {
	for _, p := range c.places {
		if p.matches.MatchString(subject) {
			messages, _ := At(c.AsyncAPI, pointer("channels", p.channel, "messages")).(map[string]any)
			for _, m := range messages { // there is one
				return c.withHeaders(At(c.AsyncAPI, refOf(m)), header, data)
			}
		}
	}
	return fmt.Errorf("there is no channel %s", subject)
}

// Reply holds an answer to a backend against the document, and what was asked, where it was granted.
func (c *Contract) Reply(endpoint string, asked []byte, header map[string][]string, said []byte) error {
	name := "answer"
	if len(header) > 0 {
		name = "refusal"
	}
	reply := At(c.AsyncAPI, pointer("channels", endpoint+"Replies", "messages", name))
	if reply == nil {
		return fmt.Errorf("there is no endpoint %q", endpoint)
	}
	err := c.withHeaders(reply, header, said)
	if name == "answer" {
		err = errors.Join(err, c.withHeaders(At(c.AsyncAPI, pointer("channels", endpoint, "messages", "request")), nil, asked))
	}
	return err
}

func (c *Contract) withHeaders(message any, header map[string][]string, data []byte) error {
	m, _ := message.(map[string]any)
	var bad error
	if name := schemaOf(m["headers"]); name != "" {
		flat := map[string]string{}
		for key := range header {
			flat[key] = header[key][0]
		}
		told, err := json.Marshal(flat)
		bad = errors.Join(err, c.Schema(name, told))
	} else if len(header) > 0 {
		bad = fmt.Errorf("it has headers, and none are documented: %v", http.Header(header))
	}
	return errors.Join(bad, c.Schema(schemaOf(m["payload"]), data))
}
