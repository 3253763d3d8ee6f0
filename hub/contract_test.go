package hub

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/hub/contract/contracttest"
)

// spoken is what all that hubs say in tests is held against.
var spoken = sync.OnceValue(func() *contracttest.Contract {
	c, err := contracttest.Parse(OpenAPI("test"), AsyncAPI("test"))
	if err != nil {
		panic(err)
	}
	return c
})

// conforms may be called from any goroutine.
func conforms(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("not as documented: %v", err)
	}
}

// listens holds all that is published at NATS from here on against the document; heard says how much there was of a kind.
func (w *world) listens() (heard func(prefix string) int) {
	w.t.Helper()
	nc, err := w.server.Connect(nil)
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	var mu sync.Mutex
	var subjects []string
	for _, all := range []string{"presence.v1.>", "presence.feed.>"} {
		_, err = nc.Subscribe(all, func(m *nats.Msg) {
			conforms(w.t, spoken().Published(m.Subject, m.Header, m.Data))
			mu.Lock()
			defer mu.Unlock()
			subjects = append(subjects, m.Subject)
		})
		require.NoError(w.t, err)
	}
	require.NoError(w.t, nc.Flush())
	return func(prefix string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range subjects {
			if strings.HasPrefix(s, prefix) {
				n++
			}
		}
		return n
	}
}

// TestTheLogIsAsDocumented: all kinds of changes and feeds, as the journal and a poller publish them.
func TestTheLogIsAsDocumented(t *testing.T) {
	w := newWorld(t)
	heard := w.listens()
	w.look.say(bridge.FeedDegraded)
	w.look.see("a.b", online("1"))
	w.look.see("a.b", bridge.OnlineOnly(true))
	w.look.see("a.b", bridge.StateOf(map[string]string{"web": "0"}, "x", 7))
	w.look.unwatched("a.b")
	require.Eventually(t, func() bool { return heard("presence.v1.demo.presence.a=2Eb") == 4 }, soon, often)
	require.Eventually(t, func() bool { return heard("presence.feed.v1.demo.presence") > 0 }, soon, often)
}

// TestDocumentsAreServed as they are, to whoever asks, with no token.
func TestDocumentsAreServed(t *testing.T) {
	h := newWorld(t).hub(func(c *Config) { c.Auth, c.Version = hmacAuth, "1.2.3" })
	for path, want := range map[string][]byte{"/v1/openapi.json": OpenAPI("1.2.3"), "/v1/asyncapi.json": AsyncAPI("1.2.3")} {
		got := h.ask("GET", path, "")
		require.Equal(t, 200, got.status)
		require.Equal(t, "application/json", got.header.Get("Content-Type"))
		require.Equal(t, string(want), string(got.body))
		require.Contains(t, string(got.body), `"version": "1.2.3"`)
	}
}

// TestDocumentsAreOfTheirFormats holds both against the meta-schemas of those who made the formats.
func TestDocumentsAreOfTheirFormats(t *testing.T) {
	for meta, document := range map[string][]byte{"openapi-3.1": OpenAPI("1"), "asyncapi-3.0.0": AsyncAPI("1")} {
		compiler := jsonschema.NewCompiler()
		compiler.UseLoader(nowhere{})
		require.NoError(t, compiler.AddResource("meta.json", fromJSON(t, unpacked(t, "contract/testdata/"+meta+".json.gz"))))
		schema, err := compiler.Compile("meta.json")
		require.NoError(t, err, meta)
		require.NoError(t, schema.Validate(fromJSON(t, document)), meta)
	}
}

// nowhere keeps the compiler from looking for schemas elsewhere.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) { return nil, errors.New("nothing may be loaded: " + url) }

func unpacked(t testing.TB, path string) []byte {
	t.Helper()
	packed, err := os.ReadFile(path)
	require.NoError(t, err)
	r, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	require.NoError(t, err)
	return b.Bytes()
}

func fromJSON(t testing.TB, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return v
}

// TestReferences: each leads somewhere, and what both documents have in common is used by one of them.
func TestReferences(t *testing.T) {
	used := map[string]bool{}
	for _, document := range [][]byte{OpenAPI("1"), AsyncAPI("1")} {
		for _, m := range regexp.MustCompile(`"\$ref": "([^"]+)"`).FindAllSubmatch(document, -1) {
			used[string(m[1])] = true
			require.NotNil(t, contracttest.At(fromJSON(t, document), string(m[1])), "%s", m[1])
		}
	}
	for name := range at(spoken().OpenAPI, "#/components/schemas") {
		require.True(t, used["#/components/schemas/"+name], "nothing uses %s", name)
	}
}

