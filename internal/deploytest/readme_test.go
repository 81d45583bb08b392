package deploytest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/bench"
	"github.com/agrichat/agrichat/internal/cli"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/producers/all"
)

// chapter is a heading of a document and what stands below it.
type chapter struct {
	title  string
	prose  string // tables too
	blocks []codeBlock
}

type codeBlock struct {
	lang  string
	lines []string
}

func chapters(text string) []chapter {
	list, inside := []chapter{{}}, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		c := &list[len(list)-1]
		switch lang, fence := strings.CutPrefix(line, "```"); {
		case fence:
			if inside = !inside; inside {
				c.blocks = append(c.blocks, codeBlock{lang: lang})
			}
		case inside:
			b := &c.blocks[len(c.blocks)-1]
			b.lines = append(b.lines, line)
		case strings.HasPrefix(line, "#"):
			list = append(list, chapter{title: line})
		default:
			c.prose += line + "\n"
		}
	}
	return list
}

// spans are the pieces of code within the prose.
func (c chapter) spans() (list []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(c.prose, -1) {
		list = append(list, strings.ReplaceAll(m[1], "\n", " "))
	}
	return list
}

func (c chapter) links() (list []string) {
	for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(c.prose, -1) {
		list = append(list, m[1])
	}
	return list
}

// tables gives the rows and columns of each.
func (c chapter) tables() (list []string) {
	rows, columns := 0, 0
	for line := range strings.Lines(regexp.MustCompile("`[^`]+`").ReplaceAllString(c.prose, "") + "\n") {
		if strings.HasPrefix(line, "|") {
			rows, columns = rows+1, max(columns, strings.Count(line, "|")-1)
		} else if rows > 0 {
			list = append(list, fmt.Sprintf("%d rows of %d", rows, columns))
			rows, columns = 0, 0
		}
	}
	return list
}

// figures are the numbers of the prose with their units, written as in English. A Russian thousand is 9900 or, with blanks that
// do not break, 10 000; a blank that may break makes two numbers of it.
func (c chapter) figures(russian bool) (list []string) {
	text := regexp.MustCompile("`[^`]+`|\\]\\([^)]*\\)").ReplaceAllString(c.prose, "")
	units := [][3]string{
		{"messages/s", `messages(?:/s| a second)`, `сообщени\pL+(?:/с|\s(?:в\s)?секунду)`}, {"messages", `messages?`, `сообщени\pL+`},
		{"bytes", `bytes?`, `байта?`}, {"records", `records?`, `запис\pL+`}, {"cores", `cores?`, `яд\pL+`},
		{"KB", `KB`, `КБ`}, {"MB", `MB`, `МБ`}, {"GB", `GB`, `ГБ`},
		{"µs", `µs`, `мкс`}, {"ms", `ms`, `мс`}, {"s", `s|seconds?`, `с|секунд\pL*`}, {"min", `min|minutes?`, `мин|минут\pL*`},
	}
	language, thousands := 1, ","
	if russian {
		language, thousands = 2, "\u00a0"
	}
	number := `(\d+(?:[.,:\x{a0}]\d+)*)(?:[\s\x{a0}](?:`
	for i, u := range units {
		number += strings.Repeat("|", min(i, 1)) + "(" + u[language] + ")"
	}
	for _, m := range regexp.MustCompile(number+`)(?:[^\pL/]|$))?`).FindAllStringSubmatch(text, -1) {
		n := strings.ReplaceAll(m[1], thousands, "")
		if russian {
			n = strings.ReplaceAll(n, ",", ".")
		}
		if i := slices.IndexFunc(m[2:], func(unit string) bool { return unit != "" }); i >= 0 {
			n += " " + units[i][0]
		}
		list = append(list, n)
	}
	return list
}

