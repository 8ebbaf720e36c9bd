// Package logs is the one log of the process: klog, slog, logrus (kine) and the standard logger write to the same
// rotated file, and the last complaint is kept, so that an end by upstream's own hand can be explained.
package logs

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"regexp"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/sandkube/sandkube/server/internal/config"
)

// Log is an io.Writer; each write is a whole record.
type Log struct {
	file io.WriteCloser

	mu   sync.Mutex
	last string
}

// Open makes the log and points logrus and the standard logger at it. klog follows when the flags are known.
func Open(c config.Log) *Log {
	l := &Log{file: &lumberjack.Logger{Filename: c.Path, MaxSize: c.MaxMegabytes, MaxBackups: c.Backups}}
	logrus.SetOutput(l)
	logrus.SetFormatter(klogFormat{})
	log.SetOutput(l)
	return l
}

// chatter is how gRPC's own records begin. Both ends of its connections are in this process, and what matters of them is
// reported by who called; at every stop it would bury the last words of everybody else under a hundred broken pipes.
var chatter = []byte("] [core] [")

// Write appends one record.
func (l *Log) Write(record []byte) (int, error) {
	if bytes.Contains(record, chatter) {
		return len(record), nil
	}
	if complaint := complaintOf(record); complaint != "" {
		l.mu.Lock()
		l.last = complaint
		l.mu.Unlock()
	}
	return l.file.Write(record)
}

// Complaint gives the text of the last error or fatal record, or "".
func (l *Log) Complaint() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Close closes the file.
func (l *Log) Close() { _ = l.file.Close() }

// A klog header: severity, month and day, time, thread, file and line (k8s.io/klog/v2, formatHeader).
var header = regexp.MustCompile(`^[EF]\d{4} \d{2}:\d{2}:\d{2}\.\d{6} +\d+ [^\]]*\] `)

func complaintOf(record []byte) string {
	if len(record) == 0 || (record[0] != 'E' && record[0] != 'F') {
		return ""
	}
	line, _, _ := bytes.Cut(record, []byte("\n"))
	if loc := header.FindIndex(line); loc != nil {
		return string(line[loc[1]:])
	}
	return ""
}

// klogFormat gives kine's records the look of all others, so that one reader understands the whole file.
type klogFormat struct{}

func (klogFormat) Format(e *logrus.Entry) ([]byte, error) {
	severity := byte('I')
	switch e.Level {
	case logrus.PanicLevel, logrus.FatalLevel:
		severity = 'F'
	case logrus.ErrorLevel:
		severity = 'E'
	case logrus.WarnLevel:
		severity = 'W'
	}
	var b bytes.Buffer
	b.WriteByte(severity)
	b.WriteString(e.Time.Format("0102 15:04:05.000000"))
	b.WriteString("       1 kine] ")
	b.WriteString(withoutRequest(e.Message))
	for k, v := range e.Data {
		b.WriteString(" " + k + "=" + toString(v))
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// withoutRequest leaves out the request that kine quotes when it fails: it holds the whole object, which may be a Secret.
func withoutRequest(message string) string {
	const begin = "error in txn "
	if !strings.HasPrefix(message, begin) {
		return message
	}
	return begin + "(…): " + message[strings.LastIndex(message, ": ")+2:]
}

func toString(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}
