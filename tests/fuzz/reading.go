// SPDX-License-Identifier: GPL-3.0-or-later

// Reads requests as engines do, with Go's encoding/json, net/http and gorilla/mux, and tells what it understood.
//
// On stdin come frames, "KIND LENGTH\n" and so many bytes; to each it answers with one line of JSON on stdout:
// {"error": text} for what it refuses, else {"value": ...}. Kinds are those of `bodies`, whose bytes are JSON; "any",
// JSON without a type of its own; "routes", a list of [method, template], which have to be there before the first
// "request": "METHOD URI". Names and types of the fields are those of moby 20.10.24, 26.1.5 and 28.5.2 (api/types), of
// all three where one has more than another.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// Words is a list of texts, or one text.
type Words []string

func (words *Words) UnmarshalJSON(data []byte) error {
	found := make([]string, 0, 1)
	if json.Unmarshal(data, &found) != nil {
		var one string
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		found = append(found, one)
	}
	*words = found
	return nil
}

type Port string

type Healthcheck struct {
	Test                                          []string
	Interval, Timeout, StartPeriod, StartInterval time.Duration
	Retries                                       int
}

type Config struct {
	Hostname, Domainname, User              string
	AttachStdin, AttachStdout, AttachStderr bool
	ExposedPorts                            map[Port]struct{}
	PublishService                          string
	Tty, OpenStdin, StdinOnce               bool
	Env                                     []string
	Cmd                                     Words
	Healthcheck                             *Healthcheck
	ArgsEscaped                             bool
	Image                                   string
	Volumes                                 map[string]struct{}
	WorkingDir                              string
	Entrypoint                              Words
	NetworkDisabled                         bool
	MacAddress                              string
	OnBuild                                 []string
	Labels                                  map[string]string
	StopSignal                              string
	StopTimeout                             *int
	Shell                                   Words
}

type WeightDevice struct {
	Path   string
	Weight uint16
}

type ThrottleDevice struct {
	Path string
	Rate uint64
}

type DeviceMapping struct{ PathOnHost, PathInContainer, CgroupPermissions string }

type DeviceRequest struct {
	Driver       string
	Count        int
	DeviceIDs    []string
	Capabilities [][]string
	Options      map[string]string
}

type Ulimit struct {
	Name       string
	Hard, Soft int64
}

type RestartPolicy struct {
	Name              string
	MaximumRetryCount int
}

type LogConfig struct {
	Type   string
	Config map[string]string
}

type PortBinding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

type Resources struct {
	CPUShares                                 int64 `json:"CpuShares"`
	Memory                                    int64
	NanoCPUs                                  int64 `json:"NanoCpus"`
	CgroupParent                              string
	BlkioWeight                               uint16
	BlkioWeightDevice                         []*WeightDevice
	BlkioDeviceReadBps, BlkioDeviceWriteBps   []*ThrottleDevice
	BlkioDeviceReadIOps, BlkioDeviceWriteIOps []*ThrottleDevice
	CPUPeriod                                 int64 `json:"CpuPeriod"`
	CPUQuota                                  int64 `json:"CpuQuota"`
	CPURealtimePeriod                         int64 `json:"CpuRealtimePeriod"`
	CPURealtimeRuntime                        int64 `json:"CpuRealtimeRuntime"`
	CpusetCpus, CpusetMems                    string
	Devices                                   []DeviceMapping
	DeviceCgroupRules                         []string
	DeviceRequests                            []DeviceRequest
	KernelMemory, KernelMemoryTCP             int64
	MemoryReservation, MemorySwap             int64
	MemorySwappiness                          *int64
	OomKillDisable                            *bool
	PidsLimit                                 *int64
	Ulimits                                   []*Ulimit
	CPUCount                                  int64 `json:"CpuCount"`
	CPUPercent                                int64 `json:"CpuPercent"`
	IOMaximumIOps, IOMaximumBandwidth         uint64
}

type BindOptions struct {
	Propagation                                  string
	NonRecursive, CreateMountpoint               bool
	ReadOnlyNonRecursive, ReadOnlyForceRecursive bool
}

type Driver struct {
	Name    string
	Options map[string]string
}

type VolumeOptions struct {
	NoCopy       bool
	Labels       map[string]string
	Subpath      string
	DriverConfig *Driver
}

type ImageOptions struct{ Subpath string }

type TmpfsOptions struct {
	SizeBytes int64
	Mode      os.FileMode
	Options   [][]string
}