func at(document any, ref string) map[string]any {
	object, _ := contracttest.At(document, ref).(map[string]any)
	return object
}

// sent is schema -> the Go type that is encoded; read is schema -> the type that is decoded, where what is asked for is the
// schema's own to say.
var (
	sent = map[string]any{
		"Feed": feedState{}, "FeedHealth": bridge.Feed{}, "State": bridge.State{}, "Presence": bridge.Presence{}, "Change": bridge.Change{},
		"History": historyAnswer{}, "SubscribedUntil": subscribedUntil{}, "Refusal": refusal{}, "Limits": limitsFrame{},
		"WelcomeMessage": welcomeMessage{}, "SubscribedMessage": subscribedMessage{}, "ChangesMessage": changesMessage{},
		"FeedMessage": feedMessage{}, "OkMessage": okMessage{}, "PongMessage": okMessage{}, "ErrorMessage": errorMessage{},
		"ByeMessage": byeMessage{}, "WatchAnswer": watchAnswer{}, "UnwatchAnswer": unwatchAnswer{},
	}
	read = map[string]any{
		"Setting": setting{}, "GetRequest": getRequest{}, "WatchRequest": watchRequest{}, "UnwatchRequest": unwatchRequest{}, "SetRequest": setRequest{},
	}
	ofClients   = []string{"AuthMessage", "SubscribeMessage", "UnsubscribeMessage", "SetMessage", "PingMessage"}
	ofNoType    = []string{"Done", "ChangeHeaders", "ServiceErrorHeaders", "EasemobCallback"} // a map, headers, and the vendor's
	notAnObject = []string{"UID", "AskedUID", "AskedUIDs", "Millis", "Cursor", "MessageID", "Status", "FeedState", "FeedCode", "FeedCodes", "ChangeSource", "ChangeKind", "ErrorCode"}
)

// TestSchemasAreTheTypes compares every schema with the type that is encoded or decoded: its fields, what they are, and for
// what is sent which of them are always there.
func TestSchemasAreTheTypes(t *testing.T) {
	known := slices.Concat(slices.Collect(maps.Keys(sent)), slices.Collect(maps.Keys(read)), ofClients, ofNoType, notAnObject)
	require.ElementsMatch(t, slices.Collect(maps.Keys(at(spoken().OpenAPI, "#/components/schemas"))), known)
	for name, v := range sent {
		kinds, always := fieldsOf(reflect.TypeOf(v))
		require.Equal(t, kinds, kindsIn(name), name)
		require.ElementsMatch(t, always, requiredIn(name), name)
	}
	for name, v := range read {
		kinds, _ := fieldsOf(reflect.TypeOf(v))
		require.Equal(t, kinds, kindsIn(name), name)
	}
	told := map[string]string{}
	all, _ := fieldsOf(reflect.TypeFor[message]())
	for _, name := range ofClients {
		maps.Copy(told, kindsIn(name))
	}
	require.Equal(t, all, told, "a client's message is one type, whose fields are those of all its kinds")
}

// fieldsOf is field -> what it is in JSON, and the fields that are never left out.
func fieldsOf(t reflect.Type) (kinds map[string]string, always []string) {
	kinds = map[string]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			inner, innerAlways := fieldsOf(f.Type)
			maps.Copy(kinds, inner)
			always = append(always, innerAlways...)
		case f.IsExported() && name != "-":
			kinds[name] = kindOf(f.Type, option)
			if option != "omitempty" {
				always = append(always, name)
			}
		}
	}
	return kinds, always
}

func kindOf(t reflect.Type, option string) string {
	switch t.Kind() {
	case reflect.Pointer:
		if option == "omitempty" {
			return kindOf(t.Elem(), "")
		}
		return kindOf(t.Elem(), "") + " or null"
	case reflect.Slice:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	}
	return "integer"
}

// kindsIn is property -> its type, of a schema.
func kindsIn(name string) map[string]string {
	kinds := map[string]string{}
	for property := range at(spoken().OpenAPI, "#/components/schemas/"+name+"/properties") {
		kinds[property] = typeOf(at(spoken().OpenAPI, "#/components/schemas/"+name+"/properties/"+property))
	}
	return kinds
}

func typeOf(schema map[string]any) string {
	switch {
	case schema["const"] != nil:
		return "string"
	case schema["oneOf"] != nil:
		ref := schema["oneOf"].([]any)[0].(map[string]any)["$ref"].(string)
		return typeOf(at(spoken().OpenAPI, ref)) + " or null"
	}
	return schema["type"].(string)
}

