//go:build linux

package node

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// streams is the streaming server of the CRI, which exists as a Go library: exec, attach and port-forward. The bytes go
// between it and the process that holds the container (src/sandkube/runtime/holder.py), by files that are passed along.
type streams struct {
	runtime  *runtimeClient
	server   streaming.Server
	listener net.Listener
}

// serveStreams listens on loopback; every stream needs a token of its own, which only the kubelet is told.
func serveStreams(runtime *runtimeClient) (*streams, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for streams: %w", err)
	}
	s := &streams{runtime: runtime, listener: listener}
	config := streaming.DefaultConfig
	config.Addr = listener.Addr().String()
	if s.server, err = streaming.NewServer(config, s); err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(listener, s.server) }()
	return s, nil
}

func (s *streams) stop() { _ = s.listener.Close() }

// answer answers the three requests for a stream with the address of one; nil for all others.
func (s *streams) answer(request proto.Message) (proto.Message, error) {
	switch asked := request.(type) {
	case *runtimeapi.ExecRequest:
		return s.server.GetExec(asked)
	case *runtimeapi.AttachRequest:
		return s.server.GetAttach(asked)
	case *runtimeapi.PortForwardRequest:
		return s.server.GetPortForward(asked)
	}
	return nil, nil
}

// Exec runs a command in a container; a *CodeExitError for one that ends with another status than 0.
func (s *streams) Exec(
	ctx context.Context, container string, command []string, in io.Reader, out, errOut io.WriteCloser, tty bool,
	resize <-chan remotecommand.TerminalSize,
) error {
	h, err := s.holder(ctx, container)
	if err != nil {
		return err
	}
	defer h.close()
	var ends pipes
	defer ends.close()
	if !tty {
		if err := ends.open(in, out, errOut, true); err != nil {
			return err
		}
	}
	if err := h.send(map[string]any{"do": "exec", "arguments": command, "tty": tty}, ends.theirs); err != nil {
		return err
	}
	ends.closeTheirs()
	answer, file, err := h.receive()
	if err != nil {
		return err
	}
	if answer.Error != "" {
		said := errOut
		if said == nil {
			said = out
		}
		if said != nil { // kubectl itself tells the exit code alone
			fmt.Fprintln(said, answer.Error)
		}
		return &utilexec.CodeExitError{Err: errors.New(answer.Error), Code: answer.Code}
	}
	var copied sync.WaitGroup
	if tty {
		if file == nil {
			return errors.New("no terminal came")
		}
		defer file.Close()
		go h.resize(resize)
		if in != nil {
			go func() { _, _ = io.Copy(file, in) }()
		}
		copied.Go(func() { _, _ = io.Copy(out, file) })
	} else {
		ends.copy(&copied, in, out, errOut)
	}
	answer, _, err = h.receive()
	if err != nil {
		return fmt.Errorf("the container ended: %w", err)
	}
	copied.Wait()
	if answer.Exit != 0 {
		return &utilexec.CodeExitError{Err: fmt.Errorf("the command ended with %d", answer.Exit), Code: answer.Exit}
	}
	return nil
}

// Attach connects to what a container's command reads and prints, until it ends or the client leaves.
func (s *streams) Attach(
	ctx context.Context, container string, in io.Reader, out, errOut io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize,
) error {
	h, err := s.holder(ctx, container)
	if err != nil {
		return err
	}
	defer h.close()
	var ends pipes
	defer ends.close()
	if err := ends.open(in, out, errOut, false); err != nil {
		return err
	}
	if err := h.send(map[string]any{"do": "attach", "streams": ends.names}, ends.theirs); err != nil {
		return err
	}
	ends.closeTheirs()
	if answer, _, err := h.receive(); err != nil || answer.Error != "" {
		return errors.Join(err, errors.New(answer.Error))
	}
	go h.resize(resize)
	var copied sync.WaitGroup
	ends.copy(&copied, in, out, errOut)
	copied.Wait()
	return nil
}

// PortForward connects a stream with a port of a pod: at its address, or where a program listens on loopback alone.
func (s *streams) PortForward(ctx context.Context, sandbox string, port int32, stream io.ReadWriteCloser) error {
	body, err := json.Marshal(map[string]string{"pod_sandbox_id": sandbox})
	if err != nil {
		return err
	}
	answer, err := s.runtime.ask(ctx, "PodAddress", body)
	if err != nil {
		return err
	}
	var pod struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(answer, &pod); err != nil {
		return err
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(pod.Address, strconv.Itoa(int(port))))
	if err != nil {
		local, again := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
		if again != nil {
			return err
		}
		connection = local
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(stream, connection)
		_ = stream.Close()
	}()
	_, _ = io.Copy(connection, stream)
	_ = connection.(*net.TCPConn).CloseWrite()
	<-done
	return nil
}

