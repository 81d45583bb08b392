package files

import (
	pathpkg "path"
	"strings"

	"github.com/agrichat/agrichat/producers"
)

// skip is a file that is not read.
type skip struct {
	Skipped
	tree *tree  // in which an export may own it; nil: it is listed in any case
	name string // there
	head []byte
	root int  // which of the named paths it is under
	lost bool // something that should have been read could not be
}

// Skipped returns the files that no source reads, and how many more there are that belong to the exports: what an export names, what was opened
// while it was read, and what exporters write next to it.
func (f *Findings) Skipped() (list []Skipped, belonging int) {
	for _, s := range f.unread() {
		list = append(list, s.Skipped)
	}
	return list, len(f.skipped) - len(list)
}

// Unread returns what a user named and nothing could be read of, and everything below it that is damaged, encrypted or cannot be opened.
// Skipped returns these too.
func (f *Findings) Unread() (list []Skipped) {
	for _, s := range f.unread() {
		if s.lost || f.bare[s.root] && s.Why != whyTwice {
			list = append(list, s.Skipped)
		}
	}
	return list
}

// unread is what belongs to no export.
func (f *Findings) unread() (list []skip) {
	owners := map[*tree]*owner{}
	for _, one := range f.Files {
		o := owners[one.tree]
		if o == nil {
			o = &owner{dirs: map[string]bool{}, roots: map[string][]func(string) bool{}}
			owners[one.tree] = o
		}
		o.add(one)
	}
	for _, s := range f.skipped {
		if s.tree != nil && (s.tree.isUsed(s.name) || s.tree.within(owners, s.name, s.head)) {
			continue
		}
		list = append(list, s)
	}
	return list
}

// owner is the exports of one tree.
type owner struct {
	dirs  map[string]bool                    // folders in which a source reads a file
	roots map[string][]func(rel string) bool // what sources know to be theirs below these folders
	known map[string]bool
}

// rootsAbove is how many folders above a file its export may begin: channels and chats have folders of their own.
const rootsAbove = 2

func (o *owner) add(one Found) {
	dir := pathpkg.Dir(one.name)
	o.dirs[dir] = true
	if one.Def.Belongs == nil {
		return
	}
	for range rootsAbove + 1 {
		key := string(one.Def.Name) + "\x00" + dir
		if o.known == nil {
			o.known = map[string]bool{}
		}
		if !o.known[key] {
			o.known[key] = true
			o.roots[dir] = append(o.roots[dir], one.Def.Belongs)
		}
		if dir == "." {
			return
		}
		dir = pathpkg.Dir(dir)
	}
}

// owns reports whether a file is a part of one of the exports.
func (o *owner) owns(name string, head []byte) bool {
	media := isMedia(name, head)
	for dir := pathpkg.Dir(name); ; dir = pathpkg.Dir(dir) {
		if media && o.dirs[dir] {
			return true
		}
		rel := strings.TrimPrefix(name, dir+"/")
		for _, belongs := range o.roots[dir] {
			if belongs(rel) {
				return true
			}
		}
		if dir == "." {
			return false
		}
	}
}

// within reports whether an export of the tree, or of the one that a zip lies in, owns a file.
func (t *tree) within(owners map[*tree]*owner, name string, head []byte) bool {
	if o := owners[t]; o != nil && o.owns(name, head) {
		return true
	}
	return t.outer != nil && t.outer.isUsed(t.outerName)
}

// use notes that a source opened a file.
func (t *tree) use(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used == nil {
		t.used = map[string]bool{}
	}
	t.used[name] = true
}

func (t *tree) isUsed(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used[name]
}

// isMedia reports whether a file is an image, audio, video, a document or a part of a page: what exports have next to the messages.
func isMedia(name string, head []byte) bool {
	const endings = " .jpg .jpeg .png .gif .webp .heic .bmp .tif .tiff .svg .ico .tgs .webm .mp4 .mov .3gp .avi .mkv .m4v .mpg .mp3 .ogg .oga" +
		" .opus .m4a .aac .wav .amr .flac .css .js .woff .woff2 .ttf .eot .otf .vcf .pdf .doc .docx .xls .xlsx .ppt .pptx .odt .ods .odp .rtf .epub .apk .was "
	return strings.Contains(endings, " "+strings.ToLower(pathpkg.Ext(name))+" ") && pathpkg.Ext(name) != "" || mediaKind(head) != ""
}

// unknown is why a file is not read, and what to do.
func (f *Findings) unknown(file producers.File) string {
	for _, d := range f.defs {
		if d.Unreadable == nil {
			continue
		}
		if why := d.Unreadable(file); why != "" {
			return why
		}
	}
	if kind := kindOf(file.Path, file.Head); kind != "" {
		return kind
	}
	return "no source recognises it; if it is an export, --source says of what"
}
