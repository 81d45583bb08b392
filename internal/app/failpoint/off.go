//go:build !faultpoints

package failpoint

// enabled says that the process can be made to die at named points.
const enabled = false
