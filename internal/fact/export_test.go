package fact

// ReadsQuickly says whether the quick way takes what data holds.
func ReadsQuickly(data []byte) bool { return new(Reader).quick(data) }
