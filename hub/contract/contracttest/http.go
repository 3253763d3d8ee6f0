package contracttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// route is a path of the document.
type route struct {
	path    string
	matches *regexp.Regexp
	item    map[string]any // method -> operation
}

var parameter = regexp.MustCompile(`\\\{\w+\\\}`)

// pattern matches what a template with parameters in braces stands for; between is what parts are separated by.
func pattern(template, between string) *regexp.Regexp {
	return regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(template), "[^"+between+"]+") + "$")
}

// routesOf lists those with the fewest parameters first, as they come before others.
func routesOf(openAPI map[string]any) (routes []route) {
	paths, _ := openAPI["paths"].(map[string]any)
	for path, item := range paths {
		routes = append(routes, route{path, pattern(path, "/"), item.(map[string]any)})
	}
	slices.SortFunc(routes, func(a, b route) int {
		return strings.Count(a.path, "{") - strings.Count(b.path, "{")
	})
	return routes
}

// Exchange is a request over HTTP with its answer.
type Exchange struct {
	Method, Path string // without the query
	Asked        []byte
	Status       int
	Header       http.Header
	Said         []byte
}

// Exchange holds a request and its answer against the OpenAPI document. What is not under /v1 and not in it is the page's.
// A request has to be as documented where it was granted.
func (c *Contract) Exchange(e Exchange) error {
	operation, documented := c.operation(e.Method, e.Path)
	switch {
	case e.Method == http.MethodHead, e.Method == http.MethodOptions, operation == nil && !documented && !strings.HasPrefix(e.Path, "/v1/"):
		return nil
	case operation == nil:
		return c.refusal(e)
	}
	response := c.response(operation, e.Status)
	if response == nil {
		return fmt.Errorf("%s %s answers %d, which is not documented: %.300s", e.Method, e.Path, e.Status, e.Said)
	}
	err := errors.Join(c.content(response["content"], e.Header.Get("Content-Type"), e.Said), c.status(e.Status, e.Said))
	if err != nil {
		return fmt.Errorf("%s %s answers %d: %w", e.Method, e.Path, e.Status, err)
	}
	if body, ok := operation["requestBody"].(map[string]any); ok && e.Status == http.StatusOK {
		if err := c.content(body["content"], "application/json", e.Asked); err != nil {
			return fmt.Errorf("%s %s is granted: %w", e.Method, e.Path, err)
		}
	}
	return nil
}

// response is what is documented of an answer with a status, nil where it is not.
func (c *Contract) response(operation map[string]any, status int) map[string]any {
	responses, _ := operation["responses"].(map[string]any)
	response := responses[strconv.Itoa(status)]
	if ref := refOf(response); ref != "" {
		response = At(c.OpenAPI, ref)
	}
	found, _ := response.(map[string]any)
	return found
}

// operation is what serves a request, nil where nothing does; documented says whether the path is there.
func (c *Contract) operation(method, path string) (operation map[string]any, documented bool) {
	for _, r := range c.routes {
		if r.matches.MatchString(path) {
			documented = true
			if operation, ok := r.item[strings.ToLower(method)].(map[string]any); ok {
				return operation, true
			}
		}
	}
	return nil, documented
}

func pointer(parts ...string) string {
	for i, part := range parts {
		parts[i] = strings.NewReplacer("~", "~0", "/", "~1").Replace(part)
	}
	return "#/" + strings.Join(parts, "/")
}

// refusal is what is not documented has to be answered with.
func (c *Contract) refusal(e Exchange) error {
	if e.Status < 400 || e.Status >= 500 {
		return fmt.Errorf("%s %s is not documented and answers %d: %.300s", e.Method, e.Path, e.Status, e.Said)
	}
	return c.Schema("Refusal", e.Said)
}

// content holds a body against the content of a response or a request.
func (c *Contract) content(content any, contentType string, body []byte) error {
	kind, _, _ := mime.ParseMediaType(contentType)
	kinds, _ := content.(map[string]any)
	media, ok := kinds[kind].(map[string]any)
	if !ok {
		return fmt.Errorf("%q, and only %q are documented", kind, slices.Sorted(maps.Keys(kinds)))
	}
	if name := schemaOf(media["schema"]); name != "" {
		return c.Schema(name, body)
	}
	return nil
}

// status holds the status of a refusal against that of its code.
func (c *Contract) status(status int, body []byte) error {
	var said struct{ Code string }
	_ = json.Unmarshal(body, &said)
	rows, _ := c.OpenAPI["x-error-codes"].([]any)
	for _, row := range rows {
		row := row.(map[string]any)
		if want, ok := row["status"].(float64); ok && row["code"] == said.Code && int(want) != status {
			return fmt.Errorf("%s has the status %d, and %.0f is documented", said.Code, status, want)
		}
	}
	return nil
}
