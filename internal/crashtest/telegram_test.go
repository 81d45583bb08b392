package crashtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// owner is whose export it is.
const owner = "100200300"

// telegramChat is a chat of an export.
type telegramChat struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	ID       int64             `json:"id"`
	Messages []telegramMessage `json:"messages"`

	namespace, channel string
}

type telegramMessage struct {
	ID         int                `json:"id"`
	Type       string             `json:"type"`
	Date       string             `json:"date"`
	Unix       string             `json:"date_unixtime"`
	Edited     string             `json:"edited,omitempty"`
	EditedUnix string             `json:"edited_unixtime,omitempty"`
	From       string             `json:"from"`
	FromID     string             `json:"from_id"`
	Reply      int                `json:"reply_to_message_id,omitempty"`
	Text       string             `json:"text"`
	Reactions  []telegramReaction `json:"reactions,omitempty"`
}

type telegramReaction struct {
	Type   string           `json:"type"`
	Count  int              `json:"count"`
	Emoji  string           `json:"emoji"`
	Recent []telegramRecent `json:"recent,omitempty"`
}

type telegramRecent struct {
	From   string `json:"from"`
	FromID string `json:"from_id"`
	Date   string `json:"date"`
}

// telegramFiles are an account's export, and a later one of its largest chat that overlaps: some messages of both were
// edited in between.
func telegramFiles(m *model, random *rand.Rand) []file {
	group := &telegramChat{Name: "Огород", Type: "private_supergroup", ID: 1503300001,
		namespace: "telegram", channel: "channel1503300001"}
	private := &telegramChat{Name: "Павел", Type: "personal_chat", ID: 100200301,
		namespace: "telegram:" + owner, channel: "user100200301"}
	group.fill(groupMessages, random)
	private.fill(privateMessages, random)
	group.expect(m)
	private.expect(m)
	first := file{"1-account/result.json", encoded(map[string]any{
		"about":                "Here is the data you requested.",
		"personal_information": map[string]any{"user_id": 100200300, "first_name": "Вера"},
		"chats":                map[string]any{"list": []*telegramChat{group, private}},
	})}
	later := *group
	later.Messages = nil
	for i, msg := range group.Messages[groupMessages/2:] {
		if i%10 == 0 {
			msg.edit(began().Add(40*24*time.Hour+time.Duration(i)*time.Second), "позже: "+msg.Text)
		}
		later.Messages = append(later.Messages, msg)
	}
	later.expect(m)
	return []file{first, {"2-later/result.json", encoded(&later)}}
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs always encode
	}
	return b
}

const telegramTime = "2006-01-02T15:04:05"

func (c *telegramChat) fill(n int, random *rand.Rand) {
	for id := 1; id <= n; id++ {
		at := began().Add(time.Duration(id) * 53 * time.Second)
		who := random.IntN(5)
		msg := telegramMessage{ID: id, Type: "message", Date: at.Format(telegramTime), Unix: strconv.FormatInt(at.Unix(), 10),
			From: fmt.Sprintf("Person %d", who), FromID: fmt.Sprintf("user%d", 100200300+who), Text: sentence(random)}
		if id%7 == 0 {
			msg.edit(at.Add(time.Minute), "правка: "+msg.Text)
		}
		if id%5 == 0 && id > 3 {
			msg.Reply = id - 3
		}
		if id%4 == 0 {
			msg.react("👍", 1+id%3, 0, at)
		}
		if id%12 == 0 {
			msg.react("🌱", 1, 2, at) // two whom the export does not name
		}
		c.Messages = append(c.Messages, msg)
	}
}

func (m *telegramMessage) edit(at time.Time, text string) {
	m.Text, m.Edited, m.EditedUnix = text, at.Format(telegramTime), strconv.FormatInt(at.Unix(), 10)
}

func (m *telegramMessage) react(emoji string, people, unnamed int, at time.Time) {
	r := telegramReaction{Type: "emoji", Emoji: emoji, Count: people + unnamed}
	for who := range people {
		r.Recent = append(r.Recent, telegramRecent{From: fmt.Sprintf("Person %d", who), FromID: fmt.Sprintf("user%d", 100200300+who),
			Date: at.Add(10 * time.Second).Format(telegramTime)})
	}
	m.Reactions = append(m.Reactions, r)
}

// expect puts what the chat shows into the model: a later export over an earlier one.
func (c *telegramChat) expect(m *model) {
	for _, msg := range c.Messages {
		at := place{"telegram", c.namespace, c.channel, strconv.Itoa(msg.ID)}
		want := message{Kind: "message", Text: msg.Text}
		want.Edited, _ = strconv.ParseInt(msg.EditedUnix, 10, 64) // empty: never edited
		if msg.Reply != 0 {
			want.Reply = strconv.Itoa(msg.Reply)
		}
		m.Messages[at] = want
		for _, r := range msg.Reactions {
			for _, p := range r.Recent {
				m.Reactions[reactor{at, p.FromID, r.Emoji}] = 1
			}
			if unnamed := r.Count - len(r.Recent); unnamed > 0 {
				m.Reactions[reactor{at, "", r.Emoji}] = unnamed
			}
		}
	}
}
