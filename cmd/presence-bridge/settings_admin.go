package main

// adminSettings say where operators look in.
type adminSettings struct {
	AdminListen string `variable:"ADMIN_LISTEN" group:"process" default:"127.0.0.1:8081" help:"Admin listener: /metrics, /healthz, /readyz, /debug/pprof/. Not for the public."`
}

func (s adminSettings) problems() []error { return []error{checkListen("ADMIN_LISTEN", s.AdminListen)} }
