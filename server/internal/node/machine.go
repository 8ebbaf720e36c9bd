//go:build linux

package node

import (
	"context"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	cadvisor "github.com/google/cadvisor/lib/model"
	"k8s.io/klog/v2"
)

// machine stands in for cAdvisor, which reads cgroups, /sys and mount tables that a sandbox does not have, and without which
// a kubelet does not start. What it tells is what any process can know. Containers' figures come from the runtime, by CRI.
type machine struct {
	folder string // the kubelet's
	name   string // the node's
}

func (m *machine) Start() error { return nil }

// ContainerInfoV2 answers one entry for the name that is asked for: without it the summary of the node's statistics fails.
func (m *machine) ContainerInfoV2(name string, _ cadvisor.RequestOptions) (map[string]cadvisor.ContainerInfo, error) {
	return map[string]cadvisor.ContainerInfo{name: {Stats: []*cadvisor.ContainerStats{{Timestamp: time.Now()}}}}, nil
}

func (m *machine) GetRequestedContainersInfo(string, cadvisor.RequestOptions) (map[string]*cadvisor.ContainerInfo, error) {
	return map[string]*cadvisor.ContainerInfo{}, nil
}

func (m *machine) MachineInfo(klog.Logger) (*cadvisor.MachineInfo, error) {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return nil, err
	}
	return &cadvisor.MachineInfo{
		NumCores:       runtime.NumCPU(),
		MemoryCapacity: uint64(info.Totalram) * uint64(info.Unit),
		MachineID:      m.name,
		SystemUUID:     m.name,
		BootID:         bootID(m.name),
	}, nil
}

// bootID is the kernel's, or name where there is none; another one means to the kubelet that the machine was started anew.
func bootID(name string) string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return name
	}
	return strings.TrimSpace(string(id))
}

func (m *machine) VersionInfo() (*cadvisor.VersionInfo, error) {
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		return nil, err
	}
	release := make([]byte, 0, len(name.Release))
	for _, c := range name.Release {
		if c == 0 {
			break
		}
		release = append(release, byte(c))
	}
	return &cadvisor.VersionInfo{KernelVersion: string(release), ContainerOsVersion: osName()}, nil
}

// osName is what /etc/os-release calls the system.
func osName() string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); found {
			return strings.Trim(value, `"`)
		}
	}
	return runtime.GOOS
}

func (m *machine) fileSystem() (cadvisor.FsInfo, error) {
	var found syscall.Statfs_t
	if err := syscall.Statfs(m.folder, &found); err != nil {
		return cadvisor.FsInfo{}, err
	}
	size, inodes, free := uint64(found.Bsize), found.Files, found.Ffree
	return cadvisor.FsInfo{
		Timestamp:  time.Now(),
		Device:     "root",
		Mountpoint: m.folder,
		Capacity:   found.Blocks * size,
		Available:  found.Bavail * size,
		Usage:      (found.Blocks - found.Bfree) * size,
		Inodes:     &inodes,
		InodesFree: &free,
	}, nil
}

func (m *machine) ImagesFsInfo(context.Context) (cadvisor.FsInfo, error)    { return m.fileSystem() }
func (m *machine) RootFsInfo() (cadvisor.FsInfo, error)                     { return m.fileSystem() }
func (m *machine) ContainerFsInfo(context.Context) (cadvisor.FsInfo, error) { return m.fileSystem() }
func (m *machine) GetDirFsInfo(string) (cadvisor.FsInfo, error)             { return m.fileSystem() }
