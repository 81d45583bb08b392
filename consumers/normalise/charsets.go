package normalise

import "github.com/agrichat/agrichat/internal/event"

// Charsets is, of the events of a transaction whose texts were not UTF-8, how the events that stand were read.
type Charsets map[event.ID]event.Reading

// overrules reports whether the event of a copy stands in a surer charset.
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

// reread notes the names of an event that stood in another charset than it stands in now.
func (w *work) reread(stood, stands *PendingEvent) {
	if stands.Reading.Charset != "" {
		if w.charsets == nil {
			w.charsets = Charsets{}
		}
		w.charsets[stands.ID] = stands.Reading
	}
	if !stands.Reading.SurerCharset(stood.Reading) {
		return
	}
	if w.renamed == nil {
		w.renamed = Renames{}
	}
	old, _ := stood.Body.(*event.ChannelInfo)
	now, _ := stands.Body.(*event.ChannelInfo)
	if old != nil && now != nil {
		w.renamed.add(stands.ChannelID, old.Name, now.Name)
		w.renamed.add(stands.ChannelID, old.Topic, now.Topic)
	}
	type called struct{ name, username string }
	were := map[event.Key]called{}
	eachPerson(stood, func(_ *PendingEvent, who event.Person, username string) {
		were[who.Key(stands.Source, stands.Namespace)] = called{who.Name, username}
	})
	eachPerson(stands, func(_ *PendingEvent, who event.Person, username string) {
		key := who.Key(stands.Source, stands.Namespace)
		w.renamed.add(key, were[key].name, who.Name)
		w.renamed.add(key, were[key].username, username)
	})
}
