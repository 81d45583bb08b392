package normalise

import "github.com/agrichat/agrichat/internal/event"

// charsets is, of the events of a transaction whose texts were not UTF-8, how the events that stand were read.
type charsets map[event.ID]event.Reading

// overruled reports whether the event of a copy stands in a surer charset.
func (c charsets) overruled(it *item) bool {
	return it.Reading.Charset != "" && c != nil && c[it.ID].SurerCharset(it.Reading)
}

// wrongName is what a channel or an identity is called in a charset that a surer one has replaced.
type wrongName struct {
	key  event.Key
	name string
}

// renamed is what names and topics are in the surer charset. Their times stay: these are the same bytes.
type renamed map[wrongName]string

func (r renamed) name(key event.Key, name string) string {
	if to, ok := r[wrongName{key, name}]; ok {
		return to
	}
	return name
}

func (r renamed) add(key event.Key, from, to string) {
	if from != "" && to != "" && from != to {
		r[wrongName{key, from}] = to
	}
}

// reread notes the names of an event that stood in another charset than it stands in now.
func (w *work) reread(stood, stands *item) {
	if stands.Reading.Charset != "" {
		if w.charsets == nil {
			w.charsets = charsets{}
		}
		w.charsets[stands.ID] = stands.Reading
	}
	if !stands.Reading.SurerCharset(stood.Reading) {
		return
	}
	if w.renamed == nil {
		w.renamed = renamed{}
	}
	old, _ := stood.Body.(*event.ChannelInfo)
	now, _ := stands.Body.(*event.ChannelInfo)
	if old != nil && now != nil {
		w.renamed.add(stands.channel, old.Name, now.Name)
		w.renamed.add(stands.channel, old.Topic, now.Topic)
	}
	type called struct{ name, username string }
	were := map[event.Key]called{}
	eachPerson(stood, func(_ *item, who event.Person, username string) {
		were[who.Key(stands.Source, stands.Namespace)] = called{who.Name, username}
	})
	eachPerson(stands, func(_ *item, who event.Person, username string) {
		key := who.Key(stands.Source, stands.Namespace)
		w.renamed.add(key, were[key].name, who.Name)
		w.renamed.add(key, were[key].username, username)
	})
}
