package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestLogFormat: text for people at a terminal, JSON for what collects logs.
func TestLogFormat(t *testing.T) {
	const text, json = "level=INFO msg=hello", `"level":"INFO","msg":"hello"`
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !isTerminal(terminal) || isTerminal(file) || isTerminal(new(bytes.Buffer)) {
		t.Error("a terminal is taken for what it is not")
	}
	for format, want := range map[string]string{"auto": json, "text": text, "json": json} {
		var out bytes.Buffer
		logSettings{LogFormat: format, LogLevel: "info"}.logger(&out).Info("hello")
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %s", format, &out)
		}
	}
}
