-- $1: the token. The row is written even if it says so already: that the commit stands is the proof that this server takes
-- writes. A higher one stays.
UPDATE agrichat.fence SET token = $1 WHERE token <= $1
