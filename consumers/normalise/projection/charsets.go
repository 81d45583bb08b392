package projection

import "github.com/agrichat/agrichat/internal/event"

// Charsets is how the stored events were decoded, of the events of a transaction whose texts were not UTF-8.
type Charsets map[event.ID]event.Reading

// overrules reports whether the stored event was decoded with a surer charset than the copy.
func (c Charsets) overrules(it *PendingEvent) bool {
	return it.Reading.Charset != "" && c != nil && c[it.ID].SurerCharset(it.Reading)
}

// misreadName is what a channel or an identity is called in a charset that a surer one has replaced.
type misreadName struct {
	key  event.Key
	name string
}

// Renames is what names and topics are in the surer charset. Their times stay: these are the same bytes.
type Renames map[misreadName]string

func (r Renames) Apply(key event.Key, name string) string {
	if to, ok := r[misreadName{key, name}]; ok {
		return to
	}
	return name
}

func (r Renames) add(key event.Key, from, to string) {
	if from != "" && to != "" && from != to {
		r[misreadName{key, from}] = to
	}
}

// Rereadings is, of the events of a transaction, what was read in another charset than the stored copy.
type Rereadings struct {
	Charsets Charsets // in which names were read
	Renames  Renames
}

// Add notes the names of an event whose stored copy was read in another charset than the event is now.
func (w *Rereadings) Add(stored, now *PendingEvent) {
	if now.Reading.Charset != "" {
		if w.Charsets == nil {
			w.Charsets = Charsets{}
		}
		w.Charsets[now.ID] = now.Reading
	}
	if !now.Reading.SurerCharset(stored.Reading) {
		return
	}
	if w.Renames == nil {
		w.Renames = Renames{}
	}
	oldInfo, _ := stored.Body.(*event.ChannelInfo)
	newInfo, _ := now.Body.(*event.ChannelInfo)
	if oldInfo != nil && newInfo != nil {
		w.Renames.add(now.ChannelID, oldInfo.Name, newInfo.Name)
		w.Renames.add(now.ChannelID, oldInfo.Topic, newInfo.Topic)
	}
	type names struct{ name, username string }
	old := map[event.Key]names{}
	eachPerson(stored, func(_ *PendingEvent, who event.Person, username string) {
		old[who.Key(now.Source, now.Namespace)] = names{who.Name, username}
	})
	eachPerson(now, func(_ *PendingEvent, who event.Person, username string) {
		key := who.Key(now.Source, now.Namespace)
		w.Renames.add(key, old[key].name, who.Name)
		w.Renames.add(key, old[key].username, username)
	})
}
