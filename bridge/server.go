package bridge

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	serverStart = 10 * time.Second

	// syncEvery is how much a crash of the whole machine can take from the log at most; a crash of the process alone
	// takes nothing. The server's own default is two minutes.
	syncEvery = 5 * time.Second
)

// ServerOptions are what an in-process NATS server can be told.
type ServerOptions struct {
	Dir    string // where JetStream stores; a directory of its own, removed by Stop, when empty
	Listen string // host:port for other processes; nobody else can connect when empty, port 0 takes a free one
	Logger *slog.Logger
}

// Server is a NATS server with JetStream inside this process: the whole bus of a small deployment, and of
// every test.
type Server struct {
	ns      *server.Server
	listens bool   // others can connect
	temp    string // removed by Stop
}

// StartServer starts a NATS server and waits until it takes connections.
func StartServer(o ServerOptions) (*Server, error) {
	opts := &server.Options{
		ServerName: "presence-bridge", JetStream: true, StoreDir: o.Dir,
		DontListen: o.Listen == "", NoSigs: true, NoLog: o.Logger == nil, SyncInterval: syncEvery,
	}
	if err := listenOn(opts, o.Listen); err != nil {
		return nil, err
	}
	s := &Server{listens: !opts.DontListen}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "presence-bridge-nats-")
		if err != nil {
			return nil, fmt.Errorf("making a directory for NATS: %w", err)
		}
		opts.StoreDir, s.temp = dir, dir
	}
	if err := s.start(opts, o.Logger); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func listenOn(opts *server.Options, listen string) error {
	if listen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("NATS_LISTEN %q: %w", listen, err)
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("NATS_LISTEN %q: %q is no port", listen, port)
	}
	opts.Host, opts.Port = host, n
	if n == 0 {
		opts.Port = server.RANDOM_PORT
	}
	return nil
}

func (s *Server) start(opts *server.Options, logger *slog.Logger) error {
	if err := tryListen(opts); err != nil {
		return err
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("making the in-process NATS server: %w", err)
	}
	s.ns = ns
	if logger != nil {
		ns.SetLoggerV2(natsLogger{logger}, false, false, false)
	}
	ns.Start()
	if !ns.ReadyForConnections(serverStart) {
		return errors.New("the in-process NATS server did not get ready; is its data directory used by another process?")
	}
	if !ns.JetStreamEnabled() {
		return fmt.Errorf("the in-process NATS server has no JetStream; can %s be written?", opts.StoreDir)
	}
	return nil
}

// tryListen finds a port in use before the server does, which would end the whole process for it.
func tryListen(opts *server.Options) error {
	if opts.DontListen || opts.Port == server.RANDOM_PORT {
		return nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(opts.Host, strconv.Itoa(opts.Port)))
	if err != nil {
		return fmt.Errorf("listening for NATS: %w (NATS_LISTEN chooses another address, NATS_URL a server that runs already)", err)
	}
	return l.Close()
}

// Connect returns a connection that never leaves the process. The caller closes it.
func (s *Server) Connect(logger *slog.Logger) (*nats.Conn, error) {
	return Connect(nats.DefaultURL, "", logger, nats.InProcessServer(s.ns))
}

// URL is where other processes reach the server, empty when they cannot.
func (s *Server) URL() string {
	if !s.listens {
		return ""
	}
	return s.ns.ClientURL()
}

// Stop ends the server and waits for it.
func (s *Server) Stop() {
	if s.ns != nil {
		s.ns.Shutdown()
		s.ns.WaitForShutdown()
	}
	if s.temp != "" {
		_ = os.RemoveAll(s.temp)
	}

}

// natsLogger lets the server speak through slog: its notices are our debugging.
type natsLogger struct{ l *slog.Logger }

func (n natsLogger) Noticef(f string, v ...any) { n.l.Debug("nats: " + fmt.Sprintf(f, v...)) }
func (n natsLogger) Debugf(f string, v ...any)  { n.l.Debug("nats: " + fmt.Sprintf(f, v...)) }
func (n natsLogger) Tracef(f string, v ...any)  { n.l.Debug("nats: " + fmt.Sprintf(f, v...)) }
func (n natsLogger) Warnf(f string, v ...any)   { n.l.Warn("nats: " + fmt.Sprintf(f, v...)) }
func (n natsLogger) Errorf(f string, v ...any)  { n.l.Error("nats: " + fmt.Sprintf(f, v...)) }
func (n natsLogger) Fatalf(f string, v ...any)  { n.l.Error("nats: " + fmt.Sprintf(f, v...)) }