// said is a block without what is explained in it: comments, and the words in a column beside commands. Of a drawing, which
// begins with a blank, the names remain: what has a capital or a slash.
func (b codeBlock) said() (list []string) {
	if len(b.lines) > 0 && strings.HasPrefix(b.lines[0], " ") {
		for _, line := range b.lines {
			names := regexp.MustCompile(`[A-Za-z]*[A-Z/][\w/<>]*`).FindAllString(line, -1)
			list = append(list, strings.Join(names, " "))
		}
		return list
	}
	column := 0
	for _, line := range b.lines {
		// Not in YAML, and not before a #: there the comment ends by itself.
		if gap := regexp.MustCompile(`^\S+(?: \S+)*( {2,})[^\s#]`).FindStringSubmatchIndex(line); b.lang == "" && gap != nil {
			column = gap[3]
			break
		}
	}
	for _, line := range b.lines {
		if column > 0 && len(line) > column && line[column-1] == ' ' {
			line = line[:column]
		}
		list = append(list, strings.TrimRight(regexp.MustCompile(`(^|\s)#.*`).ReplaceAllString(line, ""), " "))
	}
	return list
}

// outline is what two languages have in common.
type outline struct {
	Level                int
	Blocks, Tables       []string
	Links, Code, Figures []string
}

func (c chapter) outline(russian bool) outline {
	o := outline{
		Level: len(c.title) - len(strings.TrimLeft(c.title, "#")), Tables: c.tables(),
		Links: slices.Sorted(slices.Values(c.links())), Code: slices.Sorted(slices.Values(c.spans())),
		Figures: slices.Sorted(slices.Values(c.figures(russian))),
	}
	for i, l := range o.Links {
		if l == "README.md" && russian || l == "README.ru.md" && !russian {
			o.Links[i] = "the other language"
		}
	}
	for _, b := range c.blocks {
		o.Blocks = append(o.Blocks, append([]string{"```" + b.lang}, b.said()...)...)
	}
	return o
}

// differences says in which chapters the Russian text has other things than the English one.
func differences(english, russian string) (found []string) {
	en, ru := chapters(english), chapters(russian)
	if len(en) != len(ru) {
		return []string{fmt.Sprintf("%d headings and %d", len(en)-1, len(ru)-1)}
	}
	for i := range en {
		if d := cmp.Diff(en[i].outline(false), ru[i].outline(true)); d != "" {
			found = append(found, fmt.Sprintf("%s, %s (-English +Russian):\n%s", en[i].title, ru[i].title, d))
		}
	}
	return found
}

// document is a page of the repository, and what it is checked against.
type document struct {
	root, name string
	makefile   string
	compose    *types.Project
	found      []string
}

func (d *document) add(format string, args ...any) {
	d.found = append(d.found, d.name+": "+fmt.Sprintf(format, args...))
}

func (d *document) check(text string) {
	for _, v := range regexp.MustCompile(`\bAGRICHAT_\w+`).FindAllString(text, -1) {
		if _, err := config.Load(config.Input{Environ: []string{"HOME=" + d.root, v + "="}}); err != nil {
			d.add("%v", err)
		}
	}
	for _, c := range chapters(text) {
		for _, l := range c.links() {
			if file, _, _ := strings.Cut(l, "#"); !strings.Contains(l, "://") && !d.exists(path.Join(path.Dir(d.name), file)) {
				d.add("the link %s leads nowhere", l)
			}
		}
		for _, s := range c.spans() {
			d.line(s)
			d.word(s)
		}
		for _, b := range c.blocks {
			text := strings.ReplaceAll(strings.Join(b.said(), "\n"), "\\\n", " ")
			for line := range strings.Lines(text) {
				d.line(line)
			}
		}
	}
}

func (d *document) exists(name string) bool {
	_, err := os.Stat(filepath.Join(d.root, filepath.FromSlash(name)))
	return err == nil
}

// line checks what a shell would run.
func (d *document) line(line string) {
	args := strings.Fields(regexp.MustCompile(`'[^']*'`).ReplaceAllString(line, "TEXT"))
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "-") {
		args = args[1:]
	}
	switch run := slices.Index(args, "run"); {
	case len(args) == 0:
	case args[0] == "make":
		d.makes(args[1:])
	case path.Base(args[0]) == "agrichat":
		d.called(args[1:])
	case args[0] == "docker" && run > 0:
		args = slices.DeleteFunc(args[run+1:], func(a string) bool { return a == "--rm" })
		if len(args) == 0 {
			return
		}
		s, ok := d.compose.Services[args[0]]
		if !ok || s.Build == nil {
			d.add("%q: %s is no role in docker-compose.yml", line, args[0])
			return
		}
		s.Command = args[1:]
		d.called(arguments(s))
	}
}

