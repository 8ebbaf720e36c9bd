// Package conformance holds what upstream's suite of end-to-end tests is built from: its modules, at the
// versions of the server's, so that one build cache serves both. There is nothing of ours in the suite.
package conformance

import (
	_ "k8s.io/kubernetes/test/e2e"
)
