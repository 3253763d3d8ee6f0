package doctor

// Checks are the names of what [Examine] looks at, in the order in which it tells. The runbook has a section of each.
var Checks = []string{
	"settings", "vendor", "app", "token", "presence", "operators", "vendor clock",
	"data dir", "nats port", "nats", "jetstream", "permissions", "stream", "buckets", "replicas", "nats clock",
	"budget", "capacity", "public port", "admin port", "auth", "callbacks",
}

// Forecasts are the names of what [Forecast] tells, in order.
var Forecasts = []string{"looks", "turn", "lag", "operators", "renewal", "hubs", "disk"}
