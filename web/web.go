package web

import (
	"embed"
	"io/fs"
)

//go:embed static
var static embed.FS

// Files holds the page and the browser client, each under its plain name at the root:
// index.html, presence.js, presence.d.ts, page.js, page.css and what these load.
// It is read only and safe for concurrent use.
func Files() fs.FS {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // only for a name that is not a path, and this one is
	}
	return files
}
