package consumers

// Isolate applies a batch. Where apply fails and one element may be the cause, as splittable says of the error, each half is applied
// by itself, down to single elements: one that still fails goes to culprit. What apply has taken is not applied again. Any other
// error, of apply or of culprit, ends it.
func Isolate[T any](batch []T, apply func([]T) error, splittable func(error) bool, culprit func(T, error) error) error {
	err := apply(batch)
	switch {
	case err == nil || !splittable(err):
		return err
	case len(batch) == 1:
		return culprit(batch[0], err)
	}
	half := len(batch) / 2
	if err := Isolate(batch[:half], apply, splittable, culprit); err != nil {
		return err
	}
	return Isolate(batch[half:], apply, splittable, culprit)
}
