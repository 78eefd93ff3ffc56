package builtins

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.starlark.net/starlark"
)

// A message is an argument that is a pair of a port of the loopback interface and what
// is sent to it.
type message struct {
	port  int
	data  blob
	taken bool // something has listened there
}

func (m *message) Unpack(v starlark.Value) error {
	pair, ok := v.(starlark.Tuple)
	if !ok || len(pair) != 2 {
		return fmt.Errorf("got %s, want a pair of a port and bytes", brief(v))
	}
	if err := starlark.AsInt(pair[0], &m.port); err != nil || m.port < 1 || m.port > 65535 {
		return fmt.Errorf("the port is %s, want 1 to 65535", brief(pair[0]))
	}
	return m.data.Unpack(pair[1])
}

// listenEach is how long it is waited for a listener between two looks.
const listenEach = 2 * time.Millisecond

// send connects to the port as soon as something listens there, sends the data and its
// end, and reads the answer. It returns true when the server closes the connection, false
// if ctx ends first, with which the connection is closed. Before it sends, it calls ready,
// and answered when the answer has begun.
func (m *message) send(ctx context.Context, ready, answered func()) bool {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port))
	var conn net.Conn
	for {
		var err error
		if conn, err = new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(listenEach):
		}
	}
	context.AfterFunc(ctx, func() { conn.Close() }) // not before: SIGPIPE would end a server that answers yet
	m.taken = true
	ready()
	if _, err := conn.Write([]byte(m.data)); err == nil {
		conn.(*net.TCPConn).CloseWrite()
	}
	buf := make([]byte, 1<<12)
	for {
		if _, err := conn.Read(buf); err != nil {
			return ctx.Err() == nil
		}
		answered()
	}
}
