package deploy

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/leftout"
)

// composeFiles are all there are, from this folder.
var composeFiles = []string{root + "/docker-compose.yml", "cluster/compose.yml", "observability/compose.yml"}

// compose is what these tests look at of a compose file. Merges (<<) are done by then.
type compose struct {
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image       string
	Build       struct{ Context string }
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Profiles    []string
	Extends     struct{ File, Service string }
	HealthCheck struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into), file)
}

var (
	flagLine = regexp.MustCompile(`^ +(?:-\w, )?--[a-z0-9-]+(?:=("[^"]*"|\S+))?`)
	variable = regexp.MustCompile(`\(\$([A-Z_]+)\)`)
	word     = regexp.MustCompile(`^[A-Z]+(,\.\.\.)?$`) // for what to put there
)

// settingsOf is variable -> default, of all that a command's --help names.
func settingsOf(t *testing.T, command string) map[string]string {
	t.Helper()
	settings, value := map[string]string{}, ""
	for line := range strings.Lines(help(t, command)) {
		if m := flagLine.FindStringSubmatch(line); m != nil {
			value = word.ReplaceAllString(strings.Trim(m[1], `"`), "")
		}
		if m := variable.FindStringSubmatch(line); m != nil {
			settings[m[1]] = value
		}
	}
	return settings
}

// envExample is variable -> default of .env.example, of what is before the part that compose files see to themselves,
// and in all.
func envExample(t *testing.T) (passed, all map[string]string) {
	t.Helper()
	text, err := os.ReadFile(root + "/.env.example")
	require.NoError(t, err)
	passed, all = map[string]string{}, map[string]string{}
	outside, before := false, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		outside = outside || strings.HasPrefix(line, "### Outside of the compose files")
		if m := regexp.MustCompile(`^#([A-Z_]+)=(.*)$`).FindStringSubmatch(line); m != nil {
			require.Regexp(t, `^# \S`, before, "%s is not explained", m[1])
			require.NotContains(t, all, m[1])
			if all[m[1]] = m[2]; !outside {
				passed[m[1]] = m[2]
			}
		} else {
			require.Regexp(t, `^(#.*)?$`, line, "nothing is set by a file that is copied as it is")
		}
		before = line
	}
	return passed, all
}

// ofComposeAlone are the variables that no process has, but a compose file.
var ofComposeAlone = []string{"VERSION", "COMMIT", "GRAFANA_PASSWORD"}

// TestEnvExample holds .env.example against the settings that serve has.
func TestEnvExample(t *testing.T) {
	_, all := envExample(t)
	for _, name := range ofComposeAlone {
		require.Contains(t, all, name)
		delete(all, name)
	}
	settings := settingsOf(t, "serve")
	require.Greater(t, len(settings), 30)
	require.Equal(t, settings, all)
}

// TestComposeFiles: what they set is a setting of the command they run, what they take from outside is in .env.example,
// and that is all of it; every service is asked for its health, by means that its image has.
func TestComposeFiles(t *testing.T) {
	passed, _ := envExample(t)
	for _, file := range composeFiles {
		var c compose
		read(t, file, &c)
		require.NotEmpty(t, c.Services)
		for name, s := range c.Services {
			t.Run(file+" "+name, func(t *testing.T) { checkService(t, file, c, s) })
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		taken := takenFrom(string(text))
		for _, name := range taken {
			require.Contains(t, passed, name, "%s takes it from outside, and .env.example does not have it", file)
		}
		if strings.HasPrefix(file, "observability") {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(passed)) {
			ownNATS := strings.HasPrefix(file, "cluster") && strings.HasPrefix(name, "NATS_")
			if name != "GRAFANA_PASSWORD" && !ownNATS {
				require.Contains(t, taken, name, ".env.example has it, and %s does not take it", file)
			}
		}
	}
}

// takenFrom lists what a file takes from the environment, but in comments.
func takenFrom(text string) (names []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllStringSubmatch(line, -1) {
			names = append(names, m[1])
		}
	}
	return names
}

