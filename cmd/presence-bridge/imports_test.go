package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/presence-bridge/presence-bridge"
)

// arrows is folder -> what its code may import beside the standard library: folders of ours by their path in the
// module, and modules of others. A folder that is not named follows the one above it.
var arrows = map[string]struct{ ours, theirs []string }{
	"bridge":                  {[]string{"bridge/progress"}, []string{"github.com/nats-io/", "golang.org/x/"}},
	"bridge/meter":            {[]string{"bridge"}, []string{"github.com/prometheus/client_golang/"}},
	"bridge/progress":         {nil, nil},
	"bridge/easemob":          {nil, []string{"golang.org/x/"}},
	"bridge/easemob/emulator": {nil, nil},
	"poller":                  {[]string{"bridge", "bridge/easemob", "bridge/meter", "poller/schedule"}, []string{"github.com/prometheus/client_golang/", "golang.org/x/"}},
	"poller/schedule":         {nil, nil},
	"hub": {[]string{"bridge", "bridge/easemob", "bridge/meter", "bridge/progress", "hub"}, []string{"github.com/labstack/echo/v4", "github.com/coder/websocket",
		"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/jwkset", "github.com/MicahParks/keyfunc/v3", "github.com/prometheus/client_golang/", "golang.org/x/"}},
	"hub/contract":              {nil, nil},
	"hub/processors":            {nil, nil},
	"hub/contract/contracttest": {nil, []string{"github.com/santhosh-tekuri/jsonschema/v6"}},
	"web":                       {nil, nil},
	"cmd":                       {[]string{"bridge", "poller", "hub", "web", "cmd"}, []string{""}},
}

// never is what not even a test may import.
var never = map[string]string{"poller": "hub", "hub": "poller", "bridge": "cmd"}

// top is everything at the top of the repository. Names that begin with a dot are conventions of tools.
var top = strings.Fields(`cmd bridge hub poller web go.mod go.sum docker-compose.yml README.md README.zh-CN.md Dockerfile LICENSE
	CHANGELOG.md CONTRIBUTING.md`)

// generated is what .gitignore names.
var generated = strings.Fields("data dist node_modules presence-bridge")

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, ".") && !slices.Contains(top, name) && !slices.Contains(generated, name) &&
			path.Ext(name) != ".test" && path.Ext(name) != ".prof" {
			t.Errorf("%s is not of the layout", name)
		}
	}
}

func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && file != root && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir
		}
		if filepath.Ext(file) == ".go" {
			files++
			checkImports(t, file)
		}
		return nil
	})
	if err != nil || files < 50 {
		t.Fatalf("%d files, %v", files, err)
	}
}

func checkImports(t *testing.T, file string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	name, _ := filepath.Rel(root, file)
	folder := path.Dir(filepath.ToSlash(name))
	for _, spec := range parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		switch ours, isOurs := strings.CutPrefix(imported, module+"/"); {
		case isOurs && within(ours, never[firstPart(folder)]):
			t.Errorf("%s imports %s", name, ours)
		case strings.HasSuffix(file, "_test.go"):
		case isOurs && !allowedOurs(folder, ours), !isOurs && !allowedTheirs(folder, imported):
			t.Errorf("%s imports %s", name, imported)
		}
	}
}

func allowedOurs(folder, imported string) bool {
	if firstPart(folder) == "cmd" {
		return true // it puts everything together
	}
	a := arrows[ruleOf(folder)]
	return slices.Contains(a.ours, imported) || slices.Contains(a.ours, firstPart(folder)) && within(imported, firstPart(folder))
}

func allowedTheirs(folder, imported string) bool {
	standard := !strings.Contains(firstPart(imported), ".")
	return standard || slices.ContainsFunc(arrows[ruleOf(folder)].theirs, func(prefix string) bool { return strings.HasPrefix(imported, prefix) })
}

// ruleOf is the nearest folder above that the table names.
func ruleOf(folder string) string {
	for ; folder != "."; folder = path.Dir(folder) {
		if _, ok := arrows[folder]; ok {
			return folder
		}
	}
	return ""
}

func within(p, folder string) bool {
	return folder != "" && (p == folder || strings.HasPrefix(p, folder+"/"))
}

func firstPart(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}
