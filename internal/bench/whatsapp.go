package bench

// whatsapp is a chat as an iPhone exports it.
type whatsapp struct{ *sheet }

func (w *whatsapp) begin() {}

func (w *whatsapp) end() {}

func (w *whatsapp) message(m *said) {
	w.put("[", m.at.Format("02.01.2006, 15:04:05"), "] ", called(m.who), ": ")
	w.write(m.text)
	if m.kind != "" {
		w.put(" ", m.part)
	}
	if !m.edited.IsZero() {
		w.put(" \u200e<This message was edited>")
	}
	w.put("\r\n")
}
