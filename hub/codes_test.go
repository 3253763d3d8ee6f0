package hub

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/web"
)

// TestErrorCodes compares the table with every refusal in the code, with the client's types and with web/PROTOCOL.md.
func TestErrorCodes(t *testing.T) {
	table, browsers, readme := map[string]int{}, map[string]bool{}, map[string]string{}
	for _, c := range errorCodes {
		require.NotContains(t, table, c.code, "twice")
		table[c.code] = c.status
		browsers[c.code] = c.of == ofAll
		if c.of == ofAll {
			readme[c.code] = fmt.Sprint(orAny(c.status), " ", c.again, " ", c.meaning)
		} else {
			delete(browsers, c.code)
		}
	}
	require.Equal(t, table, refusalsOf(t))
	require.Equal(t, browsers, typesOf(t))
	require.Equal(t, readme, describedIn(t, "../web/PROTOCOL.md"))
}

func orAny(status int) string {
	if status == 0 {
		return "4xx"
	}
	return strconv.Itoa(status)
}

var statusText = func() map[string]int {
	byName := map[string]int{}
	for code := 400; code < 600; code++ {
		name := strings.NewReplacer(" ", "", "-", "", "'", "").Replace(http.StatusText(code))
		byName["Status"+name] = code
	}
	return byName
}()

// refusalsOf is code -> status of every call of refuse in the package; 0 where the status is no constant.
func refusalsOf(t *testing.T) map[string]int {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := map[string]int{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isName(call.Fun, "refuse") {
				literal, ok := call.Args[1].(*ast.BasicLit)
				require.True(t, ok, "%s refuses with a code that is no constant", name)
				code, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				before, twice := found[code]
				found[code] = statusOf(call.Args[0])
				require.True(t, !twice || before == found[code], "%s has two statuses", code)
			}
			return true
		})
	}
	return found
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func statusOf(e ast.Expr) int {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return statusText[s.Sel.Name]
	}
	return 0
}

// typesOf lists the codes of a hub in the client's type ErrorCode.
func typesOf(t *testing.T) map[string]bool {
	types, err := fs.ReadFile(web.Files(), "presence.d.ts")
	require.NoError(t, err)
	union := regexp.MustCompile(`(?s)export type HubErrorCode =(.*?);`).FindSubmatch(types)
	require.NotNil(t, union)
	codes := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([a-z_]+)"`).FindAllSubmatch(union[1], -1) {
		codes[string(m[1])] = true
	}
	return codes
}

// describedIn is code -> status, whether to try again, and meaning, of the table of error codes in a document.
func describedIn(t *testing.T, path string) map[string]string {
	document, err := os.ReadFile(path)
	require.NoError(t, err)
	described := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d{3}|4xx) \\| (yes|no) \\| (.+) \\|$").FindAllStringSubmatch(string(document), -1) {
		described[m[1]] = fmt.Sprint(m[2], " ", m[3] == "yes", " ", m[4])
	}
	return described
}

// TestFeedCodes compares the reasons of a feed in web/PROTOCOL.md with those of the code, which the schemas are held to.
func TestFeedCodes(t *testing.T) {
	document, err := os.ReadFile("../web/PROTOCOL.md")
	require.NoError(t, err)
	_, chapter, _ := strings.Cut(string(document), "\n## Why a feed is not live\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	var described []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| .+ \\|$").FindAllStringSubmatch(chapter, -1) {
		described = append(described, m[1])
	}
	require.ElementsMatch(t, constants(t, "../bridge", "FeedCode", "Feed"), described)
}

// TestANewFeedCodeBreaksNoSchema: a hub hands on what a newer poller says, as long as bridge reads it.
func TestANewFeedCodeBreaksNoSchema(t *testing.T) {
	feed := func(code string) []byte {
		return fmt.Appendf(nil, `{"state":"degraded","as_of":1,"reason":"r","codes":["old_looks",%q]}`, code)
	}
	message := func(code string) []byte {
		return fmt.Appendf(nil, `{"type":"feed","state":"down","as_of":1,"reason":"r","codes":[%q]}`, code)
	}
	for _, code := range []string{"no_poller", "brand_new", strings.Repeat("x", 64)} {
		require.NoError(t, spoken().Schema("Feed", feed(code)))
		require.NoError(t, spoken().FromHub(message(code)))
	}
	for _, code := range []string{"", strings.Repeat("x", 65)} {
		require.Error(t, spoken().Schema("Feed", feed(code)))
		require.Error(t, spoken().FromHub(message(code)))
	}
}
