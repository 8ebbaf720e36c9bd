package template

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// pair names the files of a certificate and its key.
type pair struct{ cert, key string }

// credentials names the files that the throw-away control plane needs; they live as long as its folder.
type credentials struct {
	ca                string
	serviceAccountKey string
	serving           pair
	controllerManager string
	scheduler         string
}

// authority signs certificates that are good for an hour.
type authority struct {
	dir  string
	key  crypto.Signer
	cert *x509.Certificate
}

func writeCredentials(dir string, port int) (*credentials, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	ca, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "sandkube-template"}, key)
	if err != nil {
		return nil, err
	}
	a := authority{dir: dir, key: key, cert: ca}
	c := &credentials{ca: filepath.Join(dir, "ca.crt"), serviceAccountKey: filepath.Join(dir, "sa.key")}
	if err := cert.WriteCert(c.ca, encode(ca.Raw)); err != nil {
		return nil, err
	}
	accountKey, err := newKey()
	if err != nil {
		return nil, err
	}
	if err := writeKey(c.serviceAccountKey, accountKey); err != nil {
		return nil, err
	}
	if c.serving, err = a.sign("kube-apiserver", x509.ExtKeyUsageServerAuth); err != nil {
		return nil, err
	}
	if c.controllerManager, err = a.kubeconfig("system:kube-controller-manager", port); err != nil {
		return nil, err
	}
	c.scheduler, err = a.kubeconfig("system:kube-scheduler", port)
	return c, err
}

func (a authority) kubeconfig(user string, port int) (string, error) {
	signed, err := a.sign(user, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return "", err
	}
	c := clientcmdapi.NewConfig()
	c.Clusters["template"] = &clientcmdapi.Cluster{
		Server:               fmt.Sprintf("https://127.0.0.1:%d", port),
		CertificateAuthority: filepath.Join(a.dir, "ca.crt"),
	}
	c.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificate: signed.cert, ClientKey: signed.key}
	c.Contexts["template"] = &clientcmdapi.Context{Cluster: "template", AuthInfo: user}
	c.CurrentContext = "template"
	path := filepath.Join(a.dir, user+".kubeconfig")
	return path, clientcmd.WriteToFile(*c, path)
}

func (a authority) sign(name string, usage x509.ExtKeyUsage) (pair, error) {
	files := pair{cert: filepath.Join(a.dir, name+".crt"), key: filepath.Join(a.dir, name+".key")}
	key, err := newKey()
	if err != nil {
		return files, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return files, err
	}
	now := time.Now()
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{usage},
	}, a.cert, key.Public(), a.key)
	if err != nil {
		return files, err
	}
	if err := cert.WriteCert(files.cert, encode(raw)); err != nil {
		return files, err
	}
	return files, writeKey(files.key, key)
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func writeKey(path string, key *ecdsa.PrivateKey) error {
	data, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

func encode(raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: raw})
}
