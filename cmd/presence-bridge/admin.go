package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// adminHandler is what operators look in with. It is up before everything else and goes down after it. The
// command line is not among the profiles: a secret may be on it.
func (s *stack) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /debug/uid/{uid}", s.serveExplanation)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func (s *stack) serveReady(w http.ResponseWriter, _ *http.Request) {
	if err := s.ready(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// serveExplanation says what this process's poller knows of one user, for whoever wonders why they are shown so.
func (s *stack) serveExplanation(w http.ResponseWriter, r *http.Request) {
	uid, err := bridge.ParseUID(r.PathValue("uid"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case s.phase.Load() == phaseStarting || s.asker == nil:
		http.Error(w, "no poller runs in this process: ask the one that does", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.asker.Explain(uid))
	}
}
