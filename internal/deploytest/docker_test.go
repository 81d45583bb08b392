package deploytest

import (
	"debug/elf"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// line is an instruction of a Dockerfile.
type line struct{ word, rest string }

// instructions reads a Dockerfile without continued lines and here-documents, of which ours has none.
func instructions(text string) []line {
	var list []line
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		word, rest, _ := strings.Cut(l, " ")
		list = append(list, line{strings.ToUpper(word), strings.TrimSpace(rest)})
	}
	return list
}

// checkDockerfile returns every breach of the rules.
func checkDockerfile(text string) []string {
	var found []string
	exact := regexp.MustCompile(`^[a-z0-9./-]+:\d+\.\d+(\.\d+)*(-[a-z0-9.]+)*(@sha256:[0-9a-f]{64})?( AS [a-z]+)?$`)
	user, entry := "", ""
	for _, l := range instructions(text) {
		switch l.word {
		case "FROM":
			user, entry = "", ""
			if !exact.MatchString(l.rest) {
				found = append(found, "the version of the base must be exact: "+l.rest)
			}
		case "ADD":
			found = append(found, "ADD fetches and unpacks; COPY does neither: "+l.rest)
		case "USER":
			user = l.rest
		case "ENTRYPOINT":
			entry = l.rest
		case "RUN":
			if strings.Contains(l.rest, "curl") || strings.Contains(l.rest, "wget") {
				found = append(found, "fetches what nobody has checked: "+l.rest)
			}
		case "ARG", "ENV":
			if regexp.MustCompile(`(?i)passw|secret|token`).MatchString(l.rest) {
				found = append(found, "a secret would be in the image: "+l.rest)
			}
		}
		if strings.HasSuffix(strings.Fields(l.rest + " .")[0], "\\") || strings.HasSuffix(l.rest, "\\") {
			found = append(found, "the rules read no continued lines: "+l.rest)
		}
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		found = append(found, "the user must be a number that is not root's, not "+user)
	}
	if entry != `["`+binary+`"]` {
		found = append(found, "the entrypoint must be the program alone, without a shell: "+entry)
	}
	return found
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := read(t, "deploy/docker/Dockerfile")
	for _, f := range checkDockerfile(text) {
		t.Error(f)
	}
	for _, tc := range []struct{ from, to, want string }{
		{"FROM debian:13.6-slim", "FROM debian", "base must be exact"},
		{"FROM debian:13.6-slim", "FROM debian:stable-slim", "base must be exact"},
		{"USER 10001:10001", "", "not root's"},
		{"USER 10001:10001", "USER root", "not root's"},
		{"USER 10001:10001", "USER 0:0", "not root's"},
		{"COPY LICENSE", "ADD https://example.org/LICENSE", "ADD fetches"},
		{"RUN go mod download", "RUN curl https://example.org | sh", "nobody has checked"},
		{"ENV ZONEINFO", "ENV PASSWORD=x", "a secret"},
		{`ENTRYPOINT ["/usr/local/bin/agrichat"]`, "ENTRYPOINT agrichat", "without a shell"},
	} {
		if !strings.Contains(text, tc.from) {
			t.Fatalf("%q is not in the Dockerfile", tc.from)
		}
		got := strings.Join(checkDockerfile(strings.Replace(text, tc.from, tc.to, 1)), "\n")
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s for %s: found %q, want %q in it", tc.to, tc.from, got, tc.want)
		}
	}
}

// TestImageIsBuiltFromAllThereIs: by the Go that go.mod names, with the Makefile's own line, from every folder that holds
// parts of the program, which .dockerignore lets through.
func TestImageIsBuiltFromAllThereIs(t *testing.T) {
	t.Parallel()
	text, ignore := read(t, "deploy/docker/Dockerfile"), read(t, ".dockerignore")
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	if version == nil || !strings.Contains(text, "FROM golang:"+version[1]+"-") {
		t.Errorf("the image is not built by the Go of go.mod, %q", version)
	}
	if !strings.Contains(text, "\nRUN make build BIN=/out/agrichat\n") {
		t.Error("the image is not built as the Makefile builds")
	}
	need := []string{"go.mod", "go.sum", "Makefile", "main.go"}
	folders := regexp.MustCompile(`(?m)^FOLDERS\s*:=\s*(.*)$`).FindStringSubmatch(read(t, "Makefile"))
	if folders == nil {
		t.Fatal("the Makefile does not say which folders hold Go")
	}
	need = append(need, strings.Fields(folders[1])...)
	var copied []string
	for _, l := range instructions(text) {
		if words := strings.Fields(l.rest); l.word == "COPY" && !strings.HasPrefix(l.rest, "--from") {
			copied = append(copied, words[:len(words)-1]...)
		}
	}
	for _, n := range need {
		if !slices.Contains(copied, n) {
			t.Errorf("%s is not copied to where the image is built", n)
		}
	}
	for _, c := range copied {
		if strings.HasPrefix(c, "--") {
			continue
		}
		if _, err := os.Stat(filepath.Join(root(t), c)); err != nil {
			t.Errorf("copied, but not there: %v", err)
		}
		if !strings.Contains(ignore, "\n!"+c+"\n") {
			t.Errorf(".dockerignore keeps %s from the build", c)
		}
	}
}

// TestBaseCanStartTheProgram: a program that asks for a loader needs a base that has it. Ours does although it is built
// without C, since it can load ClickHouse as a library.
func TestBaseCanStartTheProgram(t *testing.T) {
	t.Parallel()
	f, err := elf.Open(filepath.Join(root(t), "bin/agrichat"))
	if err != nil {
		t.Skipf("make build has not run: %v", err)
	}
	defer f.Close()
	loader := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
	var base string
	for _, l := range instructions(read(t, "deploy/docker/Dockerfile")) {
		if l.word == "FROM" {
			base = l.rest
		}
	}
	if glibc := strings.HasPrefix(base, "debian:"); loader && !glibc {
		t.Errorf("the program asks for glibc's loader, which %s may not have", base)
	}
}
