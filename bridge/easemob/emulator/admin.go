package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// faultsAnswer is the faults in force, and how often each has fired. It can be sent back as it is: what has
// fired is passed over there.
type faultsAnswer struct {
	Faults
	Fired Fired `json:"fired"`
}

// adminHandler serves what tests and people who play with the emulator turn. No token, no limit, no fault.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_emulator/users", s.adminUsers)
	mux.HandleFunc("PUT /_emulator/users/{uid}", s.adminSetUser)
	mux.HandleFunc("GET /_emulator/stats", func(w http.ResponseWriter, _ *http.Request) { say(w, s.Stats()) })
	mux.HandleFunc("DELETE /_emulator/stats", s.adminResetStats)
	mux.HandleFunc("DELETE /_emulator/tokens", s.adminRevokeTokens)
	mux.HandleFunc("GET /_emulator/faults", func(w http.ResponseWriter, _ *http.Request) { say(w, s.adminFaults()) })
	mux.HandleFunc("PUT /_emulator/faults", s.adminSetFaults)
	mux.HandleFunc("GET /_emulator/population", func(w http.ResponseWriter, _ *http.Request) { say(w, s.Population()) })
	mux.HandleFunc("PUT /_emulator/population", s.adminSetPopulation)
	return mux
}

func (s *Server) adminUsers(w http.ResponseWriter, r *http.Request) {
	users := s.people.everybody
	if query := r.URL.Query(); query.Has("uids") {
		uids := strings.Split(query.Get("uids"), ",")
		users = func() map[string]User { return s.people.look(s.rules.folded(uids)) }
	}
	say(w, map[string]any{"users": cloned(users())})
}

func (s *Server) adminSetUser(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Status map[string]string `json:"status"`
		Ext    string            `json:"ext"`
	}
	uid := r.PathValue("uid")
	err := read(w, r, &in)
	if err == nil {
		err = s.rules.legalState(uid, in.Status, in.Ext)
	}
	if err != nil {
		sayNo(w, err)
		return
	}
	user, made := s.setUser(uid, in.Status, in.Ext)
	if !made {
		sayNo(w, fmt.Errorf("%d users are the most that can be set", s.people.most))
		return
	}
	say(w, user)
}

// legalState keeps by hand what the API could not have made out of the truth.
func (r rules) legalState(uid string, status map[string]string, ext string) error {
	var wrong []error
	if _, no := r.legalName(uid); no != nil {
		wrong = append(wrong, errors.New(no.text))
	}
	if len(ext) > r.maxExt {
		wrong = append(wrong, fmt.Errorf("ext has %d bytes, %d is the most", len(ext), r.maxExt))
	}
	if len(status) > maxDevices {
		wrong = append(wrong, fmt.Errorf("status has %d devices, %d are the most", len(status), maxDevices))
	}
	for device, value := range status {
		if len(device) > maxResourceBytes {
			wrong = append(wrong, fmt.Errorf("device %.40q... has %d bytes, %d are the most", device, len(device), maxResourceBytes))
		}
		if device == "" || !isStatus(value) {
			wrong = append(wrong, fmt.Errorf("status of device %q is %q, not a number as a string", device, value))
		}
	}
	return errors.Join(wrong...)
}

func (s *Server) adminResetStats(w http.ResponseWriter, _ *http.Request) {
	s.ResetStats()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) adminRevokeTokens(w http.ResponseWriter, _ *http.Request) {
	s.RevokeTokens()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) adminFaults() faultsAnswer {
	f, fired := s.dice.get()
	f.ErrorStatus = f.errorStatus()
	f.CallbackLateMS = f.callbackLateMS()
	if f.LimitPerS == 0 {
		f.LimitPerS = max(s.options.LimitPerS, 0)
	}
	return faultsAnswer{f, fired}
}

func (s *Server) adminSetFaults(w http.ResponseWriter, r *http.Request) {
	var in faultsAnswer
	err := read(w, r, &in)
	if err == nil {
		err = s.SetFaults(in.Faults)
	}
	if err != nil {
		sayNo(w, err)
		return
	}
	say(w, s.adminFaults())
}

// adminSetPopulation changes what the request names, and leaves the rest as it is.
func (s *Server) adminSetPopulation(w http.ResponseWriter, r *http.Request) {
	in := s.Population()
	err := read(w, r, &in)
	if err == nil {
		err = s.SetPopulation(in)
	}
	if err != nil {
		sayNo(w, err)
		return
	}
	say(w, s.Population())
}

// read reads one JSON object of known fields; a field that is misspelt is an error, not a default.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := readBody(w, r, maxAdminBody)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	if first := bytes.TrimSpace(body); len(first) > 0 && first[0] != '{' { // null would be taken for {}
		return errors.New("reading the request: no JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("reading the request: more than one JSON value")
	}
	return nil
}

func say(w http.ResponseWriter, v any) { asJSON(http.StatusOK, v).write(w) }

func sayNo(w http.ResponseWriter, err error) {
	asJSON(http.StatusBadRequest, map[string]string{"error": err.Error()}).write(w)
}