func (d *document) makes(args []string) {
	for _, a := range args {
		pattern := `(?m)^` + regexp.QuoteMeta(a) + `:`
		if name, _, variable := strings.Cut(a, "="); variable {
			pattern = `\b` + regexp.QuoteMeta(name) + `\b`
		}
		if !regexp.MustCompile(pattern).MatchString(d.makefile) {
			d.add("the Makefile knows no %s", a)
		}
	}
}

// called checks a command of ours against its own help. Of a|b|c each is one.
func (d *document) called(args []string) {
	for i, a := range args {
		if strings.Contains(a, "|") {
			for each := range strings.SplitSeq(a, "|") {
				d.called(slices.Concat(args[:i], []string{each}, args[i+1:]))
			}
			return
		}
	}
	end := slices.IndexFunc(args, func(a string) bool { return !regexp.MustCompile(`^[a-z]+$`).MatchString(a) })
	if end < 0 {
		end = len(args)
	}
	help := helpOf(args[:end])
	usage := regexp.MustCompile(`(?m)^Usage:\n +agrichat(.*)`).FindStringSubmatch(help)
	if usage == nil || !allows(strings.Fields(usage[1]), args[:end]) {
		d.add("there is no command agrichat %s", strings.Join(args[:end], " "))
		return
	}
	for _, a := range args[end:] {
		flag, _, _ := strings.Cut(strings.Trim(a, "[]"), "=")
		if strings.HasPrefix(flag, "-") && !takes(help, flag) {
			d.add("agrichat %s has no flag %s", strings.Join(args[:end], " "), flag)
		}
	}
}

// benchHelp is the help of the benchmark's program.
func benchHelp() string {
	var out strings.Builder
	bench.Main(context.Background(), []string{"--help"}, nil, &out, &out)
	return out.String()
}

func helpOf(args []string) string {
	var out, errOut bytes.Buffer
	cli.Main(context.Background(), append(slices.Clone(args), "--help"), nil, nil, &out, &errOut)
	return out.String()
}

func takes(help, flag string) bool {
	return regexp.MustCompile(`(?m)^ +(-\w, )?` + regexp.QuoteMeta(flag) + `\b`).MatchString(help)
}

// allows compares words with a line like "replay normalise|aggregate [flags]" or "produce [SOURCE...]".
func allows(usage, words []string) bool {
	for i, w := range words {
		if i >= len(usage) || usage[i] == "[flags]" || usage[i] == "[command]" {
			return false
		}
		if name := strings.Trim(usage[i], "[]."); name == strings.ToLower(name) && !slices.Contains(strings.Split(name, "|"), w) {
			return false
		}
	}
	return true
}

// word checks what may be a flag, a key of the configuration or a file of the repository.
func (d *document) word(s string) {
	theirs := []string{
		"--scale", "postgresql.connect_address", // docker's and Patroni's
		"docker-compose.override.yml", ".jsonl", ".map.yaml", ".ndjson", // the reader's own files
	}
	flag, _, _ := strings.Cut(strings.Fields(s)[0], "=")
	file := regexp.MustCompile(`^[\w./-]+$`).MatchString(s) && !strings.HasPrefix(s, "/")
	switch {
	case slices.Contains(theirs, flag):
	case strings.HasPrefix(flag, "-"):
		commands := [][]string{nil, {"up"}, {"import"}, {"verify"}, {"stats"}, {"replay"}}
		if !slices.ContainsFunc(commands, func(c []string) bool { return takes(helpOf(c), flag) }) && !takes(benchHelp(), flag) {
			d.add("no command has a flag %s", flag)
		}
	case !file || !strings.ContainsAny(s, "./") || strings.Contains(s, "..."):
	case d.exists(s) || d.exists(path.Join(path.Dir(d.name), s)) || d.below(s):
	case d.secret(s):
	default:
		if _, err := config.Load(config.Input{Environ: []string{"HOME=" + d.root}, Flags: []config.Flag{{Name: "`" + s + "`", Key: s}}}); err != nil &&
			strings.Contains(err.Error(), "no such key") {
			d.add("neither a key nor a file: %v", err)
		}
	}
}