type Mount struct {
	Type, Source, Target string
	ReadOnly             bool
	Consistency          string
	BindOptions          *BindOptions
	VolumeOptions        *VolumeOptions
	ImageOptions         *ImageOptions
	TmpfsOptions         *TmpfsOptions
	ClusterOptions       *struct{}
}

type HostConfig struct {
	Binds                      []string
	ContainerIDFile            string
	LogConfig                  LogConfig
	NetworkMode                string
	PortBindings               map[Port][]PortBinding
	RestartPolicy              RestartPolicy
	AutoRemove                 bool
	VolumeDriver               string
	VolumesFrom                []string
	ConsoleSize                [2]uint
	Annotations                map[string]string
	CapAdd, CapDrop            Words
	CgroupnsMode               string
	DNS                        []string `json:"Dns"`
	DNSOptions                 []string `json:"DnsOptions"`
	DNSSearch                  []string `json:"DnsSearch"`
	ExtraHosts, GroupAdd       []string
	IpcMode, Cgroup            string
	Links                      []string
	OomScoreAdj                int
	PidMode                    string
	Privileged                 bool
	PublishAllPorts            bool
	ReadonlyRootfs             bool
	SecurityOpt                []string
	StorageOpt, Tmpfs          map[string]string
	UTSMode, UsernsMode        string
	ShmSize                    int64
	Sysctls                    map[string]string
	Runtime, Isolation         string
	Resources                  // its fields are HostConfig's own
	Mounts                     []Mount
	MaskedPaths, ReadonlyPaths []string
	Init                       *bool
}

type EndpointIPAMConfig struct {
	IPv4Address, IPv6Address string
	LinkLocalIPs             []string
}

type Endpoint struct {
	IPAMConfig                     *EndpointIPAMConfig
	Links, Aliases                 []string
	MacAddress                     string
	DriverOpts                     map[string]string
	GwPriority                     int
	NetworkID, EndpointID          string
	Gateway, IPAddress             string
	IPPrefixLen                    int
	IPv6Gateway, GlobalIPv6Address string
	GlobalIPv6PrefixLen            int
	DNSNames                       []string
}

type Networking struct{ EndpointsConfig map[string]*Endpoint }

// Create is the body of /containers/create from 27.0 on.
type Create struct {
	*Config
	HostConfig       *HostConfig
	NetworkingConfig *Networking
}

// OldCreate is the one before: fields of HostConfig count beside it, too.
type OldCreate struct {
	*Config
	Inner            *HostConfig `json:"HostConfig"`
	Cpuset           string
	NetworkingConfig *Networking
	*HostConfig
}

// understood returns what engines make of it: fields that are beside HostConfig count where those within are empty.
func (old *OldCreate) understood() interface{} {
	host := old.HostConfig
	if inner := old.Inner; inner != nil {
		if host != nil {
			if inner.Memory == 0 {
				inner.Memory = host.Memory
			}
			if inner.MemorySwap == 0 {
				inner.MemorySwap = host.MemorySwap
			}
			if inner.CPUShares == 0 {
				inner.CPUShares = host.CPUShares
			}
			if inner.CpusetCpus == "" {
				inner.CpusetCpus = host.CpusetCpus
			}
			if inner.VolumeDriver == "" {
				inner.VolumeDriver = host.VolumeDriver
			}
		}
		host = inner
	}
	if host != nil && host.CpusetCpus == "" {
		host.CpusetCpus = old.Cpuset
	}
	return &Create{old.Config, host, old.NetworkingConfig}
}

type Exec struct {
	User                                    string
	Privileged, Tty                         bool
	ConsoleSize                             *[2]uint
	AttachStdin, AttachStderr, AttachStdout bool
	DetachKeys                              string
	Env                                     []string
	WorkingDir                              string
	Cmd                                     []string
	Detach                                  bool
}

type Update struct {
	Resources
	RestartPolicy RestartPolicy
}

type Volume struct {
	ClusterVolumeSpec  *struct{ Group string }
	Driver             string
	DriverOpts, Labels map[string]string
	Name               string
}

type IPAMConfig struct {
	Subnet, IPRange, Gateway string
	AuxAddress               map[string]string `json:"AuxiliaryAddresses"`
}

type IPAM struct {
	Driver  string
	Options map[string]string
	Config  []IPAMConfig
}

type Network struct {
	Name                                      string
	CheckDuplicate                            *bool
	Driver, Scope                             string
	EnableIPv4, EnableIPv6                    *bool
	IPAM                                      *IPAM
	Internal, Attachable, Ingress, ConfigOnly bool
	ConfigFrom                                *struct{ Network string }
	Options, Labels                           map[string]string
}