func checkService(t *testing.T, file string, c compose, s service) {
	if s.Extends.File != "" {
		var other compose
		read(t, filepath.Join(filepath.Dir(file), s.Extends.File), &other)
		require.Contains(t, other.Services, s.Extends.Service)
		require.Equal(t, []string{"observability"}, s.Profiles, "it is there when it is asked for")
		s = other.Services[s.Extends.Service]
		requireVolumes(t, c, s)
		return
	}
	require.NotEmpty(t, s.HealthCheck.Test, "nobody asks for its health")
	for on, how := range s.DependsOn {
		require.Contains(t, c.Services, on)
		require.Equal(t, "service_healthy", how.Condition)
	}
	requireVolumes(t, c, s)
	for _, volume := range s.Volumes {
		if from, _, _ := strings.Cut(volume, ":"); strings.HasPrefix(from, ".") {
			require.FileExists(t, filepath.Join(filepath.Dir(file), from, map[bool]string{true: "presence.json"}[strings.HasSuffix(from, "dashboards")]))
		}
	}
	if s.Build.Context == "" {
		require.Regexp(t, `^[a-z/]+:\S+$`, s.Image, "a version is said")
		require.NotContains(t, s.Image, "latest")
		return
	}
	checkBridge(t, file, s)
}

// requireVolumes: a service that is taken over from another file does not bring its volumes.
func requireVolumes(t *testing.T, c compose, s service) {
	t.Helper()
	for _, volume := range s.Volumes {
		if from, _, _ := strings.Cut(volume, ":"); !strings.HasPrefix(from, ".") {
			require.Contains(t, c.Volumes, from)
		}
	}
}

// checkBridge looks at a service that runs presence-bridge.
func checkBridge(t *testing.T, file string, s service) {
	require.FileExists(t, filepath.Join(filepath.Dir(file), s.Build.Context, "Dockerfile"))
	settings := settingsOf(t, s.Command[0])
	for name := range s.Environment {
		require.Contains(t, settings, name, "%s has no such setting", s.Command[0])
	}
	require.Equal(t, []string{"CMD", "/presence-bridge", "healthcheck"}, s.HealthCheck.Test[:3])
	for _, flag := range append(slices.Clone(s.Command[1:]), s.HealthCheck.Test[3:]...) {
		if strings.HasPrefix(flag, "--") {
			require.Contains(t, help(t, s.Command[0])+help(t, "healthcheck"), flag+"=")
		}
	}
}

// TestClusterPassesOnTheSame: whoever moves from docker-compose.yml to the cluster takes every setting along.
func TestClusterPassesOnTheSame(t *testing.T) {
	var one, many compose
	read(t, composeFiles[0], &one)
	read(t, composeFiles[1], &many)
	for role, names := range map[string][]string{"poller": {"poller-1", "poller-2"}, "hub": {"hub-1", "hub-2", "hub-3"}} {
		for _, name := range names {
			want := maps.Clone(one.Services[role].Environment)
			want["NATS_URL"], want["NATS_REPLICAS"] = "nats://nats-1:4222,nats://nats-2:4222,nats://nats-3:4222", "3"
			require.Equal(t, want, many.Services[name].Environment, name)
		}
	}
}

// TestDockerComposeConfig has docker compose read the files, where it is there.
func TestDockerComposeConfig(t *testing.T) {
	command := dockerCompose()
	if command == nil {
		leftout.Test(t, "docker compose is not installed")
	}
	for _, file := range composeFiles[:2] { // which take the third one in
		args := append(slices.Clone(command[1:]), "-f", file, "--profile", "observability", "config")
		cmd := exec.CommandContext(t.Context(), command[0], args...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		require.NoError(t, cmd.Run(), "%s: %s", file, &errs)
		require.Contains(t, out.String(), "prom/prometheus:", file)
		require.NotContains(t, errs.String(), "not set", file)
	}
}

// dockerCompose is how it is called here: nil where it is not.
func dockerCompose() []string {
	for _, command := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if exec.Command(command[0], append(command[1:], "version")...).Run() == nil {
			return command
		}
	}
	return nil
}

// TestCaddyfile has Caddy read its settings, where it is there, and looks at what the hub needs of them.
func TestCaddyfile(t *testing.T) {
	text, err := os.ReadFile("cluster/Caddyfile")
	require.NoError(t, err)
	var c compose
	read(t, composeFiles[1], &c)
	for _, hub := range regexp.MustCompile(`hub-\d`).FindAllString(string(text), -1) {
		require.Contains(t, c.Services, hub)
	}
	for name := range c.Services {
		if strings.HasPrefix(name, "hub-") {
			require.Contains(t, string(text), name+":8080")
		}
	}
	leftout.Program(t, "caddy")
	out, err := exec.CommandContext(t.Context(), "caddy", "adapt", "--config", "cluster/Caddyfile", "--adapter", "caddyfile").Output()
	require.NoError(t, err)
	require.True(t, json.Valid(out))
	for _, want := range []string{`"policy":"least_conn"`, `"uri":"/readyz"`, `"flush_interval":-1`, `"try_duration":5000000000`} {
		require.Contains(t, strings.ReplaceAll(string(out), " ", ""), want)
	}
}
