package aggregate

import _ "embed"

var (
	//go:embed queries/insert_messages.sql
	insertMessages string
	//go:embed queries/insert_versions.sql
	insertVersions string
	//go:embed queries/insert_reactions.sql
	insertReactions string
	//go:embed queries/insert_memberships.sql
	insertMemberships string
	//go:embed queries/insert_channels.sql
	insertChannels string
	//go:embed queries/insert_identities.sql
	insertIdentities string
	//go:embed queries/insert_sightings.sql
	insertSightings string
)

func col(name, kind string) column { return column{name: name, kind: kind} }

// inChannel are the columns that begin every table of things in a channel; place writes them.
func inChannel(rest ...column) []column {
	return append([]column{
		col("channel_key", typeID), col("version", typeVersion), col("source", typeString), col("namespace", typeString),
		col("channel", typeString),
	}, rest...)
}

func messageLayout() []column {
	return inChannel(
		col("thing_id", typeID), col("external_id", typeString), col("kind", typeString), col("author_key", typeID),
		col("author", typeString), col("author_name", typeString), col("sent_at", typeTime), col("precision", typeUint8),
		col("zone_assumed", typeBool), col("text", typeString), col("revision", typeString), col("edited_at", typeTime),
		col("deleted", typeBool), col("deleted_at", typeTime), col("reply_to", typeString), col("thread", typeString),
		col("forwarded", typeBool), col("action", typeString), col("media", typeStrings), col("links", typeStrings),
		col("hashtags", typeStrings), col("mentions", typeStrings), col("accounts", typeStrings),
		col("position", typeUint64), col("characters", typeUint32), col("words", typeUint32), col("content_hash", typeID),
		col("truncated", typeBool),
	)
}

func versionLayout() []column {
	return inChannel(
		col("event_id", typeID), col("thing_id", typeID), col("kind", typeString), col("revision", typeString),
		col("sent_at", typeTime), col("position", typeUint64), col("content_hash", typeID),
	)
}

func reactionLayout() []column {
	return inChannel(
		col("thing_id", typeID), col("message_id", typeID), col("target", typeString), col("person_key", typeID),
		col("person", typeString), col("person_name", typeString), col("emoji", typeString), col("count", typeUint32),
		col("at", typeTime), col("removed", typeBool), col("content_hash", typeID), col("truncated", typeBool),
	)
}

func membershipLayout() []column {
	return inChannel(
		col("thing_id", typeID), col("identity_key", typeID), col("identity", typeString), col("name", typeString),
		col("state", typeString), col("at", typeTime), col("content_hash", typeID), col("truncated", typeBool),
	)
}

func sightingLayout() []column {
	return inChannel(
		col("sighting_id", typeID), col("event_id", typeID), col("thing_id", typeID), col("account", typeString), col("removed", typeBool),
		col("content_hash", typeID),
	)
}

func channelLayout() []column {
	return []column{
		col("key", typeID), col("version", typeVersion), col("source", typeString), col("namespace", typeString),
		col("channel", typeString), col("name", typeString), col("type", typeString), col("topic", typeString),
		col("content_hash", typeID), col("truncated", typeBool),
	}
}

func identityLayout() []column {
	return []column{
		col("key", typeID), col("version", typeVersion), col("source", typeString), col("namespace", typeString),
		col("identity", typeString), col("name", typeString), col("username", typeString), col("bot", typeBool),
		col("content_hash", typeID), col("truncated", typeBool),
	}
}
