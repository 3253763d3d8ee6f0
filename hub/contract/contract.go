package contract

import (
	_ "embed"
	"encoding/json"
	"strings"
)

var (
	//go:embed openapi.json
	openAPI string
	//go:embed asyncapi.json
	asyncAPI string
	//go:embed schemas.json
	schemas string
)

// ErrorCode is what a refusal can say, as the documents tell it.
type ErrorCode struct {
	Code    string `json:"code"`
	Status  int    `json:"status,omitempty"` // of HTTP and of NATS; 0: any that begins with 4
	Again   bool   `json:"again"`            // whether the same request may be answered better a little later
	Seen    string `json:"seen_by"`          // all, backends (over NATS only) or vendor (callbacks only)
	Meaning string `json:"meaning"`
}

// CloseCode is why a hub closes a WebSocket, as the documents tell it.
type CloseCode struct {
	Code     int    `json:"code"`
	Name     string `json:"name"`
	ComeBack bool   `json:"come_back"` // whether the same client may expect a better answer when it connects again
}

// Tables are what the documents repeat of the hub's code.
type Tables struct {
	Version string // of the program
	Errors  []ErrorCode
	Closes  []CloseCode
}

// OpenAPI is the document about HTTP, in JSON.
func (t Tables) OpenAPI() []byte { return t.fill(openAPI) }

// AsyncAPI is the document about the WebSocket and NATS, in JSON.
func (t Tables) AsyncAPI() []byte { return t.fill(asyncAPI) }

// fill puts in what the documents have in common. Its order is that of the files, which people read.
func (t Tables) fill(document string) []byte {
	codes := make([]string, len(t.Errors))
	for i, e := range t.Errors {
		codes[i] = e.Code
	}
	parts := strings.NewReplacer(
		`"<version>"`, inJSON(t.Version), `"<error codes>"`, inJSON(t.Errors), `"<close codes>"`, inJSON(t.Closes),
		`"<error code names>"`, inJSON(codes),
	)
	return []byte(parts.Replace(strings.Replace(document, `"<schemas>"`, strings.TrimSpace(schemas), 1)))
}

func inJSON(v any) string {
	data, err := json.MarshalIndent(v, "  ", "  ")
	if err != nil {
		panic(err) // only for types that JSON cannot hold
	}
	return string(data)
}
