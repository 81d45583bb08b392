package logs

import "github.com/agrichat/agrichat/producers"

// What the reader of a log assumes of it.

func noticeChannel() producers.Notice {
	return producers.Notice{Count: 1, Code: "channel-from-path", Option: "--channel",
		Text: "the channel was named after the folder that the log is in"}
}

func noticeNetwork() producers.Notice {
	return producers.Notice{Count: 1, Code: "network-unnamed", Option: "--namespace",
		Text: "the path names no network, so the log stands under the network irc"}
}

func noticeNear() producers.Notice {
	return producers.Notice{Count: 1, Code: "network-from-path", Option: "--namespace",
		Text: "the network was named after the folder that the logs are in"}
}

func noticeYear() producers.Notice {
	return producers.Notice{Count: 1, Code: "year-unknown",
		Text: "dates carry no year, and neither a line above nor the path names one; put the year into the name of the file, as in #channel.2023.log"}
}

func noticeDay() producers.Notice {
	return producers.Notice{Count: 1, Code: "day-went-back",
		Text: "a day header names an earlier day than the lines above it; the day after those was taken"}
}

func noticeUnfinishedLine() producers.Notice {
	return producers.Notice{Count: 1, Code: "last-line-cut",
		Text: "the last line has no line end and may still be being written; an import reads it when the log has grown, or rested for an hour"}
}

func noticeOpenEnd() producers.Notice {
	return producers.Notice{Count: 1, Code: "last-line-open",
		Text: "the last line has no line end; if it was cut off, the whole line will be another message"}
}

func noticeMixed() producers.Notice {
	return producers.Notice{Count: 1, Code: "charset-mixed",
		Text: "lines do not look like the charset that the log was read in, as where people wrote in several; their bytes are kept as they came"}
}