// secret says whether this is one of the files that deploy/compose/init makes.
func (d *document) secret(name string) bool {
	for _, s := range d.compose.Secrets {
		if strings.HasSuffix(filepath.ToSlash(s.File), "/"+name) {
			return true
		}
	}
	return false
}

// below finds a file that is called by its bare name in the folders below the page's.
func (d *document) below(base string) (found bool) {
	_ = fs.WalkDir(os.DirFS(filepath.Join(d.root, path.Dir(d.name))), ".", func(p string, _ fs.DirEntry, err error) error {
		if err == nil && path.Base(p) == strings.TrimSuffix(base, "/") && path.Dir(d.name) != "." {
			found = true
		}
		return nil
	})
	return found
}

func TestLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	for _, d := range differences(read(t, "README.md"), read(t, "README.ru.md")) {
		t.Error(d)
	}
}

// documents are the pages whose names and commands are checked.
func documents(t *testing.T) (list []string) {
	t.Helper()
	list = []string{"README.md", "README.ru.md"}
	for _, dir := range []string{"deploy", "schemas"} {
		err := fs.WalkDir(os.DirFS(root(t)), dir, func(p string, _ fs.DirEntry, err error) error {
			if path.Ext(p) == ".md" {
				list = append(list, p)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(list) < 6 {
		t.Fatalf("only %q: looked in the wrong place", list)
	}
	return list
}

func newDocument(t *testing.T, name string) *document {
	t.Helper()
	return &document{root: root(t), name: name, makefile: read(t, "Makefile"), compose: ours(t)}
}

func TestPagesNameWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, name := range documents(t) {
		d := newDocument(t, name)
		d.check(read(t, name))
		for _, f := range d.found {
			t.Error(f)
		}
	}
}

// settingsIn loads the configuration that a page shows. The files it names are made of the comments beside them.
func settingsIn(t *testing.T, text string) (config.Config, error) {
	t.Helper()
	dir, kinds := t.TempDir(), map[string]bool{}
	text = regexp.MustCompile(`(\w+_file): (\S+)(?: +# (\S+))?`).ReplaceAllStringFunc(text, func(found string) string {
		m := strings.Fields(found)
		file := filepath.Join(dir, strings.Trim(m[0], ":"))
		write(t, file, m[len(m)-1])
		return m[0] + " " + file
	})
	for _, d := range all.Definitions() {
		if d.Live != nil {
			kinds[string(d.Name)] = true
		}
	}
	file := filepath.Join(dir, "agrichat.yaml")
	write(t, file, text)
	return config.Load(config.Input{File: file, Environ: []string{"HOME=" + dir}, Kinds: slices.Sorted(maps.Keys(kinds))})
}

func TestPagesShowConfigurationsThatHold(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, name := range documents(t) {
		for _, c := range chapters(read(t, name)) {
			for _, b := range c.blocks {
				if b.lang != "yaml" {
					continue
				}
				seen++
				got, err := settingsIn(t, strings.Join(b.lines, "\n"))
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				for _, src := range got.Sources {
					decode(t, name, src)
				}
			}
		}
	}
	if seen < 2 {
		t.Errorf("%d configurations: looked in the wrong place", seen)
	}
}

// TestLanguagesDiffer breaks a translation that is in order.
func TestLanguagesDiffer(t *testing.T) {
	t.Parallel()
	const english = "# A\n[x](README.ru.md) [y](deploy/README.md)\n\n## B\n9,900 messages/s, 16 s, 190 MB; `--bytes 1`\n\n" +
		"| a | b |\n|---|---|\n| 1.5 | |\n\n```\nmake run   # a\n```\n```\nagrichat up     all\nagrichat status where\n```\n" +
		"```\n in -> CHAT a/b\n```\n```yaml\nnats: # a\n  urls: []\n```\n"
	const russian = "# А\n[х](README.md) [у](deploy/README.md)\n\n## Б\n16 с, 9\u00a0900 сообщений в секунду, 190 МБ; `--bytes 1`\n\n" +
		"| а | б |\n|---|---|\n| 1,5 | |\n\n```\nmake run   # б\n```\n```\nagrichat up     все\nagrichat status где\n```\n" +
		"```\n сюда -> CHAT a/b\n```\n```yaml\nnats: # б\n  urls: []\n```\n"
	if d := differences(english, russian); d != nil {
		t.Fatal(d)
	}
	for _, tc := range [][2]string{
		{"## Б", "### Б"}, {"## Б", "## Б\n## В"}, {"## Б\n", ""},
		{"| 1,5 | |\n", "| 1,5 | |\n| | |\n"}, {"| 1,5 | |", "| 1,5 | | |"},
		{"README.md) ", "README.ru.md) "}, {"deploy/README.md", "deploy/failover.md"}, {" [у](deploy/README.md)", ""},
		{"9\u00a0900", "9\u00a0800"}, {"16 с,", "17 с,"}, {"16 с,", "16 мс,"}, {"190 МБ", "190 ГБ"}, {"190 МБ", "190\u00a0КБ"}, {"сообщений в секунду", "сообщений"}, {"16 с, ", ""}, {"1,5", "1,6"},
		{"`--bytes 1`", "`--bytes 2`"}, {"`--bytes 1`", "--bytes"},
		{"make run", "make test"}, {"up  ", "down"}, {"status где", "stats  где"}, {"CHAT a/b", "FACTS a/b"}, {"a/b", "a/c"},
		{"urls: []", "urls: [x]"}, {"```yaml", "```"}, {"  urls: []\n", ""},
	} {
		if broken := strings.Replace(russian, tc[0], tc[1], 1); broken == russian || differences(english, broken) == nil {
			t.Errorf("%q in place of %q passes", tc[1], tc[0])
		}
	}
}

// TestPagesFind gives pages that name what is not there, and some that are in order.
func TestPagesFind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"[x](deploy/README.md#y) [z](https://example.org) `deploy/compose/init` `internal/archtest`", ""},
		{"[x](deploy/RAEDME.md)", "deploy/RAEDME.md leads nowhere"},
		{"`deploy/compose/secrets/postgres_dsn`", ""},
		{"`deploy/compose/secrets/postgres`", "neither a key nor a file"},
		{"`internal/archtests`", "neither a key nor a file"},
		{"`nats.urls` `AGRICHAT_NATS_URLS`", ""},
		{"`nats.url`", "no such key"},
		{"`AGRICHAT_NATS_URL`", "no such variable"},
		{"```\nAGRICHAT_NATS_URL=x agrichat up\n```", "no such variable"},
		{"`make run ONCE=1`", ""},
		{"`make walk`", "the Makefile knows no walk"},
		{"`make run TWICE=1`", "the Makefile knows no TWICE=1"},
		{"```\nmake walk   # not run\n```", "the Makefile knows no walk"},
		{"`agrichat gate\npause --why 'a new disk'` `agrichat replay aggregate` `agrichat produce libera`", ""},
		{"`agrichat improt`", "no command agrichat improt"},
		{"`agrichat replay everything`", "no command agrichat replay everything"},
		{"`agrichat verify now`", "no command agrichat verify now"},
		{"`bin/agrichat verify [--repare]`", "agrichat verify has no flag --repare"},
		{"`--zone` `--scale x=2`", ""},
		{"`--zoen`", "no command has a flag --zoen"},
		{"```\nagrichat dlq list|shwo   what\n```", "no command agrichat dlq shwo"},
		{"```\nX=1 \\\n    agrichat improt\n```", "no command agrichat improt"},
		{"```\ndocker compose run --rm agrichat verfy\n```", "no command agrichat verfy"},
		{"```\ndocker compose run --rm import /x --zoen y\n```", "agrichat import has no flag --zoen"},
		{"`docker compose run --rm imports x`", "imports is no role"},
	} {
		d := newDocument(t, "README.md")
		d.check(tc.text)
		if got := strings.Join(d.found, "; "); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%q: found %q, want %q", tc.text, got, tc.want)
		}
	}
	if _, err := settingsIn(t, "nats:\n  url: [nats://n:4222]\n"); err == nil {
		t.Error("a configuration with an unknown key holds")
	}
}
