package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Contract is both documents, read.
type Contract struct {
	OpenAPI, AsyncAPI map[string]any

	schemas map[string]*jsonschema.Schema // name -> that of components.schemas, closed
	routes  []route
	places  []place
	types   map[string]map[string]string // operation -> message -> schema
}

const schemasAt = "#/components/schemas/"

// Parse reads the documents and compiles their schemas.
func Parse(openAPI, asyncAPI []byte) (*Contract, error) {
	c := &Contract{schemas: map[string]*jsonschema.Schema{}}
	for data, into := range map[*[]byte]*map[string]any{&openAPI: &c.OpenAPI, &asyncAPI: &c.AsyncAPI} {
		if err := json.Unmarshal(*data, into); err != nil {
			return nil, fmt.Errorf("reading a document: %w", err)
		}
	}
	closed, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		return nil, err
	}
	schemas := At(closed, schemasAt)
	closeObjects(schemas)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("contract.json", closed); err != nil {
		return nil, err
	}
	for name := range schemas.(map[string]any) {
		if c.schemas[name], err = compiler.Compile("contract.json" + schemasAt + name); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
	}
	c.routes, c.places = routesOf(c.OpenAPI), placesOf(c.AsyncAPI)
	c.types = map[string]map[string]string{"tellClients": typesOf(c.AsyncAPI, "tellClients"), "hearClients": typesOf(c.AsyncAPI, "hearClients")}
	return c, nil
}

// closeObjects lets an object have the properties that are named, where it is not said that there may be more.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		_, named := v["properties"].(map[string]any)
		if _, said := v["additionalProperties"]; named && !said {
			v["additionalProperties"] = false
		}
		for _, part := range v {
			closeObjects(part)
		}
	case []any:
		for _, part := range v {
			closeObjects(part)
		}
	}
}

// At is what a reference within a document (#/a/b) leads to, through further references; nil where there is nothing.
func At(document any, ref string) any {
	at := document
	for part := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(ref, "#"), "/"), "/") {
		object, _ := at.(map[string]any)
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		if next := refOf(at); next != "" {
			at = At(document, next)
		}
	}
	return at
}

// refOf is where an object refers to, "" where it does not.
func refOf(v any) string {
	object, _ := v.(map[string]any)
	ref, _ := object["$ref"].(string)
	return ref
}

// Schema holds JSON against one of the schemas.
func (c *Contract) Schema(name string, data []byte) error {
	schema := c.schemas[name]
	if schema == nil {
		return fmt.Errorf("there is no schema %q", name)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("%.300s is no %s: %w", data, name, err)
	}
	return nil
}

// schemaOf is the name of the schema that an object with a $ref to it uses.
func schemaOf(v any) string { return strings.TrimPrefix(refOf(v), schemasAt) }
