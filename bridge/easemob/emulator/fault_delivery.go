package emulator

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"
)

// page is the body of webPage.
const page = "<html>\r\n<head><title>%TEXT%</title></head>\r\n<body>\r\n<center><h1>%TEXT%</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

// hold keeps an answer back for as long as the latency is, or until its caller gives up.
func hold(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reset cuts the connection without a word: by TCP reset where there is TCP.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server closes the connection (or, in HTTP/2, the stream)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what fails here makes the end only a little less rude
	}
	_ = conn.Close()
}

// writeMangled sends an answer that no reader can take for whole: a JSON value that is cut ends without
// its last bracket, and a NUL is legal nowhere in JSON.
func (a answer) writeMangled(w http.ResponseWriter, m mangling) {
	half := len(a.body) / 2
	switch m {
	case truncated:
		a.body = a.body[:half]
		a.write(w)
	case garbled:
		a.body = append([]byte(nil), a.body...)
		a.body[half] = 0
		a.write(w)
	case brokenOff:
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body[:half]) // the server closes a connection whose handler wrote too little
	default:
		a.write(w)
	}
}
