package deploytest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// ownStop is how long our roles may take to stop by themselves (the supervisor's patience); a container that is killed
// earlier leaves work to be done twice.
const ownStop = 90 * time.Second

// finder collects what breaks a rule.
type finder struct {
	project *types.Project
	secrets []string // that deploy/compose/init makes
	found   []string
}

func (f *finder) add(service, format string, args ...any) {
	f.found = append(f.found, service+": "+fmt.Sprintf(format, args...))
}

// check returns every breach of the rules.
func check(p *types.Project, secrets []string) []string {
	f := &finder{project: p, secrets: secrets}
	for _, name := range slices.Sorted(slices.Values(p.ServiceNames())) {
		s := p.Services[name]
		f.image(s)
		f.reach(s)
		f.health(s)
		f.fence(s)
		f.limits(s)
		f.clear(s)
		f.mounts(s)
	}
	for name, s := range p.Secrets {
		f.secret(name, s)
	}
	return f.found
}

// image must be exact: a version with at least two numbers. What is built here stands on bases that TestDockerfile checks.
func (f *finder) image(s types.ServiceConfig) {
	exact := regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)*(-[a-z0-9.]+)*(@sha256:[0-9a-f]{64})?$`)
	if s.Build == nil && !exact.MatchString(s.Image) {
		f.add(s.Name, "%s: the version must be exact", s.Image)
	}
	if s.Build != nil {
		if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
			f.add(s.Name, "%v", err)
		}
	}
	if s.Build != nil && s.PullPolicy != types.PullPolicyBuild {
		f.add(s.Name, "without pull_policy build, somebody else's image of our name would be taken")
	}
}

// reach is who can talk to it.
func (f *finder) reach(s types.ServiceConfig) {
	for _, p := range s.Ports {
		if p.HostIP != "127.0.0.1" && p.HostIP != "::1" {
			f.add(s.Name, "port %d is open to other machines", p.Target)
		}
	}
	if s.NetworkMode != "" || s.Pid != "" || s.Ipc != "" {
		f.add(s.Name, "shares what is the host's: network_mode %s, pid %s, ipc %s", s.NetworkMode, s.Pid, s.Ipc)
	}
}

// health: whatever lasts says how it is, and nobody starts before those it needs are well.
func (f *finder) health(s types.ServiceConfig) {
	lasts := s.Restart != types.RestartPolicyNo
	h := s.HealthCheck
	switch {
	case s.Restart == "":
		f.add(s.Name, "no restart policy")
	case !lasts:
	case h == nil || h.Disable || len(h.Test) == 0:
		f.add(s.Name, "no health check")
	case h.Timeout == nil || h.Interval == nil || h.Retries == nil:
		f.add(s.Name, "a health check without timeout, interval or retries: health check without timeout")
	}
	for name, d := range s.DependsOn {
		if d.Condition != types.ServiceConditionHealthy {
			f.add(s.Name, "waits for %s to be started, not healthy", name)
		}
	}
	if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) <= ownStop {
		f.add(s.Name, "stop_grace_period must be longer than the %s that an orderly stop may take", ownStop)
	}
}

// fence is what it may do to the host and to itself.
func (f *finder) fence(s types.ServiceConfig) {
	if !s.ReadOnly {
		f.add(s.Name, "its files can be changed: read_only is not set")
	}
	if !slices.Equal(s.CapDrop, []string{"ALL"}) {
		f.add(s.Name, "cap_drop must be ALL, not %q", s.CapDrop)
	}
	if len(s.CapAdd) > 0 || s.Privileged || len(s.Devices) > 0 || s.UseAPISocket {
		f.add(s.Name, "has what it should not: cap_add %q, privileged %t, devices %d, the engine's socket %t", s.CapAdd, s.Privileged,
			len(s.Devices), s.UseAPISocket)
	}
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		f.add(s.Name, "security_opt lacks no-new-privileges:true")
	}
}

// limits are what it may take.
func (f *finder) limits(s types.ServiceConfig) {
	var l types.Resource
	if s.Deploy != nil && s.Deploy.Resources.Limits != nil {
		l = *s.Deploy.Resources.Limits
	}
	for name, missing := range map[string]bool{"memory": l.MemoryBytes <= 0, "cpus": l.NanoCPUs <= 0, "pids": l.Pids <= 0} {
		if missing {
			f.add(s.Name, "has no limit of %s", name)
		}
	}
	if s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
		f.add(s.Name, "its log has no limit: max-size and max-file")
	}
}

// clear finds secrets that stand where docker inspect shows them.
func (f *finder) clear(s types.ServiceConfig) {
	named := regexp.MustCompile(`(?i)PASSW|SECRET|TOKEN|CREDENTIAL|DSN|_KEY$`)
	inURL := regexp.MustCompile(`://[^/@\s]*:[^/@\s]*@`)
	for name, value := range s.Environment {
		text := ""
		if value != nil {
			text = *value
		}
		if isFile := strings.HasSuffix(name, "_FILE"); !isFile && named.MatchString(name) || inURL.MatchString(text) {
			f.add(s.Name, "%s holds a secret; give it by a file", name)
		}
		if strings.HasPrefix(text, secretFolder) && !slices.Contains(given(s), text) {
			f.add(s.Name, "%s: it is not given %s", name, text)
		}
	}
	if line := strings.Join(append(slices.Clone(s.Command), s.Entrypoint...), " "); inURL.MatchString(line) {
		f.add(s.Name, "the command holds a secret")
	}
}

// secretFolder is where containers find their secrets.
const secretFolder = "/run/secrets/"

// given lists the paths of the secrets that a container finds.
func given(s types.ServiceConfig) []string {
	var paths []string
	for _, g := range s.Secrets {
		paths = append(paths, target(g))
	}
	return paths
}

func target(g types.ServiceSecretConfig) string {
	switch {
	case g.Target == "":
		return secretFolder + g.Source
	case filepath.IsAbs(g.Target):
		return g.Target
	}
	return secretFolder + g.Target
}

// mounts: what comes from the repository is there, and is not changed; data has a name.
func (f *finder) mounts(s types.ServiceConfig) {
	for _, v := range s.Volumes {
		switch {
		case v.Type == types.VolumeTypeVolume && v.Source == "":
			f.add(s.Name, "the volume at %s has no name", v.Target)
		case v.Type != types.VolumeTypeBind:
		case !strings.HasPrefix(v.Source, f.project.WorkingDir+string(filepath.Separator)):
			f.add(s.Name, "%s is outside the repository", v.Source)
		case !v.ReadOnly:
			f.add(s.Name, "%s may be written", v.Source)
		default:
			if _, err := os.Stat(v.Source); err != nil {
				f.add(s.Name, "%v", err)
			}
		}
	}
}

// secret must be a file that deploy/compose/init makes.
func (f *finder) secret(name string, s types.SecretConfig) {
	folder := filepath.Join(f.project.WorkingDir, "deploy/compose/secrets")
	if filepath.Dir(s.File) != folder || !slices.Contains(f.secrets, filepath.Base(s.File)) {
		f.add(name, "%s is not made by deploy/compose/init", s.File)
	}
}