func (s *streams) holder(ctx context.Context, container string) (*holder, error) {
	body, err := json.Marshal(map[string]string{"container_id": container})
	if err != nil {
		return nil, err
	}
	answer, err := s.runtime.ask(ctx, "ControlSocket", body)
	if err != nil {
		return nil, err
	}
	var found struct {
		Path string `json:"path"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return nil, err
	}
	connection, err := dial(ctx, found.Path)
	if err != nil {
		return nil, err
	}
	h := &holder{connection: connection.(*net.UnixConn)}
	h.leave = context.AfterFunc(ctx, func() { h.connection.Close() })
	h.lines = bufio.NewReader(&fileReader{holder: h})
	return h, nil
}

// holder is a connection to the process that holds a container.
type holder struct {
	connection *net.UnixConn
	lines      *bufio.Reader
	file       *os.File // the last that came
	leave      func() bool
	sending    sync.Mutex
}

type answer struct {
	Started int    `json:"started"`
	Exit    int    `json:"exit"`
	Error   string `json:"error"`
	Code    int    `json:"code"`
}

func (h *holder) close() {
	h.leave()
	_ = h.connection.Close()
}

func (h *holder) send(message any, files []*os.File) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	var rights []byte
	if len(files) > 0 {
		numbers := make([]int, len(files))
		for at, file := range files {
			numbers[at] = int(file.Fd())
		}
		rights = unix.UnixRights(numbers...)
	}
	h.sending.Lock()
	defer h.sending.Unlock()
	line = append(line, '\n')
	sent, _, err := h.connection.WriteMsgUnix(line, rights, nil)
	if err == nil && sent < len(line) {
		_, err = h.connection.Write(line[sent:])
	}
	return err
}

func (h *holder) receive() (answer, *os.File, error) {
	line, err := h.lines.ReadBytes('\n')
	if err != nil {
		return answer{}, nil, err
	}
	var found answer
	err = json.Unmarshal(line, &found)
	return found, h.file, err
}

func (h *holder) resize(sizes <-chan remotecommand.TerminalSize) {
	for size := range sizes {
		if h.send(map[string]any{"do": "resize", "rows": size.Height, "columns": size.Width}, nil) != nil {
			return
		}
	}
}

// fileReader reads a holder's connection, and keeps the file that comes with the bytes.
type fileReader struct{ holder *holder }

func (r *fileReader) Read(into []byte) (int, error) {
	rights := make([]byte, unix.CmsgSpace(4))
	count, more, _, _, err := r.holder.connection.ReadMsgUnix(into, rights)
	if more > 0 {
		messages, parsed := unix.ParseSocketControlMessage(rights[:more])
		if parsed == nil && len(messages) == 1 {
			if numbers, parsed := unix.ParseUnixRights(&messages[0]); parsed == nil && len(numbers) > 0 {
				unix.CloseOnExec(numbers[0])
				r.holder.file = os.NewFile(uintptr(numbers[0]), "terminal")
			}
		}
	}
	if count == 0 && err == nil {
		return 0, io.EOF
	}
	return count, err
}

// pipes are the streams of a command: our ends, and those that are passed on.
type pipes struct {
	in          *os.File
	out, errOut *os.File
	theirs      []*os.File
	names       []string
}

// open makes a pipe for each stream that is wanted; with all, those that are not wanted are /dev/null.
func (p *pipes) open(in io.Reader, out, errOut io.WriteCloser, all bool) error {
	for _, one := range []struct {
		name   string
		wanted bool
		read   bool // by them
		ours   **os.File
	}{{"stdin", in != nil, true, &p.in}, {"stdout", out != nil, false, &p.out}, {"stderr", errOut != nil, false, &p.errOut}} {
		if !one.wanted {
			if all {
				null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
				if err != nil {
					return err
				}
				p.theirs = append(p.theirs, null)
			}
			continue
		}
		reading, writing, err := os.Pipe()
		if err != nil {
			return err
		}
		mine, given := reading, writing
		if one.read {
			mine, given = writing, reading
		}
		*one.ours = mine
		p.theirs, p.names = append(p.theirs, given), append(p.names, one.name)
	}
	return nil
}

// copy copies; the wait group is done when all that was printed has been read.
func (p *pipes) copy(copied *sync.WaitGroup, in io.Reader, out, errOut io.WriteCloser) {
	if p.in != nil {
		go func() {
			_, _ = io.Copy(p.in, in)
			_ = p.in.Close()
		}()
	}
	if p.out != nil {
		copied.Go(func() { _, _ = io.Copy(out, p.out) })
	}
	if p.errOut != nil {
		copied.Go(func() { _, _ = io.Copy(errOut, p.errOut) })
	}
}

func (p *pipes) closeTheirs() {
	for _, file := range p.theirs {
		_ = file.Close()
	}
	p.theirs = nil
}

func (p *pipes) close() {
	p.closeTheirs()
	for _, file := range []*os.File{p.in, p.out, p.errOut} {
		if file != nil {
			_ = file.Close()
		}
	}
}
