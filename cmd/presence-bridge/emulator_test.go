package main

import (
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// emulatorOptions is what flags make of the emulator.
func emulatorOptions(t *testing.T, args ...string) any {
	t.Helper()
	p := &process{env: environment{}}
	_, cmd, err := p.parse(append([]string{"emulator"}, args...))
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return cmd.(*emulatorCommand).options(nil)
}

// TestEveryEmulatorFlagArrives holds that none of the emulator's flags is read and forgotten.
func TestEveryEmulatorFlagArrives(t *testing.T) {
	plain := emulatorOptions(t)
	special := map[string]string{"app": "other", "org": "other", "callback-url": "http://127.0.0.1/", "expiry-over": "clamp", "error-shape": "bare", "page-size-over": "refuse",
		"error-status": "500"}
	here := []string{"listen", "log-level", "log-format", "help"} // of the process, not of the emulator
	for _, flag := range commandNode(t, "emulator").Flags {
		if slices.Contains(here, flag.Name) {
			continue
		}
		arg := "--" + flag.Name + "=" + otherThanDefault(flag, special)
		if reflect.DeepEqual(emulatorOptions(t, arg), plain) {
			t.Errorf("%s changes nothing", arg)
		}
		delete(special, flag.Name)
	}
	if len(special) > 0 {
		t.Errorf("no such flags: %v", slices.Collect(maps.Keys(special)))
	}
}

// otherThanDefault is a value that a flag does not have by itself.
func otherThanDefault(flag *kong.Flag, special map[string]string) string {
	if value, ok := special[flag.Name]; ok {
		return value
	}
	switch {
	case flag.Target.Type() == reflect.TypeFor[time.Duration]():
		return "77s"
	case flag.Target.Kind() == reflect.Bool:
		return "true"
	case flag.Target.Kind() == reflect.Float64:
		return "0.5"
	case flag.Target.Kind() == reflect.String:
		return "other"
	}
	return "77"
}

// TestEmulatorsHelpIsTrue makes every call that the help and the greeting teach.
func TestEmulatorsHelpIsTrue(t *testing.T) {
	e := start(t, []string{"EMULATOR_LISTEN=127.0.0.1:0", "EMULATOR_CLIENT_SECRET=it's"}, "emulator", "--token", "t", "--group-count", "--users", "5")
	url := e.stdout.wait(t, `demo#presence is played at (http://\S+)$`)
	e.stdout.wait(t, `^  curl .*/token`)
	lessons := strings.ReplaceAll(new(emulatorCommand).examples(), "http://127.0.0.1:9090", url)
	lessons = strings.ReplaceAll(lessons, `"secret"`, `"it'\''s"`) + e.stdout.String()
	calls := 0
	for line := range strings.Lines(lessons) {
		rest, isCall := strings.CutPrefix(strings.TrimSpace(line), "curl ")
		if !isCall {
			continue
		}
		calls++
		if status, body := curl(t, rest); status/100 != 2 {
			t.Errorf("%s: %d %s", line, status, body)
		}
	}
	if calls < 20 {
		t.Errorf("the help teaches %d calls only", calls)
	}
}

// curl makes the request of a command line, as far as the help needs it.
func curl(t *testing.T, line string) (status int, body string) {
	t.Helper()
	method, data, url := http.MethodGet, "", ""
	header := http.Header{}
	args := shellWords(line)
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-X":
			i++
			method = args[i]
		case "-H":
			i++
			name, value, _ := strings.Cut(args[i], ": ")
			header.Set(name, value)
		case "-d":
			i++
			data = args[i]
		default:
			url = args[i]
		}
	}
	if data != "" && method == http.MethodGet {
		method = http.MethodPost
	}
	if data != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl does when nothing is said
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	request.Header = header
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// shellWords splits a line at its blanks, save in single quotes; a backslash stands for what follows it.
func shellWords(line string) (words []string) {
	word, quoted := "", false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'':
			quoted = !quoted
		case c == '\\' && !quoted:
			i++
			word += line[i : i+1]
		case c == ' ' && !quoted:
			words, word = append(words, word), ""
		default:
			word += line[i : i+1]
		}
	}
	return append(words, word)
}

// TestEveryOptionOfTheEmulatorHasAFlag holds that whatever the emulator can be, the command line can make it.
func TestEveryOptionOfTheEmulatorHasAFlag(t *testing.T) {
	c := new(emulatorCommand)
	fill(reflect.ValueOf(c).Elem())
	for _, name := range unset(reflect.ValueOf(c.options(nil)), "") {
		if noFlag := []string{"KeepHistory", "Logger", "Callback.Transport", "Faults.LimitPerS"}; !slices.Contains(noFlag, name) {
			t.Errorf("no flag sets %s", name)
		}
	}
}

// fill gives every field a value that is not its zero value.
func fill(v reflect.Value) {
	for _, field := range reflect.VisibleFields(v.Type()) {
		f := v.FieldByIndex(field.Index)
		switch {
		case !f.CanSet():
		case f.Type() == reflect.TypeFor[time.Duration]():
			f.SetInt(int64(time.Hour))
		case f.Kind() == reflect.String:
			f.SetString("x")
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.CanInt():
			f.SetInt(7)
		case f.CanUint():
			f.SetUint(7)
		case f.CanFloat():
			f.SetFloat(0.5)
		}
	}
}

// unset are the names of the fields that have their zero value, those of structs within it too.
func unset(v reflect.Value, prefix string) (names []string) {
	for i := range v.NumField() {
		name := prefix + v.Type().Field(i).Name
		switch {
		case v.Field(i).Kind() == reflect.Struct:
			names = append(names, unset(v.Field(i), name+".")...)
		case v.Field(i).IsZero():
			names = append(names, name)
		}
	}
	return names
}