func requiredIn(name string) (list []string) {
	required, _ := at(spoken().OpenAPI, "#/components/schemas/"+name)["required"].([]any)
	for _, r := range required {
		list = append(list, r.(string))
	}
	return list
}

// TestEnumsAreTheConstants reads the constants in the code, so that a new one is seen.
func TestEnumsAreTheConstants(t *testing.T) {
	require.Equal(t, constants(t, "../bridge", "FeedState", "Feed"), enumOf("FeedState"))
	require.Equal(t, constants(t, "../bridge", "FeedCode", "Feed"), enumOf("FeedCode"))
	require.Equal(t, constants(t, "../bridge", "Source", "Source"), enumOf("ChangeSource"))
	require.Equal(t, constants(t, "../bridge", "", "Changed"), enumOf("ChangeKind"))
}

// enumOf is what a schema lists; where that is not all, the list is the first of what it may be.
func enumOf(name string) (list []string) {
	schema := at(spoken().OpenAPI, "#/components/schemas/"+name)
	if open, ok := schema["anyOf"].([]any); ok {
		schema = open[0].(map[string]any)
	}
	for _, v := range schema["enum"].([]any) {
		list = append(list, v.(string))
	}
	return slices.Sorted(slices.Values(list))
}

// constants are the string constants of a package that have this type, and names that begin so.
func constants(t *testing.T, folder, kind, prefix string) (list []string) {
	eachNode(t, folder, func(n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || literal.Kind != gotoken.STRING || kind != "" && (spec.Type == nil || !isName(spec.Type, kind)) {
			return
		}
		value, _ := strconv.Unquote(literal.Value)
		list = append(list, value)
	})
	slices.Sort(list)
	return list
}

// eachNode looks at the code of a package, its tests apart.
func eachNode(t *testing.T, folder string, look func(ast.Node)) {
	files, err := filepath.Glob(folder + "/*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool { look(n); return true })
	}
}

// TestTablesAreOfOneSource: those of the code, whole, in both documents.
func TestTablesAreOfOneSource(t *testing.T) {
	var codes []string
	for _, c := range errorCodes {
		codes = append(codes, c.code)
	}
	slices.Sort(codes)
	require.Equal(t, codes, enumOf("ErrorCode"))
	for _, document := range []map[string]any{spoken().OpenAPI, spoken().AsyncAPI} {
		var errors, closes []string
		for _, e := range document["x-error-codes"].([]any) {
			row := e.(map[string]any)
			errors = append(errors, fmt.Sprint(row["code"], row["status"], row["again"], row["seen_by"], row["meaning"]))
		}
		for _, c := range document["x-close-codes"].([]any) {
			row := c.(map[string]any)
			closes = append(closes, fmt.Sprint(row["code"], row["name"], row["come_back"]))
		}
		for i, c := range errorCodes {
			status := any(c.status)
			if c.status == 0 {
				status = nil
			}
			require.Equal(t, fmt.Sprint(c.code, status, c.again, c.of, c.meaning), errors[i])
		}
		for i, c := range closeCodeEntries {
			require.Equal(t, fmt.Sprint(int(c.code), c.name, c.comeBack), closes[i])
		}
		require.Len(t, errors, len(errorCodes))
		require.Len(t, closes, len(closeCodeEntries))
	}
}

// TestRoutesAreDocumented: each of the hub is in the OpenAPI document, but for the page's own, and the reverse.
func TestRoutesAreDocumented(t *testing.T) {
	h := quietHub(t, func(c *Config) { c.Files = os.DirFS(".") })
	var served, documented []string
	for _, r := range h.routes().Routes() {
		path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.Path, "{$1}")
		if path != everythingElse && path != "/page.json" && r.Method != "HEAD" {
			served = append(served, strings.ToLower(r.Method)+" "+path)
		}
	}
	for path, item := range at(spoken().OpenAPI, "#/paths") {
		for method := range item.(map[string]any) {
			documented = append(documented, method+" "+path)
		}
	}
	require.ElementsMatch(t, served, documented)
}

