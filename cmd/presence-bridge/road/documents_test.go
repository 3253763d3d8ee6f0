package road

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// section is what stands beneath one heading of a document, and has to be the same in its translation.
type section struct {
	level  int      // of the heading; 0 before the first
	blocks []string // blocks of code with their language, byte for byte
	tables [][]int  // of each table the cells of each row
	keys   []string // the code in the first cell of each row
	links  []string // where they lead, in order
	spans  []string // code within the text, sorted and each once: languages order their words differently
}

var (
	codeBlock = regexp.MustCompile("(?ms)^```(.*?)^```$")
	codeSpan  = regexp.MustCompile("`([^`\n]+)`")
	linkTo    = regexp.MustCompile(`\]\(([^)\s]+)\)|<(https?://[^>]+)>`)
	heading   = regexp.MustCompile(`(?m)^(#+) (.*)$`)
	testName  = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*`)
	testLink  = regexp.MustCompile("\\[`((?:Test|Fuzz|Benchmark)\\w+)`\\]\\(([^)]+_test\\.go)\\)")
)

// TestREADMEsAreOne holds that the README and its translation have the same commands, tables, links and names. So what
// TestREADME runs of the one, it runs of both.
func TestREADMEsAreOne(t *testing.T) {
	english, chinese := sectionsOf(t, "README.md"), sectionsOf(t, "README.zh-CN.md")
	require.Len(t, chinese, len(english), "headings")
	require.Greater(t, len(english), 10)
	for i := range english {
		require.Equal(t, english[i], chinese[i], "section %d", i)
	}
}

// TestOtherThanTheOther: a translation that has another command, row, link or name is found.
func TestOtherThanTheOther(t *testing.T) {
	text := "# One\n\nSee `A` and [b](b.md).\n\n```sh\ngo run .\n```\n\n| a | b |\n|---|---|\n| `X` | 1 |\n"
	want := parse(text)
	require.Len(t, want, 2)
	for old, other := range map[string]string{"go run .": "go run ./x", "`A`": "`B`", "b.md": "c.md", "| `X` | 1 |\n": "", "`X` | 1 |": "`X` |", "# One": "## One"} {
		require.NotEqual(t, want, parse(strings.Replace(text, old, other, 1)), old)
	}
	require.Equal(t, want, parse(strings.NewReplacer("One", "一", "See `A` and [b](b.md)", "见[乙](b.md)和 `A`，`A` 在前").Replace(text)))
}

func sectionsOf(t *testing.T, name string) []section {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	// What differs by design: the link to the other language, and the language of the picture.
	return parse(strings.NewReplacer("(README.zh-CN.md)", "(OTHER)", "(README.md)", "(OTHER)", "page-zh.png", "page.png").Replace(string(text)))
}

func parse(text string) (sections []section) {
	var blocks []string
	text = codeBlock.ReplaceAllStringFunc(text, func(block string) string {
		blocks = append(blocks, block)
		return "\x00" // # in a block is no heading, and | no table
	})
	add := func(level int, body string) {
		s := section{level: level}
		n := strings.Count(body, "\x00")
		s.blocks, blocks = blocks[:n:n], blocks[n:]
		s.tables, s.keys = tablesIn(body)
		for _, m := range linkTo.FindAllStringSubmatch(body, -1) {
			s.links = append(s.links, m[1]+m[2])
		}
		s.spans = slices.Compact(slices.Sorted(slices.Values(spansIn(body))))
		sections = append(sections, s)
	}
	at, level := 0, 0
	for _, m := range heading.FindAllStringSubmatchIndex(text, -1) {
		add(level, text[at:m[0]])
		at, level = m[1], m[3]-m[2]
	}
	add(level, text[at:])
	return sections
}

func spansIn(text string) (spans []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
		spans = append(spans, m[1])
	}
	return spans
}

func tablesIn(body string) (tables [][]int, keys []string) {
	inTable := false
	for line := range strings.Lines(body) {
		row := strings.HasPrefix(line, "|")
		if row && !inTable {
			tables = append(tables, nil)
		}
		if inTable = row; row {
			last := len(tables) - 1
			tables[last] = append(tables[last], strings.Count(line, "|"))
			keys = append(keys, spansIn(strings.Split(line, "|")[1])...)
		}
	}
	return tables, keys
}

// TestLinksLeadSomewhere holds that every relative link in a document is to a file or folder that there is, and to a
// heading of it where it names one.
func TestLinksLeadSomewhere(t *testing.T) {
	found := 0
	for name, text := range documents(t, ".md") {
		for _, m := range linkTo.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			if m[1] == "" || strings.Contains(m[1], "://") {
				continue
			}
			found++
			file, anchor, _ := strings.Cut(m[1], "#")
			to := filepath.Join(filepath.Dir(name), file)
			if file == "" {
				to = name
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", name, m[1])
			} else if anchor != "" && !slices.Contains(anchorsOf(t, to), anchor) {
				t.Errorf("%s: %s has no heading %q", name, to, anchor)
			}
		}
	}
	require.Greater(t, found, 20, "the pattern fits no more")
}

// anchorsOf is what GitHub makes of a document's headings.
func anchorsOf(t *testing.T, name string) (anchors []string) {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(string(text), ""), -1) {
		slug := regexp.MustCompile(`[^\p{L}\p{N}\- _]`).ReplaceAllString(strings.ToLower(m[2]), "")
		anchors = append(anchors, strings.ReplaceAll(slug, " ", "-"))
	}
	return anchors
}

// TestNamedTestsExist holds that every test that a document or a doc.go names is a function of the repository, and is
// in the file that the name is a link to.
func TestNamedTestsExist(t *testing.T) {
	declared := declaredTests(t)
	found := 0
	said := documents(t, ".md")
	maps.Copy(said, documents(t, "doc.go"))
	for name, text := range said {
		for _, test := range testName.FindAllString(text, -1) {
			found++
			if len(declared[test]) == 0 {
				t.Errorf("%s: there is no %s", name, test)
			}
		}
		for _, m := range testLink.FindAllStringSubmatch(text, -1) {
			if file := filepath.Join(filepath.Dir(name), m[2]); !slices.Contains(declared[m[1]], file) {
				t.Errorf("%s: %s is not in %s", name, m[1], m[2])
			}
		}
	}
	require.Greater(t, found, 200, "the pattern fits no more")
}

// declaredTests is test -> the files that have one of that name.
func declaredTests(t *testing.T) map[string][]string {
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	declared := map[string][]string{}
	for name, text := range documents(t, "_test.go") {
		for _, m := range declaration.FindAllStringSubmatch(text, -1) {
			declared[m[1]] = append(declared[m[1]], name)
		}
	}
	return declared
}

// documents is path -> text of every file of the repository whose name ends so.
func documents(t *testing.T, suffix string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == ".git" || e.Name() == "node_modules" || e.Name() == "data") {
			return fs.SkipDir
		}
		if !e.IsDir() && strings.HasSuffix(e.Name(), suffix) {
			text, err := os.ReadFile(name)
			texts[name] = string(text)
			return err
		}
		return nil
	}))
	return texts
}
