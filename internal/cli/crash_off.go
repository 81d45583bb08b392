//go:build !faultpoints

package cli

// faultPoints says that the process can be made to die at named points.
const faultPoints = false
