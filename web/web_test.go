package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T) []string {
	t.Helper()
	all, err := fs.Glob(Files(), "*")
	if err != nil || len(all) == 0 {
		t.Fatalf("listing the files: %v, %d of them", err, len(all))
	}
	return all
}

// What one file of the page may name of another: attributes, imports, CSS, fetches.
var references = map[string]*regexp.Regexp{
	".html": regexp.MustCompile(`(?:src|href|action)="([^"]*)"`),
	".js":   regexp.MustCompile(`(?m)^(?:import|export)\b[^;]*?from ?"([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)`),
	".css":  regexp.MustCompile(`url\(["']?([^"')]+)|@import ["']([^"']+)`),
}

// adapter -> the package whose user it serves
var frameworks = map[string]string{"react.js": "react", "vue.js": "vue"}

func TestPageLoadsOnlyWhatIsEmbedded(t *testing.T) {
	found := 0
	for _, name := range names(t) {
		pattern, ok := references[path.Ext(name)]
		if !ok {
			continue
		}
		for _, match := range pattern.FindAllStringSubmatch(read(t, name), -1) {
			ref := strings.Join(match[1:], "")
			if strings.HasPrefix(ref, "#") || ref == frameworks[name] {
				continue // an icon within the page; what an adapter is for, which its user has
			}
			found++
			if strings.Contains(ref, "//") || strings.HasPrefix(ref, "data:") || strings.HasPrefix(ref, "/") {
				t.Errorf("%s: %q leaves the folder", name, ref)
			} else if _, err := fs.Stat(Files(), path.Clean(ref)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d references found: the patterns no longer fit", found)
	}
}

func TestNoExternalURL(t *testing.T) {
	external := regexp.MustCompile(`(?i)(?:https?|wss?):?//[^\s"'<>)]+`)
	for _, name := range names(t) {
		for _, url := range external.FindAllString(read(t, name), -1) {
			if url != "http://www.w3.org/2000/svg" { // a name space, which nobody loads
				t.Errorf("%s names %s", name, url)
			}
		}
	}
}

func TestNothingIsInline(t *testing.T) {
	html := read(t, "index.html")
	for _, inline := range []string{`<style`, ` style="`, `javascript:`} {
		if strings.Contains(html, inline) {
			t.Errorf("index.html has %q, which default-src 'self' forbids", inline)
		}
	}
	if m := regexp.MustCompile(`\son[a-z]+="`).FindString(html); m != "" {
		t.Errorf("index.html has the handler %q", m)
	}
	for _, tag := range regexp.MustCompile(`<script[^>]*>`).FindAllString(html, -1) {
		if !strings.Contains(tag, "src=") {
			t.Errorf("index.html has an inline script: %s", tag)
		}
	}
}

// TestClientStandsAlone: presence.js is all that a browser loads, but for the way around blocked WebSockets, which it
// loads where it is needed.
func TestClientStandsAlone(t *testing.T) {
	client := read(t, "presence.js")
	for _, match := range references[".js"].FindAllStringSubmatch(client, -1) {
		if match[3] != "./sse.js" {
			t.Errorf("presence.js imports: %s", match[0])
		}
	}
	if imports := strings.Count(client, "import"); imports != 1 {
		t.Errorf("presence.js says import %d times", imports)
	}
	for _, name := range []string{"index.html", "page.js", "page.css"} {
		read(t, name)
	}
}

// The client weighs at most six kilobytes on the wire, compressed as servers do.
func TestClientIsSmall(t *testing.T) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, read(t, "presence.js")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 6*1024 {
		t.Errorf("presence.js has %d bytes compressed, 6144 is the most", b.Len())
	}
	t.Logf("presence.js has %d bytes compressed", b.Len())
}

// Every script that others import has its types beside it.
func TestTypesLieBesideScripts(t *testing.T) {
	for _, name := range []string{"presence", "shared", "store", "react", "vue", "svelte"} {
		read(t, name+".js")
		read(t, name+".d.ts")
	}
}
