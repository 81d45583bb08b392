package files

import (
	"bytes"
	"path"
	"strings"
)

// container is the kind of a file that contains others and is not read; empty: it is no container.
func container(head []byte) string {
	const unpack = ": unpack it, and import the folder"
	at := func(pos int, mark string) bool { return len(head) >= pos && bytes.HasPrefix(head[pos:], []byte(mark)) }
	switch {
	case isZip(head):
		return "a zip that was packed once more" + unpack
	case at(0, "PK\x05\x06"):
		return "an empty zip: there is nothing in it"
	case at(257, "ustar\x00"), at(257, "ustar  \x00"):
		return "a tar archive" + unpack + " (tar xf)"
	case at(0, "7z\xbc\xaf\x27\x1c"):
		return "a 7z archive" + unpack
	case at(0, "Rar!\x1a\x07"):
		return "a rar archive" + unpack
	case at(0, "\xfd7zXZ\x00"):
		return "packed with xz: unpack it (unxz)"
	case at(0, "BZh") && at(4, "1AY&SY"):
		return "packed with bzip2: unpack it (bunzip2)"
	case at(0, "\x28\xb5\x2f\xfd"):
		return "packed with zstd: unpack it (unzstd)"
	case at(0, "MSCF\x00\x00\x00\x00"):
		return "a cab archive" + unpack
	case isGzip(head):
		return "packed with gzip twice: unpack it (gunzip)"
	}
	return ""
}

// magicSize is how much of a file is buffered to detect its kind.
const magicSize = 64

// mediaKind is the kind of an image, audio, video, font or document; empty: the file is none of them.
func mediaKind(head []byte) string {
	at := func(pos int, mark string) bool { return len(head) >= pos && bytes.HasPrefix(head[pos:], []byte(mark)) }
	switch {
	case at(0, "\xff\xd8\xff"), at(0, "\x89PNG\r\n"), at(0, "GIF8"), at(0, "RIFF") && at(8, "WEBP"), at(0, "BM") && at(6, "\x00\x00\x00\x00"), at(0, "II*\x00"), at(0, "MM\x00*"):
		return "a picture"
	case at(4, "ftyp"), at(0, "\x1aE\xdf\xa3"), at(0, "RIFF") && at(8, "AVI "):
		return "a film or a sound"
	case at(0, "ID3"), at(0, "OggS"), at(0, "fLaC"), at(0, "RIFF") && at(8, "WAVE"), at(0, "#!AMR"), at(0, "\xff\xfb"), at(0, "\xff\xf1"):
		return "a sound"
	case at(0, "wOFF"), at(0, "wOF2"), at(0, "OTTO"), at(0, "\x00\x01\x00\x00\x00"):
		return "a font"
	case at(0, "%PDF-"), at(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), at(0, "{\\rtf"):
		return "a document"
	}
	return ""
}

// kindOf is the kind of a file that no source reads, and what to do; empty: unknown.
func kindOf(name string, head []byte) string {
	base := strings.ToLower(path.Base(name))
	begins := func(mark string) bool { return bytes.HasPrefix(head, []byte(mark)) }
	has := func(words ...string) bool {
		for _, w := range words {
			if !bytes.Contains(head, []byte(w)) {
				return false
			}
		}
		return true
	}
	switch {
	case begins("SQLite format 3\x00") && (strings.HasPrefix(base, "msgstore") || strings.HasPrefix(base, "chatstorage") || base == "wa.db"):
		return "WhatsApp's own database, which is not read: export each chat in the app (More > Export chat)"
	case begins("SQLite format 3\x00"):
		return "a SQLite database, which is not read: export the chats from the program that it belongs to"
	case strings.Contains(base, ".crypt") && strings.TrimLeft(base[strings.LastIndex(base, ".crypt")+len(".crypt"):], "0123456789") == "":
		return "WhatsApp's encrypted backup, which is not read: export each chat in the app (More > Export chat)"
	case begins("TDF$"), begins("TDEF"):
		return "Telegram Desktop's own data, which is encrypted: export the chats there (Settings > Advanced > Export Telegram data)"
	case begins("From ") && has("\nSubject:"), (begins("Return-Path:") || begins("Received:") || begins("Delivered-To:") || begins("MIME-Version:") || begins("From:") || begins("Date:")) && has("\nSubject:"):
		return "mail, which no source reads"
	case begins("!BDN"):
		return "Outlook's mail folder, which no source reads"
	case has(`"participants"`, `"timestamp_ms"`), has(`"participants"`, `"senderName"`):
		return "messages of Facebook or Instagram, which no source reads yet: bring them as a CSV or JSON Lines file"
	case has(`"conversations"`, `"conversation_id"`), has(`"creator"`, `"topic_id"`):
		return "messages of Google Chat or Hangouts, which no source reads yet: bring them as a CSV or JSON Lines file"
	case has(`"conversations"`, `"MessageList"`):
		return "messages of Skype, which no source reads yet: bring them as a CSV or JSON Lines file"
	case begins("window.YTD."):
		return "messages of Twitter, which no source reads yet: bring them as a CSV or JSON Lines file"
	case bytes.HasPrefix(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), []byte("[LINE]")):
		return "a chat of LINE, which no source reads yet: bring it as a CSV or JSON Lines file"
	case has(`class="chatlog`):
		return "a page of DiscordChatExporter: export the channel as JSON, which is read whole"
	case len(bytes.TrimSpace(head)) == 0:
		return "empty but for blanks"
	}
	if kind := mediaKind(head); kind != "" {
		return kind + ", and no chat"
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return "no text, and of no kind that is known; if it is an export, --source says of what"
	}
	return ""
}
