package fact

// ReadsFast says whether the fast path takes what data holds.
func ReadsFast(data []byte) bool { return new(Reader).readFast(data) }