// TestMessagesAreDocumented finds the types of messages in the code: what is encoded with a type, and what the switch of
// those that clients send lets pass.
func TestMessagesAreDocumented(t *testing.T) {
	said := map[string]bool{"changes": strings.HasPrefix(changesHead, `{"type":"changes"`)}
	heard := map[string]bool{}
	eachNode(t, ".", func(n ast.Node) {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if literal, ok := n.Value.(*ast.BasicLit); ok && isName(n.Key, "Type") {
				kind, _ := strconv.Unquote(literal.Value)
				said[kind] = true
			}
		case *ast.FuncDecl:
			if n.Name.Name == "check" && n.Recv != nil && isName(n.Recv.List[0].Type, "message") {
				casesOf(n, heard)
			}
		}
	})
	require.ElementsMatch(t, slices.Collect(maps.Keys(said)), slices.Collect(maps.Keys(spoken().Types("tellClients"))))
	require.ElementsMatch(t, slices.Collect(maps.Keys(heard)), slices.Collect(maps.Keys(spoken().Types("hearClients"))))
}

func casesOf(f *ast.FuncDecl, into map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if clause, ok := n.(*ast.CaseClause); ok {
			for _, e := range clause.List {
				kind, _ := strconv.Unquote(e.(*ast.BasicLit).Value)
				into[kind] = true
			}
		}
		return true
	})
}

// TestAddresses compares those of NATS with what the bridge makes of an app whose tokens are their parameters.
func TestAddresses(t *testing.T) {
	app := bridge.App{Org: "org", Name: "app"}
	want := []string{app.Subject("uid"), app.FeedSubject()}
	for _, endpoint := range []string{"get", "watch", "unwatch", "set"} {
		want = append(want, bridge.ServiceSubject+"."+endpoint)
	}
	var got []string
	for name, channel := range at(spoken().AsyncAPI, "#/channels") {
		if address, _ := channel.(map[string]any)["address"].(string); address != "" && name != "socket" {
			got = append(got, strings.NewReplacer("{", "", "}", "").Replace(address))
		}
	}
	require.ElementsMatch(t, want, got)
}

// TestGoldenFramesAreAsDocumented, in both directions.
func TestGoldenFramesAreAsDocumented(t *testing.T) {
	files, err := filepath.Glob("testdata/frames/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		golden, err := os.ReadFile(file)
		require.NoError(t, err)
		if _, ours := fromHub[strings.TrimSuffix(filepath.Base(file), ".json")]; ours {
			require.NoError(t, spoken().FromHub(golden), file)
		} else {
			require.NoError(t, spoken().ToHub(golden), file)
		}
	}
}

// TestStrangersAreSeen: what is not as documented is no test's silent companion.
func TestStrangersAreSeen(t *testing.T) {
	header := nats.Header{"Nats-Service-Error": {"x"}, "Nats-Service-Error-Code": {"400"}}
	events := nats.Header{}
	for name, err := range map[string]error{
		"a field more":    spoken().FromHub([]byte(`{"type":"pong","more":1}`)),
		"a field less":    spoken().FromHub([]byte(`{"type":"bye","reason":"draining"}`)),
		"another type":    spoken().FromHub([]byte(`{"type":"hello"}`)),
		"the other way":   spoken().FromHub([]byte(`{"type":"ping"}`)),
		"null for a list": spoken().FromHub([]byte(`{"type":"changes","cursor":"","presences":null}`)),
		"no code":         spoken().Schema("Refusal", []byte(`{"code":"nonsense","message":"x"}`)),
		"another status":  spoken().Exchange(contracttest.Exchange{Method: "GET", Path: "/v1/presence", Status: 418}),
		"another path":    spoken().Exchange(contracttest.Exchange{Method: "GET", Path: "/v1/new", Status: 200}),
		"another status for a code": spoken().Exchange(contracttest.Exchange{Method: "GET", Path: "/v1/presence", Status: 403,
			Header: http.Header{"Content-Type": {"application/json"}}, Said: []byte(`{"code":"token","message":"x"}`)}),
		"another content":       spoken().Exchange(contracttest.Exchange{Method: "GET", Path: "/v1/presence/a/history", Status: 200, Said: []byte(`{}`)}),
		"another subject":       spoken().Published("presence.v2.a.b.c", nil, nil),
		"no CloudEvents":        spoken().Published("presence.v1.a.b.c", events, []byte(`{}`)),
		"another endpoint":      spoken().Reply("new", nil, nil, nil),
		"an answer that errs":   spoken().Reply("watch", []byte(`{"holder":"h","uids":["a"]}`), header, []byte(`{"watched":1,"until":1}`)),
		"a request not allowed": spoken().Reply("get", []byte(`{"users":["a"]}`), nil, []byte(`{}`)),
	} {
		require.Error(t, err, name)
	}
	require.NoError(t, spoken().Reply("watch", []byte(`{"holder":"h","uids":["a"]}`), nil, []byte(`{"watched":1,"until":1}`)))
}