type Connect struct {
	Container      string
	EndpointConfig *Endpoint
}

// Disconnect has but what the plugin looks at, too: whom it concerns.
type Disconnect struct{ Container string }

var bodies = map[string]func() interface{}{
	"commit":     func() interface{} { return new(Config) }, // All else that is in it is thrown away.
	"connect":    func() interface{} { return new(Connect) },
	"create":     func() interface{} { return new(Create) },
	"disconnect": func() interface{} { return new(Disconnect) },
	"exec":       func() interface{} { return new(Exec) },
	"network":    func() interface{} { return new(Network) },
	"old-create": func() interface{} { return new(OldCreate) },
	"update":     func() interface{} { return new(Update) },
	"volume":     func() interface{} { return new(Volume) },
}

type route struct {
	number int
	match  *mux.Route
}

type reader struct {
	routes []route
	router *mux.Router
}

func (its *reader) answer(kind string, data []byte) (interface{}, error) {
	switch kind {
	case "any":
		var value interface{}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		err := decoder.Decode(&value)
		return value, err
	case "routes":
		return nil, its.learn(data)
	case "request":
		return its.request(data)
	}
	empty, known := bodies[kind]
	if !known {
		panic("no kind " + kind)
	}
	value := empty()
	// As engines before 23.0 do, which look at nothing behind the first value.
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(value); err != nil {
		return nil, err
	}
	if old, is := value.(*OldCreate); is {
		return old.understood(), nil
	}
	return value, nil
}

func (its *reader) learn(data []byte) error {
	var templates [][2]string
	if err := json.Unmarshal(data, &templates); err != nil {
		return err
	}
	its.router = mux.NewRouter()
	nothing := func(http.ResponseWriter, *http.Request) {}
	for number, one := range templates {
		for _, prefix := range []string{"/v{version:[0-9.]+}", ""} {
			its.router.Path(prefix + one[1]).Methods(one[0]).HandlerFunc(nothing)
			alone := mux.NewRouter().Path(prefix + one[1]).Methods(one[0]).HandlerFunc(nothing)
			if err := alone.GetError(); err != nil {
				return err
			}
			its.routes = append(its.routes, route{number, alone})
		}
	}
	return nil
}

type match struct {
	Route int
	Names map[string]string
}

type request struct {
	Method  string
	Matches []match
	Query   map[string][][]byte
	True    map[string]bool
}

// isTrue is how engines read a parameter that is a flag (moby, httputils.BoolValue).
func isTrue(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "0", "no", "false", "none":
		return false
	}
	return true
}

// request tells all routes that are for a request, and its query: the parameters' values as bytes, and which of them are
// true where they are flags.
func (its *reader) request(data []byte) (interface{}, error) {
	text := string(data) + " HTTP/1.1\r\nHost: docker\r\n\r\n"
	asked, err := http.ReadRequest(bufio.NewReader(bytes.NewReader([]byte(text))))
	if err != nil {
		return nil, err
	}
	if asked.Method+" "+asked.RequestURI != string(data) {
		return nil, fmt.Errorf("read as %q of %q", asked.Method, asked.RequestURI)
	}
	if err := asked.ParseForm(); err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	its.router.ServeHTTP(answer, asked)
	if answer.Code != http.StatusOK {
		return nil, fmt.Errorf("answered with %d", answer.Code)
	}
	told := request{asked.Method, nil, map[string][][]byte{}, map[string]bool{}}
	for _, one := range its.routes {
		var found mux.RouteMatch
		if one.match.Match(asked, &found) {
			told.Matches = append(told.Matches, match{one.number, found.Vars})
		}
	}
	for key, values := range asked.Form {
		told.True[key] = isTrue(values[0])
		for _, value := range values {
			told.Query[key] = append(told.Query[key], []byte(value))
		}
	}
	return told, nil
}

func main() {
	input, output := bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(output)
	its := &reader{}
	for {
		var kind string
		var length int
		if _, err := fmt.Fscanf(input, "%s %d\n", &kind, &length); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		data := make([]byte, length)
		if _, err := io.ReadFull(input, data); err != nil {
			panic(err)
		}
		value, err := its.answer(kind, data)
		told := map[string]interface{}{"value": value}
		if err != nil {
			told = map[string]interface{}{"error": err.Error()}
		}
		if err := encoder.Encode(told); err != nil {
			panic(err)
		}
		if err := output.Flush(); err != nil {
			panic(err)
		}
	}
}
