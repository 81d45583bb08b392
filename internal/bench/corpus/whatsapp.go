package corpus

// whatsapp is a chat as an iPhone exports it.
type whatsapp struct{ *fileWriter }

func (w *whatsapp) begin() {}

func (w *whatsapp) end() {}

func (w *whatsapp) message(m *message) {
	w.put("[", m.at.Format("02.01.2006, 15:04:05"), "] ", AuthorName(m.who), ": ")
	w.write(m.text)
	if m.kind != "" {
		w.put(" ", m.part)
	}
	if !m.edited.IsZero() {
		w.put(" \u200e<This message was edited>")
	}
	w.put("\r\n")
}
