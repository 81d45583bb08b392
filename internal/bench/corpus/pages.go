package corpus

import "strconv"

// pages is a Telegram Desktop export in HTML: a thousand messages a page, as the program makes them.
type pages struct {
	*fileWriter
	on  int    // the page
	day string // that was put between the messages last
}

const perPage = 1000

func (w *pages) begin() { w.head(1) }

func (w *pages) end() { w.foot() }

func pageName(n int) string {
	if n == 1 {
		return "messages.html"
	}
	return "messages" + strconv.Itoa(n) + ".html"
}

func (w *pages) head(n int) {
	w.on, w.day = n, ""
	w.put("<!DOCTYPE html>\n<html>\n\n <head>\n\n  <meta charset=\"utf-8\"/>\n<title>Exported Data</title>\n\n </head>\n\n <body>\n\n",
		"  <div class=\"page_wrap\">\n\n   <div class=\"page_header\">\n\n    <div class=\"content\">\n\n     <div class=\"text bold\">\n",
		"Большой разговор \n     </div>\n\n    </div>\n\n   </div>\n\n   <div class=\"page_body chat_page\">\n\n    <div class=\"history\">\n\n")
}

func (w *pages) foot() { w.put("    </div>\n\n   </div>\n\n  </div>\n\n </body>\n\n</html>\n") }

func (w *pages) message(m *message) {
	if on := (m.id-1)/perPage + 1; on != w.on {
		w.foot()
		w.turn(pageName(on))
		w.head(on)
	}
	if day := m.at.Format("2 January 2006"); day != w.day {
		w.day = day
		w.put("     <div class=\"message service\" id=\"message-", strconv.Itoa(m.id), "\">\n\n      <div class=\"body details\">\n", day,
			"\n      </div>\n\n     </div>\n\n")
	}
	w.put("     <div class=\"message default clearfix\" id=\"message", strconv.Itoa(m.id), "\">\n\n",
		"      <div class=\"body\">\n\n       <div class=\"pull_right date details\" title=\"", m.at.Format(pageClock), "\">\n", m.at.Format("15:04"),
		"\n       </div>\n\n       <div class=\"from_name\">\n", AuthorName(m.who), " \n       </div>\n\n")
	if m.replyTo != 0 {
		w.reply(m.replyTo)
	}
	w.text(m)
	if m.emoji != "" {
		w.reactions(m)
	}
	w.put("      </div>\n\n     </div>\n\n")
}

const pageClock = "02.01.2006 15:04:05 UTC+00:00"

func (w *pages) reply(to int) {
	there := ""
	if on := (to-1)/perPage + 1; on != w.on {
		there = pageName(on)
	}
	w.put("       <div class=\"reply_to details\">\nIn reply to <a href=\"", there, "#go_to_message", strconv.Itoa(to),
		"\">this message</a>\n       </div>\n\n")
}

// text needs no escapes: the words are letters alone.
func (w *pages) text(m *message) {
	w.put("       <div class=\"text\">\n")
	w.write(m.text)
	switch m.kind {
	case "bold":
		w.put(" <strong>", m.part, "</strong>")
	case "link", "hashtag":
		w.put(" <a href=\"", m.part, "\">", m.part, "</a>")
	}
	w.put("\n       </div>\n\n")
}

// reactions names people, as the program does while they are few.
func (w *pages) reactions(m *message) {
	w.put("       <span class=\"reactions\">\n\n        <span class=\"reaction\">\n\n         <span class=\"emoji\">\n", m.emoji,
		"\n         </span>\n\n         <span class=\"userpics\">\n\n")
	for _, r := range m.reacted {
		w.put("          <div class=\"userpic userpic1\" style=\"width: 20px; height: 20px\">\n\n",
			"           <div class=\"initials\" style=\"line-height: 20px\" title=\"", AuthorName(r.who), ", ", r.at.Format(pageClock), "\">\nA\n",
			"           </div>\n\n          </div>\n\n")
	}
	w.put("         </span>\n\n        </span>\n\n       </span>\n\n")
}
