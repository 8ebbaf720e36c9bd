//go:build linux

package node

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1" // registers the messages and services of the CRI, too
)

// runtimeClient asks the runtime, one call to a connection: a line of JSON each way.
type runtimeClient struct {
	path     string
	warnings *warnings
}

var (
	marshal   = protojson.MarshalOptions{UseProtoNames: true}
	unmarshal = protojson.UnmarshalOptions{DiscardUnknown: true}
)

// call asks for method and reads the answer into response.
func (r *runtimeClient) call(ctx context.Context, method string, request, response proto.Message) error {
	body, err := marshal.Marshal(request)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	answer, err := r.ask(ctx, method, body)
	if err != nil {
		return err
	}
	if err := unmarshal.Unmarshal(answer, response); err != nil {
		return status.Errorf(codes.Internal, "the runtime's answer to %s: %v", method, err)
	}
	if made, ok := request.(*runtimeapi.CreateContainerRequest); ok {
		r.warnings.record(made, answer)
	}
	return nil
}

// ask gives the answer to a call as JSON, or a status error.
func (r *runtimeClient) ask(ctx context.Context, method string, request json.RawMessage) (json.RawMessage, error) {
	for answer, err := range r.answers(ctx, method, request) {
		return answer, err
	}
	return nil, status.Errorf(codes.Unavailable, "the runtime did not answer")
}

// answers gives what the runtime answers to a call, as JSON, until it has no more, or a status error.
func (r *runtimeClient) answers(ctx context.Context, method string, request json.RawMessage) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		connection, err := dial(ctx, r.path)
		if err != nil {
			yield(nil, status.Errorf(codes.Unavailable, "the runtime does not answer: %v", err))
			return
		}
		defer connection.Close()
		defer context.AfterFunc(ctx, func() { connection.Close() })()
		message := struct {
			Method  string          `json:"method"`
			Request json.RawMessage `json:"request"`
		}{method, request}
		if err := json.NewEncoder(connection).Encode(message); err != nil {
			yield(nil, status.Errorf(codes.Unavailable, "the runtime does not answer: %v", err))
			return
		}
		decoder := json.NewDecoder(bufio.NewReader(connection))
		for {
			answer, err := next(decoder)
			if err == io.EOF {
				return
			}
			if ctx.Err() != nil {
				err = status.FromContextError(ctx.Err()).Err()
			}
			if !yield(answer, err) || err != nil {
				return
			}
		}
	}
}

// next reads one answer; io.EOF where there is no more.
func next(decoder *json.Decoder) (json.RawMessage, error) {
	var answer struct {
		Response json.RawMessage `json:"response"`
		Error    *struct {
			Code    codes.Code `json:"code"`
			Message string     `json:"message"`
		} `json:"error"`
	}
	switch err := decoder.Decode(&answer); {
	case err == io.EOF:
		return nil, err
	case err != nil:
		return nil, status.Errorf(codes.Unavailable, "the runtime did not answer: %v", err)
	case answer.Error != nil:
		return nil, status.Error(answer.Error.Code, answer.Error.Message)
	}
	return answer.Response, nil
}

// dial connects to a unix socket, however long its path is: it is named within its folder, which is open.
func dial(ctx context.Context, path string) (net.Conn, error) {
	short, folder, err := shortened(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(folder)
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", short)
}

// shortened names path within its folder, which is open from here on: a socket's path has no more than 107 bytes.
func shortened(path string) (short string, folder int, err error) {
	folder, err = unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", -1, &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder, filepath.Base(path)), folder, nil
}

// serveCRI serves the CRI at a unix socket that is its owner's alone: streams by the streaming server, everything else by
// passing it on. It gives back the path by which this process reaches it, and what ends it.
func serveCRI(path string, runtime *runtimeClient) (string, func(), error) {
	streams, err := serveStreams(runtime)
	if err != nil {
		return "", nil, err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return "", nil, err
	}
	short, folder, err := shortened(path)
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("unix", short) // nobody else gets into its folder
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return "", nil, fmt.Errorf("listening at %s: %w", path, err)
	}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(16<<20),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return pass(stream, runtime, streams) }),
	)
	go func() { _ = server.Serve(listener) }()
	return short, func() {
		server.Stop()
		streams.stop()
		_ = unix.Close(folder)
	}, nil
}

// pass passes one call on, by what the CRI's descriptors say of it.
func pass(stream grpc.ServerStream, runtime *runtimeClient, streams *streams) error {
	full, _ := grpc.MethodFromServerStream(stream)
	service, name, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return status.Errorf(codes.Unimplemented, "there is no service %s", service)
	}
	described, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return status.Errorf(codes.Unimplemented, "%s is no service", service)
	}
	method := described.Methods().ByName(protoreflect.Name(name))
	if method == nil || method.IsStreamingClient() {
		return status.Errorf(codes.Unimplemented, "this runtime has no %s", name)
	}
	request, err := message(method.Input())
	if err != nil {
		return err
	}
	response, err := message(method.Output())
	if err != nil {
		return err
	}
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	if method.IsStreamingServer() {
		return follow(stream, runtime, name, request, response)
	}
	if answered, err := streams.answer(request); answered != nil || err != nil {
		if err != nil {
			return err
		}
		return stream.SendMsg(answered)
	}
	if err := runtime.call(stream.Context(), name, request, response); err != nil {
		return err
	}
	return stream.SendMsg(response)
}

// follow passes on a call with many answers, each by way of response.
func follow(stream grpc.ServerStream, runtime *runtimeClient, name string, request, response proto.Message) error {
	body, err := marshal.Marshal(request)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	for answer, err := range runtime.answers(stream.Context(), name, body) {
		if err != nil {
			return err
		}
		if err := unmarshal.Unmarshal(answer, response); err != nil {
			return status.Errorf(codes.Internal, "the runtime's answer to %s: %v", name, err)
		}
		if err := stream.SendMsg(response); err != nil {
			return err
		}
	}
	return nil
}

func message(described protoreflect.MessageDescriptor) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(described.FullName())
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return kind.New().Interface(), nil
}
