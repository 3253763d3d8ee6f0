// Package deploy holds what operators put beside the bridge, and the tests that hold it to the bridge that there is:
// files name metrics, settings and paths, and nothing else would notice that one of them has gone.
//
//	RUNNING.md                   what the README leaves out, for who operates a bridge
//	RUNBOOK.md                   what each alert and each line of the doctor means, and what to do
//	METRICS.md                   what each metric tells, and what to look for
//	BACKENDS.md, backends/       the log for backends, by commands; consumers in other languages
//	systemd/                     a unit, its socket and its settings; their tests are in cmd/presence-bridge
//	cluster/compose.yml          three NATS nodes, two pollers, three hubs behind Caddy
//	observability/compose.yml    Prometheus with alert rules, Grafana with a dashboard; both compose files offer them as
//	                             the profile observability
//
// It has no code of its own. The tests build presence-bridge and read what it says of itself: /metrics of a demo, and
// --help of serve.
//
// What they hold:
//
//   - METRICS.md and /metrics of a whole bridge name the same metrics, types, labels and meanings: TestMetricsTable.
//   - Pages name no others: TestMetricsInProse. They are named as Prometheus wants it, and no label is a user:
//     TestMetricsAreNamedWell, TestNoUserIsALabel.
//   - Every metric, label and value of a label that a query of the dashboard or of an alert names exists:
//     TestQueriesNameWhatExists. That the check sees mistakes: TestMistakesInQueriesAreSeen.
//   - Every alert says what is the matter and where to read on (TestAlerts), and the runbook has a section for it, for
//     each line of the doctor, and for nothing else: TestRunbook. Every panel of the dashboard says what it shows:
//     TestDashboard.
//   - .env.example has every setting of serve, with its default, and nothing else: TestEnvExample.
//   - Compose files set only what is a setting, pass on all of .env.example that they do not set themselves, and have a
//     health check for every service: TestComposeFiles. The cluster takes the same settings: TestClusterPassesOnTheSame.
//   - A real Prometheus, where it is installed, takes the settings and looks at a demo: no alert is in error or fires, and
//     each query of the dashboard finds something: TestPrometheus.
//   - promtool, caddy and docker compose take the files, where they are installed: TestPromtool, TestCaddyfile,
//     TestDockerComposeConfig. Where one is not, its test says so.
package deploy
